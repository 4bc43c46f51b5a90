-- SPDX-License-Identifier: GPL-2.0-or-later
local net = require "rnm.core".net

local m

local function link(i, name, more)
	local fields = { ifindex = i, name = name, mac = ("02:00:00:00:00:%02x"):format(i) }
	for k, v in pairs(more or {}) do
		fields[k] = v
	end
	return m:set("link", fields)
end

local function addr(i, address, more)
	local fields = { ifindex = i, address = address }
	for k, v in pairs(more or {}) do
		fields[k] = v
	end
	return m:set("addr", fields)
end

local function values(q, field)
	local out = {}
	for _, r in ipairs(q:list()) do
		table.insert(out, r[field])
	end
	return out
end

describe("filters", function()
	it("have one text for all spellings", function()
		local cases = {
			{ "addr", { zone = "wan", family = "ipv4" }, 'net.addrs{family="ipv4",zone="wan"}' },
			{ "addr", { address = { "2001:DB8::1", "2001:db8:0::1" } }, 'net.addrs{address="2001:db8::1"}' },
			{ "addr", { network = "192.168.1.77/24" }, 'net.addrs{network="192.168.1.0/24"}' },
			{ "addr", { flags = "!deprecated" }, 'net.addrs{flags="!deprecated"}' },
			{ "addr", { iface = { "tap*", "!tap9", "eth0" } }, 'net.addrs{iface={"eth0","!tap9","tap*"}}' },
			{ "addr", { lifetimes = true }, "net.addrs{lifetimes=true}" },
			{ "link", { up = true, mtu = 1500 }, 'net.links{mtu="1500",up="true"}' },
			{ "link", { mac = "02:00:00:AB:CD:5" }, 'net.links{mac="02:00:00:ab:cd:05"}' },
			{ "link", { name = 'a"b\\c' }, 'net.links{name="a\\"b\\x5cc"}' },
			{ "route", { table = 254, protocol = "16" }, 'net.routes{protocol="dhcp",table="main"}' },
			{ "route", { dst = "default", metric = "0x10" }, 'net.routes{dst="default",metric="16"}' },
			{ "neigh", { state = { "reachable", "stale" } }, 'net.neighs{state={"reachable","stale"}}' },
			{ "rule", {}, "net.rules{}" },
		}
		for _, c in ipairs(cases) do
			assert.equal(c[3], net.filter(c[1], c[2]))
		end
	end)

	it("refuse what can never match, and propose", function()
		local cases = {
			{ "addr", { adress = "192.0.2.1" }, "addrs have no field 'adress', did you mean 'address'?" },
			{ "link", { kinds = "veth" }, "links have no field 'kinds', did you mean 'kind'?" },
			{ "addr", { family = "inet" }, "family: 'inet' is no family: ipv4, ipv6" },
			{ "addr", { scope = "globl" }, "scope: 'globl' is no value it can have, did you mean 'global'?" },
			{ "addr", { flags = "dynamc" }, "flags: 'dynamc' is no flag, did you mean 'dynamic'?" },
			{ "addr", { address = "192.0.2.0/24" }, "address: '192.0.2.0/24' is no IP address" },
			{ "addr", { network = "lan" }, "network: 'lan' is no prefix" },
			{ "addr", { prefixlen = "many" }, "prefixlen: 'many' is no number" },
			{ "addr", { prefixlen = -1 }, "prefixlen: -1 is out of range" },
			{ "link", { up = "maybe" }, "up: 'maybe' is no yes or no: true, false" },
			{ "link", { up = 1 }, "up: 1 is a number, but the field has none" },
			{ "link", { name = true }, "name is not true or false but a value" },
			{ "link", { mac = "eth0" }, "mac: 'eth0' is no MAC address" },
		}
		for _, c in ipairs(cases) do
			local text, message = net.filter(c[1], c[2])
			assert.is_nil(text)
			assert.equal(c[3], message)
		end
	end)
end)

describe("queries", function()
	before_each(function()
		m = net.mirror()
		m:zones { { "eth*", "lan" }, { "wan0", "wan" } }
		link(1, "eth1")
		link(2, "wan0", { kind = "veth" })
	end)

	it("hold what is there and hear what comes and goes", function()
		addr(1, "192.0.2.1/24")
		local q = m:query("addr", { zone = "lan" })
		assert.same({ "192.0.2.1" }, values(q, "address"))
		addr(1, "192.0.2.2/24")
		addr(2, "198.51.100.1/24")
		addr(1, "192.0.2.2/24", { scope = "link" })
		m:del("addr", { ifindex = 1, address = "192.0.2.1/24" })
		assert.same({ "+192.0.2.2", "~192.0.2.2", "-192.0.2.1" }, q:deltas())
		assert.equal(1, q:count())
		assert.equal("192.0.2.2", q:at(1).address)
		assert.is_nil(q:at(2))
	end)

	it("hear a record that comes to match as coming in", function()
		local q = m:query("addr", { zone = "wan" })
		addr(1, "192.0.2.1/24")
		m:zones { { "eth*", "wan" } }
		assert.same({ "+192.0.2.1" }, q:deltas())
		assert.equal("wan", q:at(1).zone)
		m:zones {}
		assert.same({ "-192.0.2.1" }, q:deltas())
	end)

	it("hide IPv6 addresses that are not usable", function()
		addr(1, "2001:db8::1/64", { flags = "tentative" })
		local q = m:query("addr", {})
		assert.equal(0, q:count())
		addr(1, "2001:db8::1/64")
		addr(1, "2001:db8::1/64", { flags = "dadfailed,tentative" })
		addr(1, "2001:db8::2/64", { flags = "tentative,optimistic" })
		addr(1, "192.0.2.1/24", { flags = "tentative" })
		assert.same({ "+2001:db8::1", "-2001:db8::1", "+2001:db8::2", "+192.0.2.1" }, q:deltas())
		assert.equal(3, m:count "addr")
	end)

	it("are one when their filters are one", function()
		local a = m:query("addr", { zone = "lan", family = "ipv4" })
		local b = m:query("addr", { family = "ipv4", zone = { "lan", "lan" } })
		local c = m:query("addr", { family = "ipv4", zone = "lan", lifetimes = true })
		assert.is_true(a:same(b))
		assert.is_false(a:same(c))
		assert.same({ "addr" }, m:need())
		a:close()
		assert.same({ "addr" }, m:need())
		b:close()
		c:close()
		assert.same({}, m:need())
	end)

	it("tell of lifetimes only those that ask", function()
		local without, with = m:query("addr", {}), m:query("addr", { lifetimes = true })
		addr(1, "192.0.2.1/24", { valid_lft = 100 })
		addr(1, "192.0.2.1/24", { valid_lft = 200 })
		assert.same({ "+192.0.2.1" }, without:deltas())
		assert.same({ "+192.0.2.1", "~192.0.2.1" }, with:deltas())
		assert.equal(200, without:at(1).valid_lft)
	end)

	it("match globs, negations, lists, flags and absent values", function()
		link(3, "tap1", { kind = "tun" })
		link(4, "tap2", { kind = "tun", up = false })
		link(5, "br0", { kind = "bridge" })
		link(3, "tap1", { kind = "tun", master = 5 })
		local function names(filter)
			return table.concat(values(m:query("link", filter), "name"), " ")
		end
		assert.equal("tap1 tap2", names { name = "tap*" })
		assert.equal("tap1", names { name = { "tap*", "!tap2" } })
		assert.equal("eth1 wan0 br0", names { name = "!tap*" })
		assert.equal("eth1 br0", names { name = { "eth1", "br0", "none" } })
		assert.equal("tap2", names { up = false })
		assert.equal("tap1", names { master = "br0" })
		assert.equal("eth1 wan0 tap2 br0", names { master = "" })
		assert.equal("tap1", names { master = "!" })
		assert.equal("wan0 tap1 tap2", names { kind = { "v*", "tun" } })
		assert.equal("wan0", names { mac = "2:0:0:0:0:2" })
		assert.equal("tap1", names { ifindex = 3 })

		addr(1, "192.0.2.1/24", { flags = "dynamic,deprecated" })
		addr(1, "192.0.2.2/24", { flags = "dynamic" })
		addr(1, "2001:db8::1/64", { scope = "77" })
		local function addresses(filter)
			return table.concat(values(m:query("addr", filter), "address"), " ")
		end
		assert.equal("192.0.2.1 192.0.2.2", addresses { flags = "dynamic" })
		assert.equal("192.0.2.2", addresses { flags = { "dynamic", "!deprecated" } })
		assert.equal("2001:db8::1", addresses { flags = "" })
		assert.equal("192.0.2.1", addresses { flags = "dep*" })
		assert.equal("2001:db8::1", addresses { scope = 77 })
		assert.equal("2001:db8::1", addresses { address = "2001:DB8:0:0::1" })
		assert.equal("192.0.2.1 192.0.2.2", addresses { network = "192.0.2.0/24" })
		assert.equal("192.0.2.1 192.0.2.2", addresses { address = "192.*" })

		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.254" })
		m:set("route", { ifindex = 1, dst = "default", gateway = "fe80::1" })
		m:set("route", { ifindex = 1, dst = "10.0.0.0/8", table = "100" })
		local function routes(filter)
			return #m:query("route", filter):list()
		end
		assert.equal(2, routes { dst = "default" })
		assert.equal(1, routes { dst = "default", family = "ipv6" })
		assert.equal(1, routes { dst = "!default" })
		assert.equal(2, routes { table = "main" })
		assert.equal(1, routes { table = 100 })
		assert.equal(1, routes { gateway = "" })
	end)

	it("let a sink go while it hears", function()
		local first = m:query("addr", {}, true) -- leaves at its first delta
		local second = m:query("addr", {}, true)
		local third = m:query("addr", {})
		addr(1, "192.0.2.1/24")
		addr(1, "192.0.2.2/24")
		assert.same({ "+192.0.2.1" }, first:deltas())
		assert.same({ "+192.0.2.1" }, second:deltas())
		assert.same({ "+192.0.2.1", "+192.0.2.2" }, third:deltas())
	end)

	it("answer as a look at every record would, whatever happens", function()
		math.randomseed(20)
		local filters = {
			{}, { zone = "lan" }, { zone = "wan", family = "ipv6" }, { iface = { "a1", "a2" } }, { iface = "a*" },
			{ family = "ipv4", scope = "!link" }, { address = { "10.0.0.1", "10.0.0.2", "2001:db8::3" } },
			{ flags = "dynamic" }, { prefixlen = 24 }, { network = "10.0.0.0/24" }, { zone = "!lan" }, { iface = "!a1" },
			{ zone = { "lan", "dmz" }, flags = "!dynamic" }, { ifindex = 2, address = "!10.0.0.1" },
		}
		local queries, seen = {}, {}
		for i, f in ipairs(filters) do
			queries[i] = m:query("addr", f)
			seen[i] = {}
		end
		m:mute(true)
		local function has(value, want)
			if want:sub(-1) == "*" then
				return value:sub(1, #want - 1) == want:sub(1, -2)
			end
			return value == want
		end
		local function matches(r, f)
			for field, want in pairs(f) do
				local positive, hit = false, false
				for _, w in ipairs(type(want) == "table" and want or { want }) do
					w = tostring(w)
					local negated = w:sub(1, 1) == "!"
					local value = tostring(r[field] or "")
					local h
					if field == "flags" then
						h = ("," .. value .. ","):find("," .. w:gsub("!", "") .. ",", 1, true) ~= nil
					else
						h = has(value, (w:gsub("^!", "")))
					end
					if negated and h then
						return false
					end
					positive = positive or not negated
					hit = hit or (h and not negated)
				end
				if positive and not hit then
					return false
				end
			end
			return true
		end
		local hidden = { ["tentative"] = true, ["tentative,dynamic"] = true }
		local pool = { "10.0.0.1/24", "10.0.0.2/24", "10.0.0.2/32", "10.9.0.1/16", "2001:db8::3/64", "2001:db8::4/128" }
		local flags = { "", "dynamic", "tentative", "tentative,dynamic" }
		local zones = { { { "a1", "lan" }, { "a2", "wan" } }, { { "a*", "dmz" } }, { { "b1", "lan" }, { "a2", "lan" } }, {} }
		for step = 1, 3000 do
			local what, i = math.random(100), math.random(1, 3)
			if what <= 60 then
				addr(i, pool[math.random(#pool)], { flags = flags[math.random(#flags)],
					scope = math.random(3) == 1 and "link" or "global", valid_lft = math.random(2) })
			elseif what <= 85 then
				m:del("addr", { ifindex = i, address = pool[math.random(#pool)] })
			elseif what <= 92 then
				link(i, (math.random(2) == 1 and "a" or "b") .. i)
			elseif what <= 96 then
				m:zones(zones[math.random(#zones)])
			else
				m:del("link", { ifindex = i, name = "x" })
			end
			if step % 10 == 0 then
				local all = m:list "addr"
				for k, q in ipairs(queries) do
					local want = {}
					for _, r in ipairs(all) do
						if not hidden[r.flags] or r.family == "ipv4" then
							if matches(r, filters[k]) then
								table.insert(want, r)
							end
						end
					end
					assert.same(want, q:list(), "filter " .. k .. " at step " .. step)
				end
			end
			-- the deltas alone lead to the same set
			for k, q in ipairs(queries) do
				for _, d in ipairs(q:deltas()) do
					local sign, a = d:match "^(.)(.*)"
					seen[k][a] = (seen[k][a] or 0) + ({ ["+"] = 1, ["-"] = -1, ["~"] = 0 })[sign]
				end
			end
		end
		for k, q in ipairs(queries) do
			local now = {}
			for _, r in ipairs(q:list()) do
				now[r.address] = (now[r.address] or 0) + 1
			end
			for a, n in pairs(seen[k]) do
				assert.equal(now[a] or 0, n, a)
			end
		end
	end)

	it("cost nothing to events of other zones", function()
		m:mute(true)
		local rules, queries = {}, {}
		for i = 1, 30 do
			rules[i] = { "z" .. i, "zone" .. i }
		end
		m:zones(rules)
		for i = 1, 30 do
			link(100 + i, "z" .. i)
		end
		local function spend()
			local least = math.huge -- others may have the processor meanwhile
			for _ = 1, 10 do
				local t = net.now()
				for i = 1, 200 do
					addr(101, "192.0.2.1/24", { scope = i % 2 == 0 and "link" or "global" })
				end
				least = math.min(least, net.now() - t)
			end
			return least
		end
		local alone = spend()
		for i = 2, 1000 do
			table.insert(queries, m:query("addr", { zone = "zone" .. i, family = "ipv4", scope = { "global", "link" } }))
		end
		assert.is_true(spend() < 3 * alone + 0.001)
		assert.equal(999, #queries)
	end)

	it("cost the same whatever they hold", function()
		m:mute(true)
		local q = m:query("addr", { family = "ipv4" })
		for i = 0, 99999 do
			addr(1, ("10.%d.%d.%d/8"):format(i >> 16, i >> 8 & 255, i & 255))
		end
		assert.equal(100000, q:count())
		local t = net.now()
		for _ = 1, 1000 do
			addr(1, "192.0.2.1/24")
			m:del("addr", { ifindex = 1, address = "192.0.2.1/24" })
		end
		assert.is_true((net.now() - t) / 2000 < 0.0005)
		assert.equal("10.0.195.80", q:at(50001).address)
	end)
end)
