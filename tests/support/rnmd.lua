-- SPDX-License-Identifier: GPL-2.0-or-later
-- What specs about the running daemon share, on top of daemon.lua.
local daemon = require "daemon"
local netns = require "netns"
local sh = require "sh"

local rnmd = {}

-- A namespace without IPv6's own addresses, whose events would come when they like.
function rnmd.quiet_ns()
	local ns = netns.new()
	ns:run "for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done"
	return ns
end

-- Returns when the daemon is done with what the kernel had queued for it: the answer to the second question is written by a
-- turn of its loop that began after the first one.
function rnmd.settle(d)
	d:cmd "ping"
	d:cmd "ping"
end

-- The status, one string; or the first match of a pattern in it.
function rnmd.status(d, pattern)
	local text = table.concat(d:cmd "status", "\n")
	if pattern then
		return text:match(pattern)
	end
	return text
end

-- The daemon must end in good order: no leak, no report of a sanitizer, no error in its log unless those are expected.
function rnmd.stop(d)
	local status, log = d:stop()
	assert(status == 0, ("rnmd ended with %s:\n%s"):format(status, log))
	assert(not log:find("Sanitizer", 1, true) and not log:find("runtime error:", 1, true), log)
	return log
end

-- Times scaled for the slower build.
rnmd.slow = (os.getenv "RNM_BUILD" or ""):find "san$" and 5 or 1

function rnmd.clean()
	daemon.stop_all()
	netns.close_all()
end

-- Many commands of ip(8) in one process.
function rnmd.ip_batch(ns, lines)
	local dir = sh.tempdir()
	sh.write(dir .. "/batch", table.concat(lines, "\n") .. "\n")
	local out, code = ns:try(("ip -force -batch %s/batch; s=$?; rm -r %s; exit $s"):format(dir, dir))
	return out, code
end

return rnmd
