-- SPDX-License-Identifier: GPL-2.0-or-later
-- A real rnmd in a namespace, with a configuration, packs and a socket of its own.
local ctl = require "ctl"
local sh = require "sh"

local daemon = {}
daemon.__index = daemon
local running = {}

-- daemon.start(ns, { config = YAML, packs = { ["NAME.lua"] = text }, templates = { [NAME] = text }, args = "-v", ready = false, program = COMMAND })
-- In the YAML @DIR@ is the daemon's folder; its packs lie in @DIR@/policies.d, which is used when the YAML says nothing else.
function daemon.start(ns, options)
	local self = setmetatable({ ns = ns, dir = sh.tempdir(), options = options or {} }, daemon)
	self.socket = self.dir .. "/rnm.sock"
	self.config = self.dir .. "/config.yaml"
	sh.run(("umask 077; mkdir %s/policies.d"):format(self.dir))
	self:configure(self.options.config or "")
	for name, text in pairs(self.options.packs or {}) do
		self:pack(name, text)
	end
	if self.options.templates then
		sh.run(("umask 077; mkdir %s/templates"):format(self.dir))
	end
	for name, text in pairs(self.options.templates or {}) do
		self:write("templates/" .. name, text)
	end
	self:launch()
	return self
end

function daemon:configure(yaml)
	yaml = yaml:gsub("@DIR@", self.dir)
	if not ("\n" .. yaml):find "\npolicies:" then
		yaml = yaml .. ("\npolicies:\n  dirs: [%s/policies.d]\n"):format(self.dir)
	end
	self:write("config.yaml", yaml)
end

function daemon:write(name, text)
	sh.write(self.dir .. "/" .. name, text)
	sh.run(("chmod 600 %s"):format(sh.quote(self.dir .. "/" .. name)))
end

function daemon:pack(name, text)
	if name:find "/" then
		sh.run(("umask 077; mkdir -p %s"):format(sh.quote(self.dir .. "/policies.d/" .. name:match "(.*)/")))
	end
	self:write("policies.d/" .. name, text)
end

-- Starts it in its folder, a second time too; waits until it is ready unless told not to.
function daemon:launch()
	local log = os.getenv "RNM_SANITIZER_LOG"
	local asan = "detect_leaks=1" .. (log and ":log_path=" .. log or "")
	local program = self.options.program or (os.getenv "RNM_BUILD" or "build") .. "/rnmd"
	self.process = sh.spawn(("%s env -u LD_PRELOAD ASAN_OPTIONS=%s %s -c %s -s %s %s"):format(self.ns:enter(), asan,
		program, self.config, self.socket, self.options.args or ""))
	running[self] = true
	if self.options.ready ~= false then
		self:wait()
	end
end

function daemon:wait()
	sh.eventually(function()
		if self.process:status() then
			error("rnmd ended: " .. self.process:output(), 0)
		end
		local lines = ctl.ask(self.socket, "ping")
		return lines and lines[1] == "pong"
	end, 20, "the daemon's pong")
end

-- A text command → lines; an error when the answer is ERR.
function daemon:cmd(line)
	local lines, ok, message = ctl.ask(self.socket, line)
	if not lines or not ok then
		error(("%s: %s"):format(line, lines and message or "no answer: " .. ok .. self:log()), 2)
	end
	return lines
end

function daemon:ask(line)
	return ctl.ask(self.socket, line)
end

function daemon:rnm(args)
	return ctl.rnm(self.socket, args)
end

function daemon:log()
	return self.process:output()
end

-- Ends the process, keeps the folder; → exit status, log. With sanitizers a leak is a status other than 0.
function daemon:halt(signal)
	running[self] = nil
	return self.process:stop(signal, 20)
end

function daemon:stop(signal)
	local status, log = self:halt(signal)
	sh.try("rm -rf " .. sh.quote(self.dir))
	return status, log
end

-- For after_each: what a failed spec left running.
function daemon.stop_all()
	for d in pairs(running) do
		d:stop "KILL"
	end
end

return daemon
