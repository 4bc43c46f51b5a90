-- SPDX-License-Identifier: GPL-2.0-or-later
-- Hooks: who hears of what, what an event holds, and what belongs to its object.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = opts.packs or { p = source }
  sim = simulate(opts)
  return sim
end

-- A pack that notes events; notes() gives the lines since the last call.
local NOTE = [[
  notes = {}
  function note(...) local t = {} for i = 1, select("#", ...) do t[i] = tostring((select(i, ...))) end notes[#notes + 1] = table.concat(t, " ") end
]]
local function notes()
  local out = sim:eval("local s = table.concat(notes, '\\n') notes = {} return s", "p")
  local list = {}
  for line in out:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

describe("hooks", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("show each present object once as an initial add, links first", function ()
    start(NOTE .. [[
      function on_start(ev) note("start", ev.reason, ev.name) end
      function on_addr_change(ev) note(ev.action, ev.initial, ev.address, ev.iface) end
      function on_link_change(ev) note(ev.action, ev.initial, ev.link.name) end
    ]], { links = { eth0 = { addrs = { "10.0.0.1/24" } }, lo = { addrs = { "127.0.0.1/8" } } } })
    assert.same({ "start start start", "add true eth0", "add true lo", "add true 10.0.0.1 eth0", "add true 127.0.0.1 lo" }, notes())
    sim:addr_add("eth0", "10.0.0.2/24")
    assert.same({ "add nil 10.0.0.2 eth0" }, notes())
  end)

  it("hold exactly the event's fields", function ()
    start(NOTE .. [[
      function keys(t) local k = {} for key in pairs(t) do k[#k + 1] = key end return table.concat(k, " ") end
      function on_addr_change(ev) note(keys(ev)) end
      function on_link_change(ev) note(keys(ev), "/", keys(ev.link)) end
      rnm.on("message", function (ev) note(keys(ev), ev.topic, ev.data.a) end)
    ]], { links = { eth0 = { zone = "wan" } } })
    notes()
    sim:addr_add("eth0", "10.0.0.1/24")
    sim:link_set("eth0", { mtu = 9000, mac = "02:00:00:00:00:01" })
    sim:emit("t", { a = 1 })
    assert.same({
      "action address family flags iface ifindex name network preferred_lft prefixlen scope seq time valid_lft zone",
      "action changed link name seq time / carrier ifindex mac mtu name up zone",
      "data name seq time topic t 1",
    }, notes())
  end)

  it("say what changed, with the old values", function ()
    start(NOTE .. [[
      function on_link_change(ev)
        if ev.action == "change" then for k, v in pairs(ev.changed) do note(k, v, "->", ev.link[k]) end end
      end
    ]], { links = { eth0 = {} } })
    sim:link_set("eth0", { mtu = 1400 })
    sim:link_set("eth0", { mtu = 1400 })       -- nothing changed: no event
    sim:link_set("eth0", { up = false })
    assert.same({ "mtu 1500 -> 1400", "carrier true -> false", "up true -> false" }, notes())
  end)

  it("see their filter's world", function ()
    start(NOTE .. [[
      rnm.on("link_change", { up = true, name = { "eth*", "!eth9" } }, function (ev) note(ev.action, ev.link.name, ev.link.up) end)
    ]], { links = { eth0 = {}, eth9 = {}, tap0 = {} } })
    assert.same({ "add eth0 true" }, notes())
    sim:link_set("eth0", { up = false })
    sim:link_set("eth0", { mtu = 1300 })
    sim:link_set("eth0", { up = true })
    sim:link_set("eth0", { mtu = 1200 })
    sim:link_del("eth0")
    assert.same({ "del eth0 true", "add eth0 true", "change eth0 true", "del eth0 true" }, notes())
  end)

  it("take actions only as a choice of calls", function ()
    start(NOTE .. [[
      local c = nft.table("inet", "t"):chain("c")
      rnm.on("addr_change", { action = "add" }, function (ev) c:rule("ip saddr $a accept", { a = ev.address }) note(ev.action) end)
      rnm.on("addr_change", { action = "!add" }, function (ev) note(ev.action) end)
    ]], { links = { eth0 = {} } })
    sim:addr_add("eth0", "10.0.0.1/24")
    sim:addr_del("eth0", "10.0.0.1/24")
    assert.same({ "add", "del" }, notes())
    assert.matches("10.0.0.1", sim:ruleset())  -- what is not delivered withdraws nothing
  end)

  it("hide IPv6 addresses until they can be used", function ()
    start(NOTE .. [[ function on_addr_change(ev) note(ev.action, ev.address) end ]], { links = { eth0 = {} } })
    sim:addr_add("eth0", "2001:db8::1/64", { tentative = true })
    assert.same({}, notes())
    sim:addr_add("eth0", "2001:db8::1/64")
    assert.same({ "add 2001:db8::1" }, notes())
    sim:addr_add("eth0", "2001:db8::2/64", { tentative = true, optimistic = true })
    assert.same({ "add 2001:db8::2" }, notes())
  end)

  it("tell of a failed detection as a change, and in the end of its del", function ()
    start(NOTE .. [[
      function on_addr_change(ev) note(ev.action, ev.address, ev.flags.dadfailed and "failed" or "", ev.changed and "was " .. (ev.changed.flags.dadfailed and "failed" or "well") or "") end
      rnm.each(net.addrs { family = "ipv6" }, function (a) nft.table("inet", "t"):chain("c"):rule("ip6 daddr $a accept", { a = a }) end)
    ]], { links = { eth0 = {} } })
    local failed = { flags = { "tentative", "dadfailed" } }
    sim:addr_add("eth0", "2001:db8::1/64", { tentative = true })
    sim:addr_set("eth0", "2001:db8::1/64", failed)
    assert.same({ "change 2001:db8::1 failed was well" }, notes())
    assert.equal("0", (sim:eval("#net.addrs {}"):gsub("\n", "")))
    sim:addr_del("eth0", "2001:db8::1/64")
    assert.same({ "del 2001:db8::1 failed " }, notes())
    sim:addr_add("eth0", "2001:db8::2/64", { tentative = true, optimistic = true })
    sim:addr_set("eth0", "2001:db8::2/64", failed)
    assert.same({ "add 2001:db8::2  ", "change 2001:db8::2 failed was well" }, notes())
    assert.is_nil(sim:ruleset():find("accept", 1, true))
    sim:reload()
    assert.same({}, notes())
    sim:addr_set("eth0", "2001:db8::2/64", { flags = {} })
    assert.same({ "add 2001:db8::2  " }, notes())
    sim:assert_rule("inet t c", "ip6 daddr 2001:db8::2 accept")
  end)

  it("choose by initial whether they are called for what is there already, which withdraws nothing", function ()
    start(NOTE .. [[
      local c = nft.table("inet", "t"):chain("c")
      rnm.on("link_change", { initial = true }, function (ev) note("first", ev.link.name) c:rule("iifname $n accept", { n = ev.link.name }) end)
      rnm.on("link_change", { initial = false, action = "add" }, function (ev) note("later", ev.link.name) end)
    ]], { links = { eth0 = {} } })
    assert.same({ "first eth0" }, notes())
    sim:link_add "eth1"
    assert.same({ "later eth1" }, notes())
    sim:link_set("eth0", { mtu = 1400 })
    sim:assert_rule("inet t c", 'iifname "eth0" accept')
    sim:close()
    start([[rnm.on("link_change", { initial = {} }, error)]], { links = { eth0 = {} } })
    assert.same({ "running", 0 }, { sim:packs().p.state, sim:packs().p.errors })
    start [[rnm.on("link_change", { initial = "yes" }, print)]]
    assert.matches("initial: expected a boolean, got a string", sim:packs().p.last_error, 1, true)
  end)

  it("are functions", function ()
    start "on_link_change = setmetatable({}, { __call = print })"
    assert.matches("on_link_change: a hook is a function, this is a table", sim:packs().p.last_error, 1, true)
  end)

  it("hear of refreshed lifetimes only when asked", function ()
    start(NOTE .. [[
      rnm.on("addr_change", { lifetimes = true }, function (ev) note("life", ev.action, ev.valid_lft, ev.changed and ev.changed.valid_lft) end)
      rnm.on("addr_change", function (ev) note("plain", ev.action) end)
    ]], { links = { eth0 = {} } })
    sim:addr_add("eth0", "10.0.0.1/24", { valid_lft = 100 })
    sim:addr_add("eth0", "10.0.0.1/24", { valid_lft = 200 })
    assert.same({ "life add 100 nil", "plain add", "life change 200 100" }, notes())
    assert.equal(0, #sim.batches)
  end)

  it("state for their object, until its del", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      c:rule("tcp dport 1 accept")
      function on_addr_change(ev)
        c:rule("ip saddr $a accept", { a = ev.address })
        if ev.action == "del" then c:rule("tcp dport 99 drop") end
      end
    ]], { links = { eth0 = {} } })
    sim:addr_add("eth0", "10.0.0.2/24")
    sim:addr_add("eth0", "10.0.0.1/24")
    assert.matches("tcp dport 1 accept\n%s+ip saddr 10.0.0.1 accept\n%s+ip saddr 10.0.0.2 accept\n", sim:ruleset())
    sim:addr_del("eth0", "10.0.0.2/24")
    assert.matches("^%- delete rule[^\n]*\n$", sim.batches[3].text)
    assert.not_matches("dport 99", sim:ruleset())
  end)

  it("follow a link that goes, dependents first", function ()
    start(NOTE .. [[
      function on_addr_change(ev) note(ev.action, ev.address) end
      function on_neigh_change(ev) note(ev.action, ev.address) end
      function on_link_change(ev) note(ev.action, ev.link.name) end
    ]], { links = { eth0 = { addrs = { "10.0.0.1/24" } } }, before = function (s) s:neigh_add("eth0", "10.0.0.9", { mac = "02:00:00:00:00:09" }) end })
    notes()
    sim:link_del("eth0")
    assert.same({ "del 10.0.0.9", "del 10.0.0.1", "del eth0" }, notes())
  end)

  it("run in the order they were registered, packs by order and name", function ()
    start(nil, { links = { eth0 = {} }, packs = {
      ["20-b"] = [[ function on_addr_change() rnm.log.info("b") end ]],
      ["10-a"] = [[ rnm.on("addr_change", function () rnm.log.info("a1") end) rnm.on("addr_change", function () rnm.log.info("a2") end) ]],
      c = [[ function on_addr_change() rnm.log.info("c") end ]],
    } })
    sim:addr_add("eth0", "10.0.0.1/24")
    local said = {}
    for _, line in ipairs(sim:log()) do said[#said + 1] = line:match "^info pack: (%w+: %w+)$" end
    assert.same({ "a: a1", "a: a2", "b: b", "c: c" }, said)
  end)

  it("put all packs' reactions to one event into one batch", function ()
    local source = [[ local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" }) function on_addr_change(ev) if ev.action == "add" then s:add(ev.address) end end ]]
    start(nil, { links = { eth0 = {} }, packs = { a = source, b = (source:gsub("\"s\"", "\"u\"")), c = (source:gsub("\"s\"", "\"v\"")) } })
    sim:addr_add("eth0", "10.0.0.1/24")
    assert.equal(1, #sim.batches)
    assert.equal(3, select(2, sim.batches[1].text:gsub("add element", "")))
  end)

  it("share a transaction in a backlog, and undo only the run that fails", function ()
    start([[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      function on_addr_change(ev)
        s:add(ev.address)
        if ev.address == "10.0.0.2" then error("bad one") end
      end
    ]], { links = { eth0 = {} } })
    sim:backlog(function (s)
      s:addr_add("eth0", "10.0.0.1/24")
      s:addr_add("eth0", "10.0.0.2/24")
      s:addr_add("eth0", "10.0.0.3/24")
    end)
    assert.equal(1, #sim.batches)
    assert.same({ "10.0.0.1", "10.0.0.3" }, sim:set("inet t s"))
    assert.equal("degraded", sim:packs().p.state)
    assert.matches("on_addr_change at p%.lua:%d+ for 10%.0%.0%.2: p%.lua:%d+: bad one", sim:packs().p.last_error)
  end)

  it("refuse a global that looks like a hook and is none", function ()
    start("function on_adr_change() end")
    assert.matches('on_adr_change: no event has this name; did you mean on_addr_change%?', sim:packs().p.last_error)
  end)

  it("refuse unknown events, fields and values, with proposals", function ()
    for source, message in pairs {
      ['rnm.on("adr_change", print)'] = 'unknown event "adr_change"; did you mean "addr_change"',
      ['rnm.on("on_link_change", print)'] = 'did you mean "link_change"',
      ['rnm.on("addr_change", { ifcae = "x" }, print)'] = "did you mean 'iface'",
      ['rnm.on("addr_change", { action = "ad" }, print)'] = 'did you mean "add"',
      ['rnm.on("addr_change", { family = "ip4" }, print)'] = "family",
      ['rnm.on("message", { topics = "x" }, print)'] = 'there is "topic"',
      ['rnm.on("addr_change", {}, 5)'] = "argument 3: expected a function, got an integer",
      ['rnm.on("addr_change")'] = "2 arguments needed, got 1",
      ['rnm.on("start", {}, print, 1)'] = "at most 3 arguments, got 4",
    } do
      start("print = print or function () end " .. source)
      assert.equal("failed", sim:packs().p.state)
      assert.matches(message, sim:packs().p.last_error, 1, true)
      sim:close()
    end
    sim = nil
  end)

  it("know hooks that this version never calls", function ()
    start("function on_lease_change() end function on_nft_change() end")
    assert.equal("running", sim:packs().p.state)
    assert.equal("on_lease_change, on_nft_change", sim:packs().p.hook_names)
    assert.same({ "warn pack: p: lease_change: this version knows no DHCP leases: it is never called" }, sim.errors)
  end)

  it("report a resync after what really changed", function ()
    start(NOTE .. [[
      function on_addr_change(ev) note(ev.action, ev.address) end
      function on_resync(ev) note("resync", ev.reason) end
    ]], { links = { eth0 = { addrs = { "10.0.0.1/24", "10.0.0.2/24" } } } })
    notes()
    sim:dump("addr", { { link = "eth0", address = "10.0.0.2/24" }, { link = "eth0", address = "10.0.0.3/24" } })
    local got = notes()
    table.sort(got)
    assert.same({ "add 10.0.0.3", "del 10.0.0.1", "resync overrun" }, got)
  end)

  it("make a renamed link's addresses change", function ()
    start(NOTE .. [[ function on_addr_change(ev) note(ev.action, ev.iface, ev.changed and ev.changed.iface) end ]],
      { links = { eth0 = { addrs = { "10.0.0.1/24" } } } })
    notes()
    sim:link_set("eth0", { name = "wan0" })
    assert.same({ "change wan0 eth0" }, notes())
  end)

  it("show routes and rules", function ()
    start(NOTE .. [[
      function on_route_change(ev) note(ev.action, ev.family, ev.dst, ev.gateway, ev.iface, ev.table, ev.metric, ev.protocol, ev.type) end
      function on_rule_change(ev) note(ev.action, ev.family, ev.priority, ev.src, ev.fwmark, ev.table) end
    ]], { links = { eth0 = {} } })
    sim:route_add { dst = "default", gateway = "10.0.0.254", link = "eth0", metric = 100 }
    sim:route_add { dst = "10.9.0.0/16", link = "eth0" }
    sim:rule_add { priority = 100, src = "10.0.0.0/8", fwmark = 7, table = 42 }
    assert.same({
      "add ipv4 default 10.0.0.254 eth0 main 100 static unicast", "add ipv4 10.9.0.0/16 nil eth0 main 0 static unicast",
      "add ipv4 100 10.0.0.0/8 7 42",
    }, notes())
  end)

  it("stop with on_stop, once", function ()
    start([[ function on_stop(ev) rnm.log.warn("bye " .. ev.reason) end ]])
    sim:stop("sigterm")
    assert.same({ "warn pack: p: bye sigterm" }, sim:errors())
  end)
end)
