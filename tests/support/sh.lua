-- SPDX-License-Identifier: GPL-2.0-or-later
-- Commands and background processes for specs.
local system = require "system"

local sh = { sleep = system.sleep }

function sh.quote(s)
	return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

-- Runs a shell command; returns what it printed (stderr too) and its exit status.
function sh.try(cmd)
	local p = assert(io.popen("{ " .. cmd .. "\n} 2>&1", "r"))
	local out = p:read "a"
	local _, _, code = p:close()
	return out, code
end

-- The same for one that must succeed.
function sh.run(cmd)
	local out, code = sh.try(cmd)
	if code ~= 0 then
		error(("%s\nexit status %d: %s"):format(out, code, cmd), 2)
	end
	return out
end

function sh.read(path)
	local f = io.open(path, "r")
	if not f then
		return nil
	end
	local text = f:read "a"
	f:close()
	return text
end

function sh.write(path, text)
	local f = assert(io.open(path, "w"))
	f:write(text)
	f:close()
end

-- A private folder; the caller removes it.
function sh.tempdir()
	return (sh.run "umask 077; mktemp -d":gsub("\n$", ""))
end

-- Calls fn until it returns something true, which is returned; an error after so many seconds (default 10).
function sh.eventually(fn, seconds, what)
	local deadline = system.monotime() + (seconds or 10)
	while true do
		local value, more = fn()
		if value then
			return value, more
		end
		if system.monotime() > deadline then
			error((what or "what was waited for") .. " did not come" .. (more and ": " .. tostring(more) or ""), 2)
		end
		sh.sleep(0.005)
	end
end

local process = {}
process.__index = process

-- Starts a shell command line in the background, its output in a log file.
function sh.spawn(cmd)
	local dir = sh.tempdir()
	local self = setmetatable({ dir = dir, log = dir .. "/log" }, process)
	-- The outer shell stays to take the exit status, as only a parent can.
	local p = assert(io.popen(([[
		( exec 9>&1 >%s 2>&1 </dev/null
		  sh -c %s 9>&- & echo $! >&9; exec 9>&-
		  wait $!; echo $? >%s.new; mv %s.new %s ) &]]):format(self.log, sh.quote("exec " .. cmd), dir .. "/status",
		dir .. "/status", dir .. "/status")))
	self.pid = assert(tonumber(p:read "l"))
	p:close()
	return self
end

-- Exit status (128 + signal when killed), nil while it runs.
function process:status()
	return tonumber(sh.read(self.dir .. "/status"))
end

function process:output()
	return sh.read(self.log) or ""
end

function process:signal(name)
	sh.try(("kill -%s %d"):format(name, self.pid))
end

-- Ends it and returns its exit status and output.
function process:stop(signal, seconds)
	if not self:status() then
		self:signal(signal or "TERM")
	end
	local ok, status = pcall(sh.eventually, function() return self:status() end, seconds or 10)
	if not ok then
		self:signal "KILL"
		sh.eventually(function() return self:status() end, 5)
		status = "hung"
	end
	local out = self:output()
	sh.try("rm -rf " .. sh.quote(self.dir))
	return status, out
end

return sh
