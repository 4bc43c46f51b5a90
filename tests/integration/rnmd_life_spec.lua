-- SPDX-License-Identifier: GPL-2.0-or-later
-- How rnmd begins and ends: readiness, signals, refusals to start, its tables between two lives.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local build = os.getenv "RNM_BUILD" or "build"
local simple = [[
local t = nft.table("inet", "t")
t:set("here", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
t:chain("input", { type = "filter", hook = "input", priority = 0 }):rule "ip daddr @here counter accept"
]]

describe("rnmd", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
	end)

	after_each(rnmd.clean)

	it("answers only when the first commit is acknowledged", function()
		ns:run "ip addr add 203.0.113.7/24 dev wan0"
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple, ["slow.lua"] =
			"local t = os.clock() while os.clock() - t < 0.3 do end" }, ready = false })
		sh.eventually(function() return (d:ask "ping") end, 20)
		assert.same({ "203.0.113.7" }, nft.set(ns, "inet t here"))
		rnmd.stop(d)
	end)

	it("leaves the rules in force when it stops", function()
		ns:run "ip addr add 203.0.113.7/24 dev wan0"
		for _, signal in ipairs { "TERM", "INT" } do
			local d = daemon.start(ns, { packs = { ["a.lua"] = simple } })
			local before = nft.ruleset(ns)
			local status, log = d:stop(signal)
			assert.equal(0, status, log)
			assert.equal(before, nft.ruleset(ns))
			assert.matches("the rules stay in force", log)
			assert.is_nil(sh.read(d.socket))
		end
	end)

	it("is alone in its namespace", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple } })
		local second = daemon.start(ns, { ready = false })
		sh.eventually(function() return second.process:status() end)
		local status, log = second:stop()
		assert.equal(1, status)
		assert.matches("another rnmd %(pid " .. d.process.pid .. "%)", log)
		rnmd.settle(d)
		-- Another namespace is free.
		local other = rnmd.quiet_ns()
		rnmd.stop(daemon.start(other))
		rnmd.stop(d)
		-- And so is this one again, however the first one ends.
		d = daemon.start(ns, { packs = { ["a.lua"] = simple } })
		d:stop "KILL"
		rnmd.stop(daemon.start(ns, { packs = { ["a.lua"] = simple } }))
	end)

	-- It must end with status 1 and say this, leaving no rule behind.
	local function refuses(options, ...)
		options.ready = false
		local d = daemon.start(ns, options)
		sh.eventually(function() return d.process:status() end, 20)
		local status, log = d:stop()
		assert.equal(1, status, log)
		for _, pattern in ipairs { ... } do
			assert.matches(pattern, log)
		end
		assert.equal("", nft.ruleset(ns))
	end

	it("needs the right to change the firewall, and names it", function()
		refuses({ packs = { ["a.lua"] = simple },
			program = "setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs " .. build .. "/rnmd" },
			"CAP_NET_ADMIN")
	end)

	it("does not start on a configuration with mistakes, and tells all of them", function()
		refuses({ config = "quux: 1\ninterfaces:\n  - name: eth0\n    adress: 192.168.1.1/24\n    mtu: big\nlog: debgu\n" },
			"config%.yaml:1:1: quux: unknown key", "config%.yaml:4:5: [^\n]*adress: unknown key; did you mean 'address'%?",
			"config%.yaml:6:6: log: [^\n]*did you mean 'debug'%?")
		refuses({ config = "interfaces:\n  - name: eth0\n    address: 192.168.1.300/24\n" },
			"config%.yaml:3:14: interfaces%[0%]%.address: [^\n]*192%.168%.1%.300")
		refuses({ config = "interfaces: [\n" }, "config%.yaml:%d+:%d+: ")
		refuses({ config = "packs:\n  wam: {}\n" }, "config%.yaml:2:3: packs%.wam: no such pack[^\n]*did you mean 'wan'%?")
		refuses({ config = "policies:\n  dirs: [@DIR@/nowhere]\n" }, "config%.yaml:2:%d+: policies%.dirs[^\n]*nowhere")
	end)

	it("does not trust a configuration that others can write", function()
		local d = daemon.start(ns, { ready = false, program = "sh -c 'chmod 666 $2; exec " .. build .. "/rnmd \"$@\"' rnmd" })
		sh.eventually(function() return d.process:status() end, 20)
		local status, log = d:stop()
		assert.equal(1, status)
		assert.matches("config%.yaml' can be written by everybody", log)
	end)

	it("runs, but without the packs that are wrong, and says where", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple, ["hook.lua"] = "function on_adr_change() end",
			["rule.lua"] = "nft.table('inet', 'r'):chain('c'):rule('tcp dprot 22 accept')",
			["value.lua"] = "nft.table('inet', 'v'):chain('c'):rule('tcp dport $p accept', { prot = 22 })" } })
		local log = d:log()
		assert.matches("hook%.lua:1: [^\n]*did you mean on_addr_change", log)
		assert.matches("rule%.lua:1:[^\n]*did you mean `dport`", log)
		assert.matches("value%.lua:1:[^\n]*%$p", log)
		assert.not_matches("table inet [rv] ", nft.ruleset(ns))
		assert.matches("table inet t ", nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("says how it is used", function()
		for args, status in pairs { [""] = 2, ["-q"] = 2, ["-c"] = 2, ["-c a b"] = 2, ["-h"] = 0, ["-V"] = 0, ["-c /nowhere"] = 1 } do
			local out, code = ns:try(build .. "/rnmd " .. args)
			assert.equal(status, code, args .. "\n" .. out)
			if status == 2 then
				assert.matches("usage: rnmd %-c CONFIG", out)
			end
		end
	end)

	it("starts over its own table without a moment between", function()
		ns:run "ip addr add 203.0.113.7/24 dev wan0"
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple } })
		local wanted = nft.ruleset(ns)
		-- One that looks all the time.
		local looker = sh.spawn(ns:enter() .. [[sh -c 'while [ ! -e ]] .. d.dir .. [[/enough ]; do
			nft list ruleset | grep -q "ip daddr @here counter" || echo gone; echo looked; done']])
		local m = nft.monitor(ns)
		for i = 1, 4 do
			d:halt(i % 2 == 0 and "KILL" or "TERM")
			if i == 3 then
				ns:run "ip addr add 203.0.113.8/24 dev wan0"
			end
			m:generations()
			d:launch()
			local n, text = m:generations()
			assert.is_true(n <= 1, text)
		end
		assert.same({ "203.0.113.7", "203.0.113.8" }, nft.set(ns, "inet t here"))
		d:write("enough", "")
		sh.eventually(function() return looker:status() end)
		local _, seen = looker:stop()
		assert.not_matches("gone", seen)
		assert.is_true(select(2, seen:gsub("looked", "")) > 5)
		ns:run "ip addr del 203.0.113.8/24 dev wan0"
		rnmd.settle(d)
		assert.equal(wanted, nft.ruleset(ns))
		-- A table that nobody states any more goes at the next start.
		d:halt()
		sh.run("rm " .. d.dir .. "/policies.d/a.lua")
		d:launch()
		assert.equal("", nft.ruleset(ns))
		m:close()
		rnmd.stop(d)
	end)

	it("does not touch what others made", function()
		ns:run "nft 'add table inet t; add chain inet t theirs; add rule inet t theirs accept; add table ip other'"
		local before = ns:run "nft -a list ruleset"
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple, ["b.lua"] = "nft.table('inet', 'own'):chain('c')" } })
		assert.equal(before, ns:run "nft -a list table inet t" .. ns:run "nft -a list table ip other")
		assert.matches("table inet own", nft.ruleset(ns))
		assert.matches("warn nft: pending: table inet t: [^\n]*is not rnm's[^\n]*a%.lua:1", d:log())
		assert.matches("pending: table inet t: [^\n]*is not rnm's", rnmd.status(d))
		ns:run "ip addr add 203.0.113.7/24 dev wan0"
		rnmd.settle(d)
		assert.equal(before, ns:run "nft -a list table inet t" .. ns:run "nft -a list table ip other")
		d:ask "reload"
		assert.equal(before, ns:run "nft -a list table inet t" .. ns:run "nft -a list table ip other")
		rnmd.stop(d)
	end)

	it("tells the service manager what it does", function()
		local dir = sh.tempdir()
		local listener = sh.spawn(("socat -u UNIX-RECV:%s/notify OPEN:%s/said,creat,append"):format(dir, dir))
		sh.eventually(function() return select(2, sh.try(("test -S %s/notify"):format(dir))) == 0 end)
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple },
			program = ("env NOTIFY_SOCKET=%s/notify %s/rnmd"):format(dir, build) })
		local function said()
			return sh.read(dir .. "/said") or ""
		end
		assert.equal("READY=1\n", said())
		d:cmd "reload"
		assert.equal("READY=1\nRELOADING=1\nREADY=1\n", said())
		d:pack("b.lua", "error 'no'")
		d:ask "reload"
		assert.equal("READY=1\nRELOADING=1\nREADY=1\nRELOADING=1\nREADY=1\n", said())
		rnmd.stop(d)
		assert.matches("\nSTOPPING=1\n$", said())
		listener:stop()
		-- Nothing of the kind when there is nothing to run.
		ns:run "nft flush ruleset"
		listener = sh.spawn(("rm -f %s/*; exec socat -u UNIX-RECV:%s/notify OPEN:%s/said,creat,append"):format(dir, dir, dir))
		refuses({ config = "quux: 1\n", program = ("env NOTIFY_SOCKET=%s/notify %s/rnmd"):format(dir, build) }, "quux")
		assert.equal("", said())
		listener:stop()
		sh.run("rm -r " .. dir)
	end)

	it("is not ready before the kernel took a first commit", function()
		local dir = sh.tempdir()
		sh.write(dir .. "/busy.c", [[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
	if (m->msg_name && *(const unsigned short *)m->msg_name == AF_NETLINK && !access(getenv("BUSY"), F_OK)) {
		errno = ENOBUFS;
		return -1;
	}
	return real(fd, m, flags);
}]])
		sh.run(("cd %s && cc -shared -fPIC -o busy.so busy.c -ldl && touch busy"):format(dir))
		local listener = sh.spawn(("socat -u UNIX-RECV:%s/notify OPEN:%s/said,creat,append"):format(dir, dir))
		sh.eventually(function() return select(2, sh.try(("test -S %s/notify"):format(dir))) == 0 end)
		local d = daemon.start(ns, { packs = { ["a.lua"] = simple }, ready = false, program = (
			"env ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 LD_PRELOAD=%s/busy.so BUSY=%s/busy NOTIFY_SOCKET=%s/notify %s/rnmd")
			:format(dir, dir, dir, build) })
		sh.eventually(function() return (d:ask "status") end, 20)
		local _, ok, message = d:ask "ping"
		assert.is_false(ok)
		assert.matches("^not ready: ", message)
		d:ask "reload"
		assert.equal("", sh.read(dir .. "/said") or "")
		assert.equal("", nft.ruleset(ns))
		assert.not_matches("ready in", d:log())
		-- It tries again by itself.
		sh.run(("rm %s/busy"):format(dir))
		d:wait()
		assert.matches("table inet t ", nft.ruleset(ns))
		sh.eventually(function() return sh.read(dir .. "/said") == "READY=1\n" end)
		rnmd.stop(d)
		listener:stop()
		sh.run("rm -r " .. dir)
	end)

	it("runs with the configuration that comes with it, as its unit starts it", function()
		local command = assert(sh.read("pkg-files/systemd/rnm.service"):match "ExecStart=(/[^\n]*)")
		local program, config = command:match "^/usr/sbin/(rnmd) %-c /etc/rnm/(config%.yaml)$"
		assert.is_truthy(config, command)
		local dir = sh.tempdir()
		sh.run(("umask 077; mkdir -p %s/rnm/policies.d %s/lib; cp pkg-files/config/%s %s/rnm/"):format(dir, dir, config, dir))
		sh.write(dir .. "/rnm/policies.d/a.lua", simple)
		sh.run(("chmod 600 %s/rnm/policies.d/a.lua"):format(dir))
		-- Its own /etc/rnm, /run and /var/lib, so that the machine's are neither needed nor touched.
		local d = sh.spawn(ns:enter() .. "env -u LD_PRELOAD ASAN_OPTIONS=detect_leaks=1 unshare -m sh -c " .. sh.quote(([[
mount -t tmpfs none /run && mount -t overlay none -o lowerdir=%s:/etc /etc 2>/dev/null ||
	{ mount -t tmpfs none /mnt && cp -a /etc/group /etc/passwd %s/ && mount --bind %s /etc; }
mount --bind %s/lib /var/lib
exec %s/%s -c /etc/rnm/%s]]):format(dir, dir, dir, dir, sh.run("realpath " .. build):gsub("\n", ""), program, config)))
		sh.eventually(function()
			return d:output():find "ready in" or d:status() and error(d:output(), 0)
		end, 20)
		local out, code = sh.try(("nsenter -m -t %d sh -c 'echo ping | socat - UNIX:/run/rnm/rnm.sock; stat -c %%a /run/rnm/rnm.sock'"):format(d.pid))
		assert.equal(0, code, out)
		assert.matches("^pong\nOK\n6[06]0\n$", out)
		assert.matches("table inet t ", nft.ruleset(ns))
		local status, log = d:stop()
		assert.equal(0, status, log)
		sh.run("rm -r " .. dir)
	end)
end)
