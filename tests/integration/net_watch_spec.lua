-- SPDX-License-Identifier: GPL-2.0-or-later
local watcher = require "watcher"

describe("the watcher, on this kernel,", function()
	setup(function()
		local ok, why = watcher.namespace()
		if not ok then
			pending(why)
		end
	end)

	it("dumps what is there, links first, then follows", function()
		assert.same({
			"link add lo initial",
			"link add v0 initial",
			"addr add lo 127.0.0.1/8 initial",
			"addr add v0 192.0.2.1/24 initial",
			"then",
			"begin",
			"addr add v0 192.0.2.2/24",
			"end",
			"begin",
			"addr del v0 192.0.2.2/24",
			"end",
		}, watcher.run [[
			sh "ip link add v0 type bridge; ip -4 addr add 192.0.2.1/24 dev v0"
			local w = watch { kinds = { "addr" } }
			local function brief()
				for _, l in ipairs(w:events()) do
					if not l:find "::" then
						print((l:gsub("^(%S+ %S+ %S+)(.*)$", function(head, rest)
							local address = head:find "^addr" and rest:match " %S+/%d+" or ""
							return head .. address .. (rest:match " initial$" or "")
						end)))
					end
				end
			end
			brief()
			print "then"
			w:poll()
			sh "ip addr add 192.0.2.2/24 dev v0"
			w:poll()
			brief()
			sh "ip addr del 192.0.2.2/24 dev v0"
			w:poll()
			brief()
		]])
	end)

	it("sees links come, change, get another name and go", function()
		assert.same({
			"link add v0 false false",
			"link change v0 up",
			"link change v0 carrier",
			"link change v0 mtu",
			"link change w0 name",
			"addr change w0 iface",
			"link change w0 down",
			"link del w0",
		}, watcher.run [[
			local w = watch { kinds = { "addr" } }
			w:poll() w:events()
			sh "ip link add v0 type veth peer name v1; ip addr add 192.0.2.1/24 dev v0"
			sh "ip link set v0 up; ip link set v1 up"
			local e = settle(w, function(e)
				return has "^link change v0 .*up=false%->true"(e) and has "^link change v0 .*carrier=false%->true"(e)
			end)
			for _, l in ipairs(e) do
				local up, carrier = l:match "^link add v0 .*up=(%S+) carrier=(%S+)"
				if up then print("link add v0 " .. up .. " " .. carrier) end
			end
			print "link change v0 up"
			print "link change v0 carrier"
			sh "ip link set v0 mtu 1400"
			settle(w, has "^link change v0 mtu=1500%->1400$")
			print "link change v0 mtu"
			sh "ip link set v0 name w0"
			local e = settle(w, has "^addr change w0 192.0.2.1/24 iface=v0%->w0$")
			assert(has "^link change w0 name=v0%->w0$"(e))
			print "link change w0 name"
			print "addr change w0 iface"
			sh "ip link set w0 down"
			settle(w, has "^link change w0 up=true%->false carrier=true%->false$")
			print "link change w0 down"
			sh "ip link del w0"
			settle(w, has "^link del w0 ")
			print "link del w0"
			assert(w:count "addr" == #w:list "addr")
			for _, a in ipairs(w:list "addr") do assert(a.iface == "lo", a.iface) end
		]])
	end)

	it("sees a link that moves to another namespace go with its addresses", function()
		assert.same({ "addr del v0 192.0.2.1/24", "link del v0" }, watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip addr add 192.0.2.1/24 dev v0"
			local w = watch { kinds = { "addr" } }
			w:events()
			local keeper = io.popen("unset LD_PRELOAD; exec unshare -n sh -c 'echo $$; exec sleep 30'", "r")
			local pid = keeper:read "l"
			sh("ip link set v0 netns " .. pid)
			for _, l in ipairs(settle(w, has "^link del v0 ")) do
				if l:find " del v0" then print((l:gsub(" ifindex.*", ""))) end
			end
			sh("kill " .. pid)
			keeper:close()
		]])
	end)

	it("finds IPv4 routes gone that the kernel dropped without a word", function()
		assert.same({ "0", "route del default", "route del 198.51.100.0/24" }, watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip addr add 192.0.2.1/24 dev v0; ip link set v0 up; ip link set v1 up"
			sh "ip route add default via 192.0.2.254; ip route add 198.51.100.0/24 via 192.0.2.254 metric 7"
			local w = watch { kinds = { "route" } }
			settle(w, function() return true end)
			sh("f=$(mktemp); ip monitor route >$f & m=$!; sleep 0.2; ip link set v0 down; sleep 0.1; kill $m; " ..
				"grep -c 198.51 $f || true; rm $f")
			local e = settle(w, has "^route del 198")
			for _, l in ipairs(e) do
				local dst = l:match "^route del (%S+) .*gateway="
				if dst then print("route del " .. dst) end
			end
		]])
	end)

	it("finds routes gone whose preferred source went", function()
		assert.same({ "addr del", "route del 198.51.100.0/24" }, watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip addr add 192.0.2.1/24 dev v0; ip addr add 203.0.113.1/24 dev v0"
			sh "ip link set v0 up; ip link set v1 up; ip route add 198.51.100.0/24 via 192.0.2.254 src 203.0.113.1"
			local w = watch { kinds = { "route", "addr" } }
			settle(w, function() return true end)
			sh "ip addr del 203.0.113.1/24 dev v0"
			local e = settle(w, has "^route del 198")
			for _, l in ipairs(e) do
				if l:find "^addr del v0 203" then print "addr del" end
				if l:find "^route del 198" then print((l:gsub(" family.*", ""))) end
			end
		]])
	end)

	it("holds the kernel's routes through appends, replacements and multipath", function()
		watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up"
			sh "ip link add w0 type veth peer name w1; ip link set w0 up; ip link set w1 up"
			sh "ip addr add 192.0.2.1/24 dev v0; ip addr add 198.51.100.1/24 dev w0; ip addr add 2001:db8::1/64 dev v0 nodad"
			local w = watch { kinds = { "route", "rule", "neigh" } }
			for _, step in ipairs {
				"ip route add default via 192.0.2.2",
				"ip route append default via 198.51.100.2",
				"ip route replace default via 192.0.2.3",
				"ip route add 10.0.0.0/8 via 192.0.2.2",
				"ip route replace 10.0.0.0/8 via 198.51.100.2",
				"ip route change 10.0.0.0/8 via 198.51.100.3",
				"ip route add 10.1.0.0/16 nexthop via 192.0.2.2 nexthop via 198.51.100.2 weight 3",
				"ip route replace 10.1.0.0/16 nexthop via 192.0.2.4 nexthop via 198.51.100.2",
				"ip route add blackhole 10.2.0.0/16",
				"ip route add 10.3.0.0/16 via inet6 2001:db8::9 dev v0",
				"ip -6 route add 2001:db8:1::/48 via 2001:db8::2",
				"ip -6 route append 2001:db8:1::/48 via 2001:db8::3",
				"ip -6 route append 2001:db8:1::/48 via 2001:db8::4",
				"ip -6 route del 2001:db8:1::/48 via 2001:db8::3",
				"ip -6 route replace 2001:db8:1::/48 via 2001:db8::5",
				"ip -6 route add 2001:db8:2::/48 nexthop via 2001:db8::2 nexthop via 2001:db8::3",
				"ip -6 route add 2001:db8:3::/48 from 2001:db8:99::/48 via 2001:db8::2",
				"ip -6 route add 2001:db8:3::/48 via 2001:db8::2",
				"ip link set w0 down",
				"ip link set w0 up",
				"ip link set w1 down",
				"ip link set w1 up",
				"ip link del w1",
				"ip -6 route del 2001:db8:2::/48",
				"ip -6 route del 2001:db8:3::/48 from 2001:db8:99::/48",
				"ip rule add priority 7 ipproto tcp dport 80 table 100",
				"ip rule add priority 7 ipproto tcp dport 81 table 100",
				"ip rule del priority 7 ipproto tcp dport 80 table 100",
				"ip -6 rule add from 2001:db8:9::/48 fwmark 5/0xff table 7",
				"ip link set v0 down",
				"ip link set v0 up",
				"ip route flush table main",
				"ip link del v0",
			} do
				sh(step .. " 2>/dev/null || true")
				same(w, { "link", "route", "rule" }, step)
			end
		]]
	end)

	it("follows neighbours", function()
		assert.same({
			"neigh add v0 192.0.2.9 family=ipv4 mac=02:00:00:00:00:09 state=permanent router=false",
			"neigh change v0 192.0.2.9 mac=02:00:00:00:00:09->02:00:00:00:00:0a",
			"neigh change v0 192.0.2.9 state=permanent->stale",
			"neigh del v0 192.0.2.9 family=ipv4 mac=02:00:00:00:00:0a state=stale router=false",
		}, watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip addr add 192.0.2.1/24 dev v0; ip link set v0 up; ip link set v1 up"
			local w = watch { kinds = { "neigh" } }
			w:poll() w:events()
			sh "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0"
			sh "ip neigh add proxy 192.0.2.10 dev v0"
			sh "ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:0a dev v0"
			sh "ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:0a nud stale dev v0"
			sh "ip link set v0 down"
			local e = settle(w, has "^neigh del v0 192.0.2.9")
			show(e, "192.0.2.9")
			show(e, "192.0.2.10")
		]])
	end)

	it("makes good what an overrun lost, and says so", function()
		assert.same({ "overrun", "resync netlink overrun", "begin first", "200 and one more" }, watcher.run [[
			sh "ip link add v0 type bridge"
			local w = watch { kinds = { "addr" }, rcvbuf = 2304 }
			w:poll() w:events()
			local name = os.tmpname()
			local f = io.open(name, "w")
			for i = 1, 200 do f:write(("addr add 10.0.0.%d/24 dev v0\n"):format(i)) end
			f:close()
			sh("ip -batch " .. name .. "; rm " .. name)
			w:poll()
			local e = w:events()
			if w:stats().overruns > 0 then print "overrun" end
			show(e, "^resync")
			if e[1] == "begin" and e[#e] == "end" then print "begin first" end
			sh "ip addr add 10.0.0.201/24 dev v0"
			w:poll()
			local n = 0
			for _, r in ipairs(w:list "addr") do n = n + (r.address:find "^10%." and 1 or 0) end
			print(n - 1 .. " and one more")
		]])
	end)

	it("keeps to max_events and never opens a batch for nothing", function()
		assert.same({ "1 1", "3 3", "0" }, watcher.run [[
			sh "ip link add v0 type bridge"
			local w = watch { kinds = { "addr" }, max_events = 1 }
			w:poll() w:events()
			local function batches()
				local b, e = 0, 0
				for _, l in ipairs(w:events()) do
					if l == "begin" then b = b + 1 end
					if l:find "^addr add" then e = e + 1 end
				end
				return b .. " " .. e
			end
			sh "ip addr add 10.0.0.1/24 dev v0"
			w:poll()
			print(batches())
			sh "for i in 2 3 4; do ip addr add 10.0.0.$i/24 dev v0; done"
			w:poll()
			print(batches())
			w:poll()
			print(#w:events())
		]])
	end)

	it("takes up kinds in the middle of an event and lets them go", function()
		assert.same({ "addr add", "rule add", "0 0", "route add" }, watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip addr add 10.0.0.1/24 dev v0; ip link set v1 up"
			-- the first link of the first dump asks for addresses and rules
			local w = watch { kinds = {}, nested_on = "link", nested_kinds = { "link", "addr", "rule" } }
			w:poll()
			local e = w:events()
			if has "^addr add v0 10.0.0.1/24 .*initial$"(e) or w:count "addr" > 0 then print "addr add" end
			if has "^rule add .*initial$"(e) then print "rule add" end
			w:kinds { "link" }
			sh "ip addr add 10.0.0.2/24 dev v0"
			w:poll()
			print(w:count "addr" .. " " .. w:count "rule")
			w:events()
			w:kinds { "route" }
			sh "ip link set v0 up"
			settle(w, has "^route add 10.0.0.0/24")
			print "route add"
		]])
	end)

	it("ends where the kernel does, whatever is lost in a storm", function()
		local lines = watcher.run [[
			sh "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up"
			local kinds = { "link", "addr", "route", "neigh", "rule" }
			local tiny, large = watch { kinds = kinds, rcvbuf = 2304 }, watch { kinds = kinds }
			local done = os.tmpname()
			os.remove(done)
			local script = os.tmpname()
			local f = io.open(script, "w")
			f:write("for n in 1 2 3 4 5 6; do { for i in $(seq 1 60); do echo addr add 10.$n.0.$i/24 dev v0; " ..
				"echo neigh add 10.$n.1.$i lladdr 02:00:00:00:00:01 dev v0; echo route add 10.$n.2.$i/32 dev v0; done; " ..
				"echo link set v0 down; echo link set v0 mtu 140$n; echo link set v0 up; " ..
				"echo link add w$n type bridge; echo link set v1 master w$n; echo rule add priority $n table $n; " ..
				"for i in $(seq 1 2 60); do echo addr del 10.$n.0.$i/24 dev v0; done; } | ip -force -batch - 2>/dev/null; done; touch " .. done)
			f:close()
			sh("sh " .. script .. " &")
			local deadline, finished, n = net.now() + 30
			repeat
				assert(tiny:poll() >= 0 and large:poll() >= 0)
				n = (n or 0) + 1
				if n % 7 == 0 then
					-- drop kinds and take them up again in the middle of it
					assert(large:kinds { "link", "rule" } and large:kinds(kinds))
				end
				finished = io.open(done)
				sh "sleep 0.01"
			until finished or net.now() > deadline
			assert(finished, "the storm did not end")
			os.remove(done) os.remove(script)
			sh "sleep 0.3"
			same(large, { "link", "addr", "route", "rule" }, "large")
			same(tiny, { "link", "addr", "route", "rule" }, "tiny")
			print(tiny:stats().overruns > 0)
		]]
		assert.same({ "true" }, lines)
	end)

	it("runs in a loop", function()
		assert.same({ "begin", "addr add v0 10.0.0.1/24", "end" }, watcher.run [[
			sh "ip link add v0 type bridge"
			local w = watch { kinds = { "addr" } }
			w:poll() w:events()
			sh "{ sleep 0.2; ip addr add 10.0.0.1/24 dev v0; } &"
			w:run(0.6)
			for _, l in ipairs(w:events()) do print((l:gsub(" ifindex.*", ""))) end
		]])
	end)

	it("misses nothing of a link whose own message is still waiting when a kind is taken up", function()
		assert.same({ "0 0", "link add v0", "addr add v0 10.0.0.1/24", "route add 10.0.0.0/24" }, watcher.run [[
			local w = watch { kinds = {} }
			w:poll() w:events()
			sh "ip link add v0 type bridge; ip addr add 10.0.0.1/24 dev v0; ip link set v0 up"
			w:kinds { "addr", "route" }
			local n = { addr = 0, route = 0 }
			for kind in pairs(n) do
				for _, r in ipairs(w:list(kind)) do
					n[kind] = n[kind] + (r.iface == "v0" and 1 or 0)
				end
			end
			print(n.addr .. " " .. n.route)
			w:poll()
			for _, l in ipairs(w:events()) do
				local found = l:match "^link add v0" or l:match "^addr add v0 10%S+" or l:match "^route add 10.0.0.0/24"
				if found then print(found) end
			end
		]])
	end)

	it("compares on demand and finds nothing new", function()
		assert.same({ "begin", "resync asked for", "end" }, watcher.run [[
			local w = watch { kinds = { "addr", "route", "rule", "neigh" } }
			w:poll() w:events()
			assert(w:resync "asked for")
			show(w:events(), "")
		]])
	end)
end)
