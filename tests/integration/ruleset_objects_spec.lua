-- SPDX-License-Identifier: GPL-2.0-or-later
-- Objects, maps to them and the statements of sets in the real kernel: counts run on when nothing of theirs changed, and
-- what the kernel would acknowledge and ignore is made anew.
local watcher = require "watcher"

local prelude = [[
	local rs = assert(require "rnm.core".nft.ruleset.new { kernel = true })
	local function go(list)
		assert(rs:say("a", list))
		local plans = assert(rs:commit())
		assert(#plans <= 1, table.concat(plans, "\n--\n"))
		return plans[1]
	end
	local function nft(args)
		local p = io.popen("unset LD_PRELOAD; nft " .. args .. " 2>&1")
		local s = p:read "a"
		p:close()
		return s
	end
	sh "ip link set lo up"
	-- n packets of 30 bytes that pass the chains of lo
	local function packets(n)
		sh(("bash -c 'for i in %s; do echo x > /dev/udp/127.0.0.1/9; done'"):format(("1 "):rep(n)))
	end
]]

local function run(piece)
	return watcher.run(prelude .. piece)
end

describe("in the kernel", function()
	local ok, why = watcher.namespace()
	if not ok then
		it("objects", function()
			pending(why)
		end)
		return
	end

	it("counts run on while rules and other objects change", function()
		assert.same({ "packets 2", "packets 2", "used 60", "used 60", "over 2" }, run [[
			local function said(limit, more)
				local list = {
					{ chain = "inet t in", type = "filter", hook = "input", priority = "0" },
					{ counter = "inet t c", text = "" },
					{ quota = "inet t q", text = more and "over 2 mbytes" or "over 1 mbytes" },
					{ limit = "inet t l", text = "rate " .. limit .. "/second" },
					{ rule = "inet t in", text = 'udp dport 9 counter name "c" quota name "q"' },
					{ rule = "inet t in", text = 'limit name "l"' },
				}
				if more then
					list[#list + 1] = { rule = "inet t in", text = "accept" }
				end
				return list
			end
			go(said(100))
			packets(2)
			print((nft "list counter inet t c":match "packets %d+"))
			go(said(200, true))
			print((nft "list counter inet t c":match "packets %d+"))
			print((nft "list quota inet t q":match "used %d+"))
			go(said(200, true))
			print((nft "list quota inet t q":match "used %d+"))
			print((nft "list quota inet t q":match "over %d"))
			assert(nft "list limit inet t l":find "rate 200/second")
		]])
	end)

	it("each type is what was said, and what is said next", function()
		assert.same({ "ok" }, run [[
			local kinds = {
				{ "counter", "packets 1 bytes 2", "packets 5 bytes 6", "packets 1 bytes 2" },
				{ "quota", "over 100 bytes used 10 bytes", "200 bytes", "200 bytes used 10 bytes" },
				{ "limit", "rate 10/second", "rate over 20/minute burst 7 packets", "rate over 20/minute burst 7 packets" },
				{ "ct helper", 'type "ftp" protocol tcp;', 'type "tftp" protocol udp;', 'type "tftp" protocol udp' },
				{ "ct timeout", "protocol tcp; l3proto ip; policy = { established : 100 };",
					"protocol tcp; l3proto ip; policy = { established : 200 };", "established : 200" },
				{ "ct expectation", "protocol tcp; dport 21; timeout 1m; size 12; l3proto ip;",
					"protocol tcp; dport 22; timeout 2m; size 13; l3proto ip;", "dport 22" },
				{ "synproxy", "mss 1460; wscale 7; timestamp sack-perm;", "mss 1400; wscale 6; sack-perm;", "mss 1400" },
			}
			for _, k in ipairs(kinds) do
				for i = 2, 3 do
					go { { [k[1] ] = "ip t x", text = k[i], comment = "of mine" } }
				end
				local text = nft("list " .. k[1] .. " ip t x")
				assert(text:find(k[4], 1, true), text)
				assert(text:find 'comment "of mine"', text)
				assert(go { { [k[1] ] = "ip t x", text = k[3], comment = "of mine" } } == nil)
			end
			go {}
			assert(nft "list ruleset" == "")
			print "ok"
		]])
	end)

	it("a map's elements are stated again when what they name is made anew", function()
		assert.same({ "ok" }, run [[
			local function said(rate)
				return {
					{ chain = "inet t in", type = "filter", hook = "input", priority = "0" },
					{ limit = "inet t l", text = "rate " .. rate .. "/second" },
					{ counter = "inet t l", text = "" },
					{ set = "inet t m", type = "mark", objects = "limit", elements = { { 1, "l" } } },
					{ set = "inet t n", type = "mark", objects = "counter", elements = { { 1, "l" } } },
					{ rule = "inet t in", text = "limit name meta mark map @m" },
					{ rule = "inet t in", text = "counter name meta mark map @n" },
					{ rule = "inet t in", text = 'limit name meta mark map { 2 : "l", 3 : "l" } accept' },
				}
			end
			go(said(10))
			local function maps_and_rules()
				return (nft "list table inet t":match "map m .*")
			end
			local text = maps_and_rules()
			go(said(20))
			assert(maps_and_rules() == text, text .. maps_and_rules())
			assert(nft "list limit inet t l":find "20/second")
			print "ok"
		]])
	end)

	it("elements have the statements of their set", function()
		assert.same({ "counter", "1", "counter quota", "ok" }, run [[
			local function said(stateful)
				return {
					{ chain = "inet t out", type = "filter", hook = "output", priority = "0" },
					{ set = "inet t s", type = "ipv4_addr", stateful = stateful, elements = { "127.0.0.1", "192.0.2.1" } },
					{ rule = "inet t out", text = "udp dport 9 ip daddr @s accept" },
				}
			end
			go(said "counter")
			packets(1)
			local text = nft "list set inet t s"
			print((text:match "\n\t\t(counter)\n"))
			print((text:match "127.0.0.1 counter packets (%d)"))
			go(said "counter quota over 5 mbytes")
			text = nft "list set inet t s"
			print((text:match "\n\t\t(counter quota)"))
			print((text:find "192.0.2.1 counter packets 0 bytes 0 quota over 5 mbytes" and "ok"))
		]])
	end)

	it("elements have statements of their own", function()
		assert.same({ "ok" }, run [[
			local function said(mbytes)
				return {
					{ set = "inet t s", type = "ipv4_addr", stateful = "quota over 1 mbytes", elements = { "10.0.0.1" } },
					{ set = "inet t s", each = "quota over " .. mbytes .. " mbytes used 3 kbytes", elements = { "10.0.0.2" } },
					{ set = "inet t m", type = "ipv4_addr", data = "mark" },
					{ set = "inet t m", each = "counter packets 3 bytes 9", elements = { { "10.0.0.1", 7 } } },
				}
			end
			go(said(9))
			local text = nft "list table inet t"
			assert(text:find "10.0.0.1 quota over 1 mbytes" and text:find "10.0.0.2 quota over 9 mbytes used 3 kbytes", text)
			assert(text:find "10.0.0.1 counter packets 3 bytes 9 : 0x00000007", text)
			assert(go(said(9)) == nil)
			assert(select(2, go(said(8)):gsub("\n", "")) == 2)
			assert(nft "list set inet t s":find "10.0.0.2 quota over 8 mbytes")
			print "ok"
		]])
	end)

	it("sets of every kind are taken", function()
		assert.same({ "ok" }, run [[
			go {
				{ set = "inet t d", type = "ipv4_addr", flags = 32, size = 100, timeout = 60, gc = 10, policy = 1, comment = "x" },
				{ set = "inet t i", type = "ipv4_addr . inet_service", flags = 4, elements = { "10.0.0.0/24 . 80-90" } },
				{ set = "inet t m", type = "ipv4_addr", data = "interval ipv4_addr", flags = 4,
					elements = { { "10.0.0.1", { range = { "10.1.0.1", "10.1.0.9" } } } } },
				{ set = "inet t c", type = "inet_service", data = "verdict", elements = { { "*", "drop" }, { 22, "accept" } } },
				{ set = "inet t a", type = "ipv4_addr", flags = 4, auto_merge = true, elements = { "10.0.0.0/25", "10.0.0.128/25" } },
				{ set = "inet t o", type = "ipv4_addr . inet_service", objects = "counter", flags = 4 + 16,
					elements = { { "10.0.0.0/24 . 80-90", "x" } } },
				{ counter = "inet t x", text = "" },
			}
			local text = nft "list table inet t"
			for _, s in ipairs { "policy memory", "flags dynamic,timeout", "10.0.0.0/24 . 80-90 }", "10.0.0.1 : 10.1.0.1-10.1.0.9",
				"* : drop", "auto-merge", "elements = { 10.0.0.0/24 }", '10.0.0.0/24 . 80-90 : "x"' } do
				assert(text:find(s, 1, true), s .. "\n" .. text)
			end
			assert(#rs:pending() == 0)
			print "ok"
		]])
	end)

	it("what it does not know is left out, with all that names it", function()
		assert.same({ "refused", "2", "ok" }, run [[
			assert(rs:say("a", {
				{ ["ct helper"] = "inet t h", text = 'type "nobody-has" protocol tcp;' },
				{ chain = "inet t fwd", type = "filter", hook = "forward", priority = "0" },
				{ rule = "inet t fwd", text = 'ct helper set "h"' },
				{ rule = "inet t fwd", text = "accept" },
				{ counter = "inet t c", text = "" },
			}))
			local plans = assert(rs:commit())
			print((plans[2]:match "^refused"))
			print(#rs:pending())
			assert(nft "list table inet t":find "accept" and nft "list counter inet t c":find "packets")
			print "ok"
		]])
	end)

	it("a table falls asleep and wakes, whatever else changes", function()
		assert.same({ "~ ", "! ", "ok" }, run [[
			sh "ip link add d0 type veth peer name d1"
			local function said(flags, devices, priority)
				return {
					{ table = "netdev t", flags = flags },
					{ counter = "netdev t c", text = "" },
					{ chain = "netdev t c", type = "filter", hook = "ingress", priority = priority or "0", devices = devices },
					{ rule = "netdev t c", text = 'counter name "c"' },
				}
			end
			go(said(0, { "d0" }))
			print((go(said(1, { "d0" })):match "^.."))
			assert(nft "list table netdev t":find "dormant")
			print((go(said(0, { "d0", "d1" })):match "^.."))
			go(said(1, { "d0", "d1" }, "5"))
			go(said(1, { "d1" }, "5"))
			go(said(0, { "d1" }, "7"))
			local text = nft "list table netdev t"
			assert(not text:find "dormant" and text:find 'device "d1" priority filter %+ 7' and text:find 'counter name "c"', text)
			assert(#rs:pending() == 0)
			print "ok"
		]])
	end)
end)
