-- SPDX-License-Identifier: GPL-2.0-or-later
-- Queries: as values, read, mapped; arithmetic on addresses.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function eval(code) return (assert(sim:eval(code, "p")):gsub("\n$", "")) end

local NET = { links = {
  eth0 = { zone = "wan", addrs = { "203.0.113.7/24", "2001:db8::7/64" } },
  eth1 = { zone = "lan", addrs = { "192.168.1.1/24", "10.1.0.1/16" }, mac = "02:00:00:00:00:11" },
  tap0 = { kind = "tun", up = false },
} }

describe("queries", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("are read by number, length, walk and first", function ()
    start("", NET)
    assert.equal("4", eval "#net.addrs {}")
    assert.equal("203.0.113.7", eval "net.addrs { zone = 'wan' }:first().address")
    assert.equal("192.168.1.1", eval "net.addrs { family = 'ipv4' }[3].address")
    assert.equal("nil", eval "net.addrs {}[5]")
    assert.equal("eth0 eth1 tap0", eval "local t = {} for i, l in ipairs(net.links {}) do t[i] = l.name end return table.concat(t, ' ')")
    assert.equal("1 eth0", eval "for i, l in pairs(net.links {}) do return i .. ' ' .. l.name end")
  end)

  it("filter by values, globs, negation and lists", function ()
    start("", NET)
    for code, want in pairs {
      ["net.links { name = 'eth*' }"] = "2", ["net.links { name = '!eth*' }"] = "1", ["net.links { name = { 'eth0', 'tap*' } }"] = "2",
      ["net.links { up = false }"] = "1", ["net.links { up = true }"] = "2", ["net.addrs { prefixlen = 64 }"] = "1",
      ["net.addrs { family = 'ipv4', zone = '!wan' }"] = "2", ["net.addrs { zone = { 'lan', 'wan' }, family = 'ipv6' }"] = "1",
      ["net.links { zone = { '!wan', '!lan' } }"] = "1", ["net.addrs {}:where { zone = 'lan' }:where { prefixlen = 16 }"] = "1",
    } do assert.equal(want, eval("#" .. code), code) end
  end)

  it("refuse unknown fields and bad values, with proposals", function ()
    start("", NET)
    for code, message in pairs {
      ["net.addrs { famly = 'ipv4' }"] = "did you mean 'family'", ["net.addrs { family = 'ip4' }"] = "family",
      ["net.links { name = { x = 1 } }"] = "expected a list", ["net.links { up = { {} } }"] = "up: expected a string", ["net.links { [1] = 'x' }"] = "{ field = value }",
      ["net.leases {}"] = "no DHCP leases", ["net.adrs {}"] = 'did you mean "addrs"', ["net.links(5)"] = "argument 1: expected a table, got an integer",
      ["net.links({}, {})"] = "at most 1 argument, got 2", ["net.links {}:frist()"] = 'did you mean "first"', ["net.link('a*')"] = "no name of a link",
      ["net.links {}:map(5)"] = "expected the name of a field or a function", ["net.links {}:map('nam')"] = 'did you mean "name"',
      ["net.links {}:map('name'):map('mtu')"] = "mapped already", ["net.links {}.x"] = 'unknown field "x"', ["net.x"] = 'net: unknown field "x"',
    } do
      local ok, err = sim:eval(code, "p")
      assert.is_nil(ok, code)
      assert.matches(message, err, 1, true)
    end
  end)

  it("give one link, zones, and nil for what is not there", function ()
    start("", NET)
    assert.equal("eth1 02:00:00:00:00:11", eval "local l = net.link('eth1') return l.name .. ' ' .. l.mac")
    assert.equal("nil", eval "net.link('eth7')")
    assert.equal("lan wan", eval "local z = net.zones() table.sort(z) return table.concat(z, ' ')")
  end)

  it("are one value, however often they are asked for", function ()
    start([[ q = net.addrs { zone = "wan", family = "ipv4" } ]], NET)
    assert.equal("true", eval "q == net.addrs { family = 'ipv4', zone = 'wan' }")
    assert.equal("true", eval "q:map('network') == q:map('network')")
    assert.equal("false", eval "q:map('network') == q")
    assert.equal("true", eval "local function f() return q:map(function (a) return a.iface end) end return f() == f()")
    assert.equal("false", eval "local function f(x) return q:map(function (a) return x end) end return f(1) == f(2)")
    assert.equal("true", eval "local function f(x) return q:map(function (a) return x end) end return f(1) == f(1)")
    assert.equal("false", eval "return q:map(function (a) return a.iface end) == q:map(function (a) return a.address end)")
    assert.equal('net.addrs{family="ipv4",zone="wan"}', eval "tostring(q)")
  end)

  it("keep sets equal to them, without Lua", function ()
    start([[
      local t = nft.table("inet", "t")
      t:set("v4", { type = "ipv4_addr", elements = net.addrs { zone = "lan" } })
      t:set("v6", { type = "ipv6_addr", elements = net.addrs {} })
      t:set("nets", { type = "ipv4_addr", flags = "interval", elements = net.addrs { zone = "lan" }:map("network") })
      t:set("ifs", { type = "ifname" }):follow(net.links { up = true })
      t:set("idx", { type = "iface_index" }):follow(net.links { name = "eth*" }, "ifindex")
      t:map("gw", { type = "ifname : ipv4_addr" }):follow(net.routes { dst = "default" }, "iface", "gateway")
    ]], NET)
    assert.same({}, sim:errors())
    assert.same({ "10.1.0.1", "192.168.1.1" }, sim:set("inet t v4"))
    assert.same({ "2001:db8::7" }, sim:set("inet t v6"))
    assert.same({ "10.1.0.0/16", "192.168.1.0/24" }, sim:set("inet t nets"))
    assert.same({ '"eth0"', '"eth1"' }, sim:set("inet t ifs"))
    local calls = sim:packs().p.calls
    sim:addr_add("eth1", "10.1.0.9/16")      -- the same network once more: one element each
    sim:link_set("tap0", { up = true })
    sim:route_add { dst = "default", gateway = "203.0.113.1", link = "eth0" }
    assert.same({ '"eth0" : 203.0.113.1' }, sim:set("inet t gw"))
    assert.equal("+ add element inet t v4 { 10.1.0.9 }\n", sim.batches[1].text)
    assert.equal('+ add element inet t ifs { "tap0" }\n', sim.batches[2].text)
    sim:addr_del("eth1", "10.1.0.1/16")
    assert.equal("- delete element inet t v4 { 10.1.0.1 }\n", sim.batches[4].text)
    assert.same({ "10.1.0.0/16", "192.168.1.0/24" }, sim:set("inet t nets"))
    assert.equal(calls, sim:packs().p.calls)
  end)

  it("map by a function, once for each record that changed", function ()
    start([[
      calls = 0
      local t = nft.table("inet", "t")
      t:set("hosts", { type = "ipv6_addr", elements = net.addrs { zone = "lan", family = "ipv6" }:map(function (a) calls = calls + 1 return net.host(a.network, "::10") end) })
      t:set("both", { type = "ipv4_addr", elements = net.addrs { zone = "lan", family = "ipv4" }:map(function (a) return { a.address, "1.1.1.1" } end) })
    ]], NET)
    assert.same({ "1.1.1.1", "10.1.0.1", "192.168.1.1" }, sim:set("inet t both"))
    sim:addr_add("eth1", "2001:db8:1::1/64")
    sim:addr_add("eth1", "2001:db8:2::1/64")
    assert.same({ "2001:db8:1::10", "2001:db8:2::10" }, sim:set("inet t hosts"))
    assert.equal("2", eval "calls")
    sim:addr_del("eth1", "2001:db8:1::1/64")
    assert.same({ "2001:db8:2::10" }, sim:set("inet t hosts"))
    assert.equal("2", eval "calls")
  end)

  it("want functions that are pure", function ()
    for body, message in pairs {
      ["nft.table('inet', 'x') return 'a'"] = "q:map()", ["return net.links {}:first().name"] = "pure", ["rnm.state.x = 1 return 'a'"] = "pure",
      ["rnm.emit('x') return 'a'"] = "pure", ["error('mine')"] = "mine", ["return print or {}"] = "value",
    } do
      start("nft.table('inet', 't'):set('s', { type = 'ifname', elements = net.links {}:map(function (l) " .. body .. " end) })", NET)
      assert.equal("failed", sim:packs().p.state, body)
      assert.matches(message, sim:packs().p.last_error, 1, true)
      sim:close()
    end
    sim = nil
  end)

  it("undo the pack's share when a function fails later, and replay it", function ()
    start([[
      local t = nft.table("inet", "t")
      local s = t:set("mine", { type = "ipv4_addr" })
      t:set("s", { type = "ifname", elements = net.links {}:map(function (l) if l.mtu == 1 then error("too small") end return l.name end) })
      function on_link_change(ev) if ev.action == "change" then s:add("9.9.9.9") end end
    ]], NET)
    sim:link_set("eth0", { mtu = 1 })
    assert.equal("degraded", sim:packs().p.state)
    assert.matches("too small", sim:packs().p.last_error)
    assert.same({}, sim:set("inet t mine"))
    sim:link_set("eth0", { mtu = 1500 })
    sim:advance(1.1)
    assert.equal("running", sim:packs().p.state)
    assert.same({ '"eth0"', '"eth1"', '"tap0"' }, sim:set("inet t s"))
  end)

  it("map the other records when the function fails for one", function ()
    local function boom(address)
      return [[
        local t = nft.table("inet", "t")
        local s = t:set("mine", { type = "ipv4_addr" })
        t:set("s", { type = "ipv4_addr", elements = net.addrs { family = "ipv4" }:map(function (a)
          if a.address == "]] .. address .. [[" or a.valid_lft == 7 then error("boom") end
          return { a.address, "1.1.1.1" }
        end) })
        function on_addr_change(ev) s:add(ev.address) end
      ]]
    end
    for _, order in ipairs { { 1, 2, 3 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 } } do
      start(boom "10.9.9.9", { links = { eth0 = { addrs = { "10.0.0.5/24", "10.0.0.6/24" } } } })
      assert.same({ "1.1.1.1", "10.0.0.5", "10.0.0.6" }, sim:set("inet t s"))
      local steps = {
        function (x) x:addr_add("eth0", "10.9.9.9/24") end,
        function (x) x:addr_del("eth0", "10.0.0.5/24") end,
        function (x) x:addr_add("eth0", "10.0.0.7/24") end,
      }
      sim:backlog(function (x) for _, i in ipairs(order) do steps[i](x) end end)
      assert.same({ "1.1.1.1", "10.0.0.6", "10.0.0.7" }, sim:set("inet t s"))
      assert.same({ "10.0.0.5", "10.0.0.6" }, sim:set("inet t mine"))
      assert.equal("degraded", sim:packs().p.state)
      assert.matches("q:map%(%): .*boom", sim:packs().p.last_error)
      -- Its replays fail as well, and change nothing.
      sim:advance(4)
      assert.equal("degraded", sim:packs().p.state)
      assert.same({ "1.1.1.1", "10.0.0.6", "10.0.0.7" }, sim:set("inet t s"))
      -- What else changes meanwhile is no reason to fail again.
      sim:addr_add("eth0", "10.0.0.8/24")
      assert.same({ "1.1.1.1", "10.0.0.6", "10.0.0.7", "10.0.0.8" }, sim:set("inet t s"))
      assert.same({ "10.0.0.5", "10.0.0.6", "10.0.0.8" }, sim:set("inet t mine"))
      sim:addr_del("eth0", "10.9.9.9/24")
      sim:advance(60)
      assert.equal("running", sim:packs().p.state)
      assert.same({ "1.1.1.1", "10.0.0.6", "10.0.0.7", "10.0.0.8" }, sim:set("inet t s"))
      sim:close()
    end
    sim = nil
  end)

  it("keep what the function made of a record for which it fails now", function ()
    start([[
      nft.table("inet", "t"):set("s", { type = "ifname", elements = net.links {}:map(function (l)
        if l.mtu < 100 then error("mtu of " .. l.name) end
        return l.name .. "x" .. l.mtu
      end) })
    ]], { links = { a = {}, b = {}, c = {} } })
    sim:backlog(function (x)
      x:link_set("a", { mtu = 1 })
      x:link_set("b", { mtu = 2000 })
      x:link_set("c", { mtu = 2 })
    end)
    assert.same({ '"ax1500"', '"bx2000"', '"cx1500"' }, sim:set("inet t s"))
    assert.matches("for one record and 1 more: p%.lua:2: mtu of a", sim:packs().p.last_error)
    sim:link_set("a", { mtu = 3000 })
    assert.same({ '"ax3000"', '"bx2000"', '"cx1500"' }, sim:set("inet t s"))
    sim:link_set("c", { mtu = 4000 })
    sim:advance(60)
    assert.same({ '"ax3000"', '"bx2000"', '"cx4000"' }, sim:set("inet t s"))
    assert.equal("running", sim:packs().p.state)
  end)

  it("tell what they add up to before the functions have caught up", function ()
    start([[
      local t = nft.table("inet", "t")
      local hosts = net.addrs { family = "ipv4" }:map(function (a) return { a.address, "1.1.1.1" } end)
      t:set("kept", { type = "ipv4_addr", elements = hosts })
      function on_link_change(ev)
        if ev.action == "change" then t:set("late", { type = "ipv4_addr", elements = hosts }) end
      end
    ]], { links = { eth0 = { addrs = { "10.0.0.5/24", "10.0.0.6/24" } } } })
    sim:backlog(function (x)
      x:addr_del("eth0", "10.0.0.5/24")
      x:link_set("eth0", { mtu = 1400 })
    end)
    assert.same({ "1.1.1.1", "10.0.0.6" }, sim:set("inet t kept"))
    assert.same({ "1.1.1.1", "10.0.0.6" }, sim:set("inet t late"))
  end)

  it("name links so that no terminal obeys them, the same in sets, rules and messages", function ()
    start([[
      local t = nft.table("inet", "t")
      t:set("s", { type = "ifname", elements = net.links { kind = "tun" } })
      rnm.block(function ()
        t:chain("c"):rule("iifname $i accept", { i = net.links { kind = "tun" }:first().name })
      end)
      function on_link_change(ev) if ev.action == "change" then error("no") end end
    ]], { links = { ["größe\"x"] = { kind = "tun" }, ["a\27[31m\"\xff"] = {} } })
    assert.same({ [["größe\x22x"]] }, sim:set("inet t s"))
    assert.matches([[iifname "größe\x22x" accept]], sim:ruleset(), 1, true)
    assert.matches([[name=a\x1b[31m"\xff ]], eval "net.links {}", 1, true)
    sim:link_set("a\27[31m\"\xff", { mtu = 1400 })
    assert.matches([[ for a\x1b[31m"\xff: ]], sim:packs().p.last_error, 1, true)
  end)

  it("stand in rules as sets and as single values", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      c:rule("ip saddr $lan accept", { lan = net.addrs { zone = "lan" } })
      c:rule("iifname $ifs drop", { ifs = net.links { zone = "wan" } })
      local n = nft.table("inet", "t"):chain("n", { type = "nat", hook = "postrouting", priority = "srcnat" })
      n:rule("oifname \"eth0\" snat ip to $me", { me = net.addrs { zone = "wan", family = "ipv4" } })
    ]], NET)
    assert.same({}, sim:errors())
    assert.same({ "10.1.0.1", "192.168.1.1" }, sim:set("inet t _p_1"))
    assert.matches("oifname \"eth0\" snat ip to 203.0.113.7\n", sim:ruleset(), 1, true)
    sim:addr_add("eth1", "10.7.0.1/16")
    assert.equal("+ add element inet t _p_1 { 10.7.0.1 }\n", sim.batches[1].text)
    sim:addr_del("eth0", "203.0.113.7/24")         -- no value: the rule waits
    assert.matches("^%- delete rule inet t n", sim.batches[2].text)
    sim:addr_add("eth0", "203.0.113.9/24")
    assert.equal("+ add rule inet t n oifname \"eth0\" snat ip to 203.0.113.9\n", sim.batches[3].text)
  end)

  it("are one set for all rules of a pack that look into them", function ()
    start({ p = [[
      local t, lan = nft.table("inet", "t"), net.addrs { zone = "lan", family = "ipv4" }
      local c = t:chain("c")
      c:rule("ip saddr $lan accept", { lan = lan })
      c:rule("ip daddr $l accept", { l = net.addrs { zone = "lan", family = "ipv4" } })
      rnm.block(function ()
        if net.link("eth0").up then t:chain("d"):rule("ip saddr $a ip daddr $b drop", { a = lan, b = lan }) end
      end)
      t:chain("e"):rule("ip saddr $net drop", { net = lan:map("network") }) -- another list
      nft.table("ip", "t"):chain("c"):rule("ip saddr $lan accept", { lan = lan })
    ]], q = [[
      nft.table("inet", "t"):chain("c"):rule("ip saddr $lan drop", { lan = net.addrs { zone = "lan", family = "ipv4" } })
    ]] }, NET)
    assert.same({}, sim:errors())
    local _, sets = sim:ruleset():gsub("set _", "")
    assert.equal(4, sets) -- two of inet t's p, one of ip t's, one of q's
    local _, rules = sim:ruleset("inet t"):gsub("@_p_1", "")
    assert.equal(4, rules)
    sim:link_set("eth0", { up = false })
    assert.is_nil(sim.batches[1].text:find("set _", 1, true)) -- the others still look into it
    sim:addr_add("eth1", "10.7.0.1/16")
    assert.equal(4, select(2, sim.batches[2].text:gsub("%+ add element", "")))
  end)

  it("bind a block to what it read, not to what it only passed on", function ()
    start([[
      runs = 0
      local t = nft.table("inet", "t")
      rnm.block(function ()
        runs = runs + 1
        t:set("s", { type = "ipv4_addr", elements = net.addrs { zone = "lan", family = "ipv4" } })
        for _, l in ipairs(net.links { name = "tap*" }) do t:chain("c"):rule("iifname $n accept", { n = l.name }) end
      end)
    ]], NET)
    sim:addr_add("eth1", "10.9.9.9/8")
    assert.equal("1", eval "runs")
    sim:link_add("tap1")
    assert.equal("2", eval "runs")
  end)

  it("narrow to the family of a map's data as to that of its keys", function ()
    start([[
      local t = nft.table("inet", "t")
      t:map("to", { type = "ifname : ipv4_addr" }):follow(net.addrs { zone = "wan" }, "iface", "address")
      t:map("from", { type = "ipv6_addr : ifname" }):follow(net.addrs {}, "address", "iface")
    ]], NET)
    sim:assert_clean()
    sim:assert_map("inet t to", { ['"eth0"'] = "203.0.113.7" })
    sim:assert_map("inet t from", { ["2001:db8::7"] = '"eth0"' })
    sim:addr_add("eth0", "2001:db8::8/64"):addr_del("eth0", "203.0.113.7/24")
    sim:assert_map("inet t to", {})
    sim:assert_clean()
  end)

  it("compute on addresses", function ()
    start("", NET)
    for code, want in pairs {
      ["net.contains('10.0.0.0/8', '10.2.3.4')"] = "true", ["net.contains('10.0.0.0/8', '11.0.0.1')"] = "false",
      ["net.contains(nft.prefix '2001:db8::/32', '2001:db8:1::/48')"] = "true", ["net.contains('10.0.0.0/8', net.addrs { prefixlen = 16 }:first())"] = "true",
      ["net.subnet('2001:db8::/56', 64, 3)"] = "2001:db8:0:3::/64", ["net.subnet('10.0.0.0/8', 16, 255)"] = "10.255.0.0/16",
      ["net.host('2001:db8:1::/64', '::10')"] = "2001:db8:1::10", ["net.host('10.1.0.0/16', '0.0.2.3')"] = "10.1.2.3",
      ["select(2, net.subnet('10.0.0.0/8', 16, 256))"] = "10.0.0.0/8 has no subnet 256 of length 16",
      ["select(2, net.host('10.0.0.0/8', '::1'))"] = "prefix and suffix are of different families",
      ["select(2, net.contains('x', '10.0.0.1'))"] = "x is no address or prefix",
      ["tostring(nft.prefix('10.1.2.3/8'))"] = "10.0.0.0/8", ["select(2, nft.prefix('bogus'))"] = '"bogus" is no prefix',
    } do assert.equal(want, eval(code):gsub('^"x" is', "x is"), code) end
    assert.matches("argument 1: expected an address or prefix, got nil", select(2, sim:eval "net.host(nil, '::1')"), 1, true)
    assert.matches("argument 2: expected an integer, got a string", select(2, sim:eval "net.subnet('10.0.0.0/8', '16', 1)"), 1, true)
  end)

  it("cost a hook only a look-up", function ()
    start([[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      function on_addr_change(ev) s:replace(net.addrs { iface = ev.iface, family = "ipv4" }) end
    ]], NET)
    sim:backlog(function (x) for i = 1, 50 do x:addr_add("eth1", "10.2.0." .. i .. "/24") end end)
    assert.equal(52, #sim:set "inet t s")
    assert.equal(1, #sim.batches)
  end)
end)

describe("a rule that names a device by its index", function ()
  it("waits for the device, follows it, and goes with it", function ()
    local one = simulate { packs = { p = [[nft.table("inet", "t"):chain("c"):rule("iif eth9 accept"):rule("meta oif eth8 drop")]] } }
    local function rules() return select(2, one:ruleset():gsub("[io]if eth", "")) end
    assert.equal(0, rules())
    assert.matches('interface "eth9" does not exist', one:status(), 1, true)
    one:link_add("eth9", { ifindex = 7 })
    assert.equal(1, rules())
    one:link_add("eth8")
    assert.equal(2, rules())
    one:link_set("eth9", { mtu = 1400 })
    assert.equal(2, #one.batches)
    one:link_rename("eth8", "eth7")
    assert.equal(1, rules())
    one:link_del("eth9")
    assert.equal(0, rules())
    one:link_add("eth9", { ifindex = 70 })
    assert.equal(1, rules())
    assert.equal(5, #one.batches)
    assert(one:reload())
    assert.equal(5, #one.batches)
    one:close()
  end)

  it("takes an empty list for what nothing is any of", function ()
    local one = simulate { links = { eth0 = { zone = "wan" } }, packs = { p = [=[
      local none = {}
      local t = nft.table("inet", "t")
      t:set("s", { type = "ipv4_addr", elements = net.addrs { zone = none, family = "ipv4" } })
      local c = t:chain("c")
      rnm.each(net.links { name = none }, function (l) c:rule("iifname $n", { n = l.name }) end)
      rnm.block(function () if #net.links { kind = "ether", name = {} } > 0 then error "some" end end)
      for _, filter in ipairs { { zone = {} }, { action = {} } } do
        rnm.on("addr_change", filter, function () error "called" end)
      end
      rnm.on("message", { topic = {} }, function () error "called" end)
      rnm.on("message", { topic = { "a" } }, function () rnm.log.info "heard" end)
    ]=] } }
    one:addr_add("eth0", "203.0.113.7/24")
    assert.equal(1, one:emit("a", {}))
    assert.same({}, one:errors())
    assert.same({}, one:set("inet t s"))
    assert.not_matches("iifname", one:ruleset())
    one:close()
  end)

  it("waits for a control group, too", function ()
    local one = simulate { packs = { p = [[nft.table("inet", "t"):chain("c"):rule('socket cgroupv2 level 1 "nobody.slice" accept')]] } }
    assert.matches("pending: c in inet t: [^\n]*control group 'nobody.slice': No such file", one:status())
    assert.equal("running", one:packs().p.state)
    one:advance(100)
    assert.same({}, one:errors())
    one:close()
  end)

  it("follows a control group that comes, goes and is made anew", function ()
    local mounts = io.open "/proc/mounts":read "a"
    local mount = mounts:match "\n?%S+ (/sys/fs/cgroup%S*) cgroup2 "
    local name = ("rnm-spec-%d.slice"):format(math.random(1 << 30))
    local dir = mount and mount .. "/" .. name
    if not dir or not os.execute("mkdir " .. dir .. " 2>/dev/null") then
      return pending "no version 2 control groups to make here"
    end
    os.execute("rmdir " .. dir)
    local path = dir:gsub("^/sys/fs/cgroup/", "")
    local one = simulate { packs = { p = ([=[
      local c = nft.table("inet", "t"):chain("c")
      c:rule('socket cgroupv2 level 1 "%s" accept')
      c:rule("socket cgroupv2 level 2 $group drop", { group = "%s" })
    ]=]):format(path, path) } }
    local function rules() return select(2, one:ruleset():gsub("socket cgroupv2", "")) end
    local function sent() return #one.batches end
    assert.equal(0, rules())
    local before = sent()
    one:advance(3)
    assert.equal(before, sent())
    os.execute("mkdir " .. dir)
    one:advance(1)
    assert.same({ 2, before + 1 }, { rules(), sent() })
    one:advance(3)
    assert.equal(before + 1, sent())
    -- another group of this name: its rules take its number
    os.execute(("rmdir %s && mkdir %s"):format(dir, dir))
    one:advance(1)
    assert.same({ 2, before + 2 }, { rules(), sent() })
    assert.matches("~ replace rule", one.batches[sent()].text)
    os.execute("rmdir " .. dir)
    one:advance(1)
    assert.same({ 0, before + 3 }, { rules(), sent() })
    assert.same({}, one:errors())
    one:close()
  end)
end)
