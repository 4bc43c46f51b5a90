-- SPDX-License-Identifier: GPL-2.0-or-later
-- Hosts with links between them, and real packets: for specs about what policies do to traffic.
local daemon = require "daemon"
local rnmd = require "rnmd"
local sh = require "sh"

local lab = {}

function lab.host()
	return rnmd.quiet_ns()
end

-- A link between two hosts: lab.wire(a, "eth0", "192.0.2.1/24", b, "eth0", "192.0.2.2/24"); addresses may be nil.
function lab.wire(a, a_name, a_addr, b, b_name, b_addr)
	a:run(("ip link add %s type veth peer name %s netns %d"):format(a_name, b_name, b.keeper.pid))
	for ns, link in pairs { [a] = { a_name, a_addr }, [b] = { b_name, b_addr } } do
		ns:run(("ip link set %s up%s"):format(link[1], link[2] and (" && ip addr add %s dev %s"):format(link[2], link[1]) or ""))
	end
end

function lab.router(ns)
	ns:run "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter"
end

-- The policy of examples/cookbook/NAME, or else of policies/, with the YAML that its page would give it.
function lab.cookbook(ns, name, yaml, options)
	options = options or {}
	local source = sh.read(("examples/cookbook/%s/%s.lua"):format(name, name)) or assert(sh.read(("policies/%s.lua"):format(name)))
	options.config = yaml
	options.packs = options.packs or {}
	options.packs[name .. ".lua"] = source
	return daemon.start(ns, options)
end

-- A TCP server that tells each client the address it came from, and NAME; further options of socat's address after ADDRESS.
function lab.serve(ns, port, name, address)
	local p = sh.spawn(("%ssocat TCP-LISTEN:%d,fork,reuseaddr%s SYSTEM:'echo $SOCAT_PEERADDR %s'"):format(ns:enter(), port, address or "",
		name or "server"))
	sh.eventually(function() return ns:run(("ss -Hltn 'sport = :%d'"):format(port)) ~= "" end, 10, "a server")
	return p
end

-- What a server there says; nil and why when there is none, or nothing comes back. `options` are socat's: ",bind=192.0.2.7".
function lab.connect(ns, address, port, options, patience)
	local out, code = ns:try(("socat -T %s -u TCP:%s:%d,connect-timeout=%s%s STDOUT"):format(patience or 1, address, port, patience or 0.3,
		options or ""))
	if code == 0 and out ~= "" then
		return (out:gsub("\n$", ""))
	end
	return nil, out
end

-- How often a packet met the counter of the rule with these words.
function lab.count(ns, chain, words)
	for line in ns:run("nft list chain " .. chain):gmatch "[^\n]+" do
		if line:find(words, 1, true) then
			return tonumber(line:match "counter packets (%d+)")
		end
	end
end

return lab
