-- SPDX-License-Identifier: GPL-2.0-or-later
-- The control socket as a shell script would use it.
local sh = require "sh"

local ctl = {}

-- One text command → its lines, and true or false with the message of ERR; nil when nobody answers.
function ctl.ask(socket, line)
	local out, code = sh.try(("printf '%%s\\n' %s | socat -t 10 - UNIX-CONNECT:%s"):format(sh.quote(line), sh.quote(socket)))
	if code ~= 0 then
		return nil, out
	end
	local lines = {}
	for l in out:gmatch "([^\n]*)\n" do
		if l == "OK" then
			return lines, true
		end
		local message = l:match "^ERR ?(.*)"
		if message then
			return lines, false, message
		end
		table.insert(lines, (l:gsub("^\\", "")))
	end
	return nil, "no end of the answer: " .. out
end

-- The operator's tool → output and exit status.
function ctl.rnm(socket, args)
	return sh.try(("%s/rnm -s %s %s"):format(os.getenv "RNM_BUILD" or "build", sh.quote(socket), args))
end

return ctl
