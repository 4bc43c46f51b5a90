-- SPDX-License-Identifier: GPL-2.0-or-later
-- What a run states replaces what the run before stated: main chunk, blocks, records, what they make.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = opts.packs or { p = source }
  sim = simulate(opts)
  return sim
end

describe("scopes", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("make one batch of all at start", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c", { type = "filter", hook = "input", priority = 0 })
      c:rule("tcp dport 22 accept"):rule("counter drop")
    ]])
    assert.matches("add chain inet t c { type filter hook input priority 0; policy accept; }", sim.start_batch, 1, true)
    assert.matches("add rule inet t c tcp dport 22 accept\n%+ add rule inet t c counter drop", sim.start_batch)
    assert.equal(0, #sim.batches)
    assert.same({}, sim:errors())
  end)

  it("run a block again when what it read changes, and send only the difference", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      rnm.block(function ()
        for _, a in ipairs(net.addrs { iface = "eth0" }) do c:rule("ip saddr $a accept", { a = a.address }) end
        c:rule("drop")
      end)
      c:rule("tcp dport 1 accept")
    ]], { links = { eth0 = {}, eth1 = {} } })
    sim:addr_add("eth0", "10.0.0.1/24")
    sim:addr_add("eth1", "10.0.1.1/24")   -- nothing that the block read
    assert.equal(1, #sim.batches)
    assert.equal(1, select(2, sim.batches[1].text:gsub("\n", "\n")))
    assert.matches("insert rule inet t c position %d+ ip saddr 10.0.0.1 accept", sim.batches[1].text)
    assert.matches("ip saddr 10.0.0.1 accept\n%s+drop\n%s+tcp dport 1 accept", sim:ruleset())
    sim:addr_del("eth0", "10.0.0.1/24")
    assert.matches("^%- delete rule inet t c", sim.batches[2].text)
  end)

  it("run a block on refresh()", function ()
    start([[
      local c, n = nft.table("inet", "t"):chain("c"), 0
      b = rnm.block(function () n = n + 1 c:rule("tcp dport $n accept", { n = n }) end)
    ]])
    assert.matches("tcp dport 1 accept", sim:ruleset())
    sim:eval("b:refresh()", "p")
    assert.matches("tcp dport 2 accept", sim:ruleset())
    assert.not_matches("tcp dport 1 accept", sim:ruleset())
  end)

  it("cancel a block with its statements", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      b = rnm.block(function () c:rule("drop") end)
      c:rule("accept")
    ]])
    sim:eval("b:cancel()", "p")
    assert.matches("delete rule", sim.batches[1].text)
    assert.not_matches("drop", sim:ruleset())
    assert.equal(0, sim:packs().p.blocks)
  end)

  it("keep each record's rules in record order, whatever the order of arrival", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      c:rule("tcp dport 1 accept")
      rnm.each(net.links { name = "tap*" }, function (l) c:rule("iifname $n drop", { n = l.name }) end)
      c:rule("tcp dport 2 accept")
    ]])
    sim:link_add("tap9", { ifindex = 9 })
    sim:link_add("tap3", { ifindex = 3 })
    sim:link_add("eth0", { ifindex = 5 })
    local order = {}
    for rule in sim:ruleset():gmatch "\n%s+([it][^\n]*)" do order[#order + 1] = rule end
    assert.same({ "tcp dport 1 accept", 'iifname "tap3" drop', 'iifname "tap9" drop', "tcp dport 2 accept" }, { table.unpack(order, 1, 4) })
    sim:link_del("tap3")
    assert.not_matches("tap3", sim:ruleset())
    assert.equal(3, #sim.batches)
  end)

  it("run a record again when it, or what its run read, changes", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      rnm.each(net.links { name = "eth*" }, function (l)
        local a = net.addrs { iface = l.name }:first()
        c:rule("iifname $n ip daddr $a meta mark set $mtu", { n = l.name, mtu = l.mtu, a = a and a.address or "0.0.0.0" })
      end)
    ]], { links = { eth0 = {}, eth1 = {} } })
    assert.same({}, sim:errors())
    sim:addr_add("eth1", "10.1.1.1/24")
    assert.equal(1, #sim.batches)
    assert.matches('iifname "eth1" ip daddr 10.1.1.1 meta mark set', sim:ruleset())
    sim:link_set("eth0", { mtu = 9000 })
    assert.matches("replace rule", sim.batches[2].text)
    assert.matches('iifname "eth0" ip daddr 0.0.0.0 meta mark set 9000', sim:ruleset(), 1, true)
  end)

  it("cancel what a replaced run made", function ()
    start([[
      local t = nft.table("inet", "t")
      rnm.block(function ()
        local up = net.link("eth0").up
        rnm.every(10, function () end)
        rnm.block(function () t:chain(up and "up" or "down"):rule("accept") end)
        rnm.each(net.addrs { iface = "eth0" }, function (a) t:chain("addrs"):rule("ip saddr $a accept", { a = a }) end)
      end)
    ]], { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    assert.equal(1, sim:packs().p.timers)
    assert.equal(2, sim:packs().p.blocks)
    sim:link_set("eth0", { up = false, carrier = false })
    assert.equal(1, sim:packs().p.timers)
    assert.equal(2, sim:packs().p.blocks)
    assert.matches("chain down", sim:ruleset())
    assert.not_matches("chain up", sim:ruleset())
    assert.matches("ip saddr 10.0.0.1 accept", sim:ruleset())
    assert.same({}, sim:errors())
  end)

  it("bring back what a failed run had taken away", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      rnm.block(function ()
        local l = net.link("eth0")
        rnm.block(function () c:rule("tcp dport 7 accept") end)
        c:rule("tcp dport 8 accept")
        if not l.up then error("broken") end
      end)
    ]], { links = { eth0 = {} } })
    local before = sim:ruleset()
    sim:link_set("eth0", { up = false, carrier = false })
    assert.equal(before, sim:ruleset())
    assert.equal(0, #sim.batches)
    assert.equal("degraded", sim:packs().p.state)
    assert.matches("broken", sim:packs().p.last_error)
    assert.equal(2, sim:packs().p.blocks)
    sim:link_set("eth0", { up = true })        -- an event that it read runs it at once
    assert.equal("running", sim:packs().p.state)
    assert.equal(before, sim:ruleset())
  end)

  it("run a failed block again after a second, then two", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      tries = 0
      rnm.block(function ()
        tries = tries + 1
        if tries < 3 then error("not yet") end
        c:rule("accept")
      end)
    ]])
    assert.equal("degraded", sim:packs().p.state)
    sim:advance(0.9)
    assert.matches("1", sim:eval("tries", "p"))
    sim:advance(0.2)
    assert.matches("2", sim:eval("tries", "p"))
    sim:advance(1.5)
    assert.matches("2", sim:eval("tries", "p"))
    sim:advance(0.6)
    assert.matches("3", sim:eval("tries", "p"))
    assert.equal("running", sim:packs().p.state)
    assert.matches("accept", sim:ruleset())
  end)

  it("refuse to read a query in the main chunk, and name rnm.block", function ()
    for _, read in ipairs { "#net.links{}", "net.links{}:first()", "net.links{}[1]", "ipairs(net.links{})(net.links{}, 0)", 'net.link("lo")', "net.zones()" } do
      start("local x = " .. read)
      assert.equal("failed", sim:packs().p.state)
      assert.matches("rnm%.block", sim:packs().p.last_error)
      sim:close()
    end
    sim = nil
  end)

  it("refuse structure where there is no object, and name rnm.block", function ()
    start([[
      local t = nft.table("inet", "t")
      function on_message(ev)
        if ev.topic == "chain" then t:chain("x") end
        if ev.topic == "rule" then nft.table("inet", "u"):chain("x"):rule("accept") end
        if ev.topic == "block" then rnm.block(function () end) end
        if ev.topic == "each" then rnm.each(net.links {}, function () end) end
        if ev.topic == "on" then rnm.on("start", function () end) end
        if ev.topic == "timer" then rnm.after(1, function () t:chain("late") end) end
      end
    ]])
    for _, topic in ipairs { "chain", "rule", "block", "each", "on" } do
      sim:emit(topic)
      assert.matches("rnm%.block", sim:packs().p.last_error)
      assert.matches("on_message", sim:packs().p.last_error)
    end
    sim:emit("timer")
    sim:advance(2)
    assert.matches("timer of p%.lua.*rnm%.block", sim:packs().p.last_error)
    assert.equal("running", sim:packs().p.state)      -- messages and timers are reported, not replayed
    assert.equal(0, #sim.batches)
  end)

  it("stop blocks that set each other off for ever", function ()
    start([[
      rnm.block(function () local x = rnm.state.a rnm.state.b = (x or 0) + 1 end)
      rnm.block(function () local x = rnm.state.b rnm.state.a = (x or 0) + 1 end)
    ]])
    assert.matches("does not come to rest", sim:packs().p.last_error)
    assert.equal("degraded", sim:packs().p.state)
  end)

  it("leave out a pack that fails at start, and commit the others", function ()
    start(nil, { packs = { bad = 'nft.table("inet", "a")\nerror("no")', good = 'nft.table("inet", "b")' } })
    assert.equal("failed", sim:packs().bad.state)
    assert.equal("running", sim:packs().good.state)
    assert.equal("+ add table inet b\n", sim.start_batch)
    assert.matches("bad%.lua:2: no", sim:packs().bad.last_error)
  end)

  it("bound a pack's statements", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      for i = 1, 200 do c:rule("tcp dport $i accept", { i = i }) end
    ]], { limits = { statements = 100 } })
    assert.equal("failed", sim:packs().p.state)
    assert.matches("limits%.statements", sim:packs().p.last_error)
  end)

  it("stop a run that takes too long, and only that run", function ()
    start([[
      local c = nft.table("inet", "t"):chain("c")
      c:rule("accept")
      rnm.block(function () while true do end end)
    ]], { limits = { hook_instructions = 100000, hook_time = "60s" } })
    assert.equal("degraded", sim:packs().p.state)
    assert.matches("accept", sim:ruleset())
  end)
end)
