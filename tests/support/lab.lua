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
	local function up(name, address)
		return ("ip link set %s up"):format(name) .. (address and (" && ip addr add %s dev %s"):format(address, name) or "")
	end
	a:run(("ip link add %s type veth peer name %s netns %d && "):format(a_name, b_name, b.keeper.pid) .. up(a_name, a_addr))
	b:run(up(b_name, b_addr))
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

local function connect(ns, address, port, options, patience)
	local out, code = ns:try(("socat -T %s -u TCP:%s:%d,connect-timeout=%s%s STDOUT"):format(patience + 1, address, port, patience,
		options or ""))
	if code == 0 and out ~= "" then
		return (out:gsub("\n$", ""))
	end
	return nil, out
end

-- What a server there says. `options` are socat's: ",bind=192.0.2.7".
function lab.connect(ns, address, port, options)
	return assert(connect(ns, address, port, options, 10))
end

-- Nothing comes back from there: nobody listens, or packets are dropped. How long that is waited for costs time when all is well.
function lab.shut(ns, address, port, options)
	local said = connect(ns, address, port, options, 0.15)
	assert(not said, ("%s answers at port %d: %s"):format(address, port, said))
end

-- A server that says what it is told, and a connection to one that says something all the time: its output grows while it lives.
function lab.echo(ns, port)
	local p = sh.spawn(("%ssocat TCP-LISTEN:%d,fork,reuseaddr EXEC:cat"):format(ns:enter(), port))
	sh.eventually(function() return ns:run(("ss -Hltn 'sport = :%d'"):format(port)) ~= "" end, 10, "a server")
	return p
end

function lab.session(ns, address, port)
	local p = sh.spawn(("%ssh -c 'while :; do echo more; sleep 0.05; done | socat - TCP:%s:%d,connect-timeout=10'"):format(ns:enter(), address, port))
	lab.alive(p)
	return p
end

function lab.alive(session)
	local before = #session:output()
	sh.eventually(function() return #session:output() > before end, 10, "an answer in the session: " .. session:output())
end

-- A packet to a port, whether anybody answers or not.
function lab.knock(ns, address, port, options)
	connect(ns, address, port, options, 0.05)
end

-- The hook script of examples/cookbook/NAME, beside the daemon d. stubs: commands that it finds first, NAME → shell script. With
-- `background` it goes on, and its process comes back; else what it printed.
function lab.script(d, name, script, args, options)
	options = options or {}
	local bin = d.dir .. "/bin"
	sh.run("mkdir -p " .. bin)
	for command, text in pairs(options.stubs or {}) do
		sh.write(bin .. "/" .. command, "#!/bin/sh\n" .. text .. "\n")
		sh.run("chmod 755 " .. bin .. "/" .. command)
	end
	local build = sh.run "realpath ${RNM_BUILD:-build}":gsub("\n", "")
	local command = ("%senv -u LD_PRELOAD PATH=%s:$PATH RNM='%s/rnm -s %s' %s examples/cookbook/%s/%s %s"):format(d.ns:enter(), bin, build,
		d.socket, options.env or "", name, script, args or "")
	return options.background and sh.spawn(command) or sh.run(command)
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
