-- SPDX-License-Identifier: GPL-2.0-or-later
-- Network namespaces without names: each is kept by a sleeping process and entered by its pid.
local sh = require "sh"

local netns = {}
netns.__index = netns
local open = {}

function netns.new()
	local self = setmetatable({ keeper = sh.spawn "unshare -n sleep infinity" }, netns)
	local own = sh.run "readlink /proc/self/ns/net"
	sh.eventually(function()
		local link, code = sh.try(("readlink /proc/%d/ns/net"):format(self.keeper.pid))
		return code == 0 and link ~= own
	end)
	open[self] = true
	self:run "ip link set lo up"
	return self
end

-- What goes in front of a command to run it in there.
function netns:enter()
	return ("nsenter --net=/proc/%d/ns/net "):format(self.keeper.pid)
end

function netns:run(cmd)
	return sh.run(self:enter() .. "sh -c " .. sh.quote(cmd))
end

function netns:try(cmd)
	return sh.try(self:enter() .. "sh -c " .. sh.quote(cmd))
end

-- A veth pair, both ends up: NAME in here, PEER in the other namespace (default: in here too).
function netns:veth(name, peer, other)
	self:run(("ip link add name %s type veth peer name %s"):format(name, peer))
	if other then
		self:run(("ip link set dev %s netns %d"):format(peer, other.keeper.pid))
	end
	self:run(("ip link set dev %s up"):format(name))
	; (other or self):run(("ip link set dev %s up"):format(peer))
end

function netns:close()
	open[self] = nil
	self.keeper:stop "KILL"
end

function netns.close_all()
	for ns in pairs(open) do
		ns:close()
	end
end

return netns
