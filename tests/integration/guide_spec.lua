-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/guide/first-policy.md does what it says: every block of it is run, in order.
--   ```lua, ```yaml      first line names the file: "-- FILE", or "-- in FILE, at the end"
--   ```console           "$ COMMAND", then lines that it must print in this order; … stands for anything
local rnmd = require "rnmd"
local sh = require "sh"

local guide = "examples/guide/first-policy.md"

local function blocks(text)
	local out, line_no, kind, first, body = {}, 0, nil, nil, nil
	for line in text:gmatch "([^\n]*)\n" do
		line_no = line_no + 1
		local fence = line:match "^```(%w*)$"
		if fence and not kind then
			kind, first, body = fence, line_no, {}
		elseif fence then
			table.insert(out, { kind = kind, line = first, lines = body })
			kind = nil
		elseif kind then
			table.insert(body, line)
		end
	end
	assert(not kind, "a block without an end")
	return out
end

-- "a … b" as a pattern
local function pattern(line)
	return "^" .. line:gsub("%p", "%%%0"):gsub("…", ".*") .. "$"
end

describe("the guide", function()
	local ns, dir, work, daemons

	setup(function()
		ns = rnmd.quiet_ns()
		dir, daemons = sh.tempdir(), {}
		work = dir .. "/policies"
		sh.run(("umask 022; mkdir -p %s/bin %s %s/etc/rnm/policies.d"):format(dir, work, dir))
		local build = sh.run "realpath ${RNM_BUILD:-build}":gsub("\n", "")
		sh.write(dir .. "/bin/sudo", '#!/bin/sh\nexec "$@"\n')
		sh.write(dir .. "/bin/rnm", ('#!/bin/sh\nexec %s/rnm -s %s/rnm.sock "$@"\n'):format(build, dir))
		sh.write(dir .. "/bin/rnmd", ('#!/bin/sh\nexec env -u LD_PRELOAD %s/rnmd -s %s/rnm.sock "$@"\n'):format(build, dir))
		sh.run(("chmod 755 %s/bin/*"):format(dir))
	end)

	teardown(function()
		for _, d in ipairs(daemons) do
			local status, log = d:stop("TERM", 20)
			assert(status == 0, log)
		end
		sh.try("rm -rf " .. dir)
		rnmd.clean()
	end)

	local function place(path)
		return (path:gsub("^/etc/rnm", dir .. "/etc/rnm"))
	end

	local function file(block)
		local name = block.lines[1]:match "^%-?[-#] (%S+%.%l+)$"
		local more = block.lines[1]:match "^%-%- in (%S+), at the end$"
		assert(name or more, ("%s:%d: names no file"):format(guide, block.line))
		local path = place(name or more)
		path = path:find "^/" and path or work .. "/" .. path
		local text = (table.concat(block.lines, "\n", more and 2 or 1) .. "\n"):gsub("/etc/rnm", dir .. "/etc/rnm")
		sh.write(path, more and assert(sh.read(path)) .. "\n" .. text or text)
		sh.run("chmod 644 " .. path)
	end

	local function run(command)
		local environment = ("cd %s && export PATH=%s/bin:$PATH HOME=%s && "):format(work, dir, dir)
		command = command:gsub("/etc/rnm", dir .. "/etc/rnm")
		local background = command:match "^(.-) &$"
		if background then
			table.insert(daemons, sh.spawn(ns:enter() .. "sh -c " .. sh.quote(environment .. "exec " .. background:gsub("^sudo ", ""))))
			sh.eventually(function() return (ns:try(environment .. "rnm ping")):find "^pong" end, 20, "the daemon")
			return ""
		end
		return ((ns:try(environment .. command)):gsub(dir:gsub("%p", "%%%0"), ""):gsub("\27%[[%d;]*m", ""))
	end

	local function console(block)
		local i = 1
		while i <= #block.lines do
			local command = assert(block.lines[i]:match "^%$ (.*)", ("%s:%d: no command"):format(guide, block.line + i))
			local at = block.line + i
			i = i + 1
			while command:find "\\$" do
				command = command:sub(1, -2) .. block.lines[i]
				i = i + 1
			end
			local out = run(command)
			if os.getenv "GUIDE_SHOW" then
				print(("%s:%d: $ %s\n%s"):format(guide, at, command, out))
			end
			local lines, from = {}, 1
			for line in out:gmatch "[^\n]*" do table.insert(lines, (line:gsub("%s+$", ""))) end
			while block.lines[i] and not block.lines[i]:find "^%$ " do
				local want, found = pattern(block.lines[i]), nil
				for n = from, #lines do
					if lines[n]:find(want) then
						found = n
						break
					end
				end
				if not os.getenv "GUIDE_SHOW" then
					assert(found, ("%s:%d: not printed: %s\nbut:\n%s"):format(guide, block.line + i, block.lines[i], out))
				end
				from = (found or 0) + 1
				i = i + 1
			end
		end
	end

	it("can be followed from its first line to its last", function()
		local n = 0
		for _, block in ipairs(blocks(assert(sh.read(guide)))) do
			n = n + 1
			if block.kind == "console" then
				console(block)
			else
				file(block)
			end
		end
		assert.is_true(n > 15)
	end)
end)
