-- SPDX-License-Identifier: GPL-2.0-or-later
-- A failing run changes nothing, and how each kind of run heals.
local simulate = require "rnm.testing".simulate

local sim
local function start(packs, opts)
  opts = opts or {}
  opts.packs = type(packs) == "table" and packs or { p = packs }
  opts.links = { eth0 = {} }
  sim = simulate(opts)
  return sim
end
local function eval(code, pack) return (assert(sim:eval(code, pack or "p")):gsub("\n$", "")) end
local function state(pack) return sim:packs()[pack or "p"].state end

describe("a run that fails", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("as a block keeps what it had stated, and is run again alone", function ()
    start [[
      chunks = (chunks or 0) + 1
      local c = nft.table("inet", "t"):chain("c")
      rnm.block(function ()
        local n = #net.links {}
        c:rule("meta mark " .. n)
        if n == 2 and not calm then error "two" end
      end)
    ]]
    sim:link_add "x1"
    assert.same({ "meta mark 1" }, sim:rules "inet t c")
    assert.equal("degraded", state())
    assert.matches("two", sim:packs().p.last_error, 1, true)
    sim:link_add "x2"                                    -- it goes on receiving events
    assert.same({ "meta mark 3" }, sim:rules "inet t c")
    assert.equal("running", state())
    sim:link_del "x2"
    eval "calm = true"
    sim:advance(0.9)
    assert.equal("degraded", state())
    sim:advance(0.2)
    assert.same({ "meta mark 2" }, sim:rules "inet t c")
    assert.equal("running", state())
    assert.equal("1", eval "chunks")
  end)

  it("as a record's leaves the other records' alone", function ()
    start [[
      local c = nft.table("inet", "t"):chain("c")
      rnm.each(net.links { name = "x*" }, function (l)
        c:rule("iifname $l", { l = l.name })
        if l.name == "x2" and not calm then error "two" end
      end)
    ]]
    sim:backlog(function () for _, name in ipairs { "x1", "x2", "x3" } do sim:link_add(name) end end)
    assert.same({ 'iifname "x1"', 'iifname "x3"' }, sim:rules "inet t c")
    eval "calm = true"
    sim:advance "1100ms"
    assert.same({ 'iifname "x1"', 'iifname "x2"', 'iifname "x3"' }, sim:rules "inet t c")
    assert.equal("running", state())
  end)

  it("as a hook is undone whole, with its timers, emits and state, and its pack replayed", function ()
    start [[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      rnm.state.lives = (rnm.state.lives or 0) + 1
      function on_addr_change(ev)
        if ev.action ~= "del" then s:add(ev.address) end
        rnm.after("1h", function () end)
        rnm.emit("seen")
        rnm.state.last = ev.address
        if ev.address == "192.0.2.2" and not rnm.state.calm then error "boom" end
      end
      heard = 0
      function on_message(ev)
        if ev.topic == "calm" then rnm.state.calm = true end
        heard = heard + 1
      end
    ]]
    sim:addr_add("eth0", "192.0.2.1/24")
    sim:addr_add("eth0", "192.0.2.2/24")
    sim:assert_set("inet t s", { "192.0.2.1" })
    assert.equal(1, sim:packs().p.timers)
    assert.equal("1 192.0.2.1 1", eval "heard .. ' ' .. rnm.state.last .. ' ' .. rnm.state.lives")
    assert.equal("degraded", state())
    assert.matches("stack traceback", table.concat(sim.errors, "\n"), 1, true)
    sim:addr_add("eth0", "192.0.2.3/24")
    sim:assert_set("inet t s", { "192.0.2.1", "192.0.2.3" })
    sim:emit "calm"
    sim:advance(1.1)
    sim:assert_set("inet t s", { "192.0.2.1", "192.0.2.2", "192.0.2.3" })
    assert.equal("2", eval "rnm.state.lives")
    assert.equal("running", state())
    assert.equal("", sim:plan())
  end)

  it("as a replay is tried after 1 s, doubling to 60 s", function ()
    start [[
      rnm.state.lives = (rnm.state.lives or 0) + 1
      if rnm.state.lives > 1 then error "chunk" end
      function on_link_change(ev) if not ev.initial then error "hook" end end
    ]]
    sim:link_add "x1"
    local function tries() return sim:packs().p.errors end
    local last = tries()
    for _, wait in ipairs { 1, 2, 4, 8, 16, 32, 60, 60 } do
      sim:advance(wait - 0.5)
      assert.equal(last, tries(), "before " .. wait .. " s")
      sim:advance(0.51)
      assert.equal(last + 1, tries(), "after " .. wait .. " s")
      last = last + 1
    end
  end)

  it("as a timer, message or eval is only reported", function ()
    start [[ rnm.every(1, function () error "tick" end) function on_message() error "message" end ]]
    sim:advance(2.5)
    sim:emit "any"
    assert.is_nil(sim:eval("error 'eval'", "p"))
    assert.equal("running", state())
    assert.equal(1, sim:packs().p.timers)
    for _, word in ipairs { "tick", "message" } do assert.matches(word, table.concat(sim.errors, "\n"), 1, true) end
  end)

  it("leaves what other packs do in the same transaction", function ()
    start { a = [[ function on_link_change(ev) if ev.link.name == "x1" then error "a" end end ]],
      b = [[ nft.table("inet", "t"):set("s", { type = "ifname", elements = net.links { name = "x*" } }) ]] }
    sim:link_add "x1"
    sim:assert_set("inet t s", { '"x1"' }):assert_batches(1)
    assert.equal("degraded", state "a")
    assert.equal("running", state "b")
  end)

  it("by contradicting another at the end of a transaction loses its share, and is replayed until they agree", function ()
    start { a = [[ nft.table("inet", "t"):map("m", { type = "ifname : mark" }):follow(net.links { name = "x*" }, "name", "mtu") ]],
      b = [[
        local m = nft.table("inet", "t"):map("m", { type = "ifname : mark" })
        local s = nft.table("inet", "t"):set("s", { type = "ifname" })
        rnm.on("link_change", { name = "x*" }, function (ev)
          if ev.action ~= "del" then s:add(ev.link.name) m:add(ev.link.name, 7) end
        end)
      ]] }
    sim:link_add("x1", { mtu = 1500 })
    assert.equal("running", state "a")
    assert.equal("degraded", state "b")
    assert.matches('b.lua:4: map m: "x1" has another value in a, a.lua:1', sim.errors[1], 1, true)
    sim:assert_set("inet t s", {})
    sim:advance(8)
    assert.equal("degraded", state "b")
    sim:link_set("x1", { mtu = 7 })
    sim:advance(60)
    assert.equal("running", state "b")
    sim:assert_set("inet t s", { '"x1"' })
  end)

  it("at start leaves in the kernel what its last good run left there", function ()
    start { p = [[ nft.table("inet", "t"):chain("c"):rule("accept") ]], q = [[ nft.table("inet", "u"):chain("d"):rule("drop") ]] }
    local before = sim:kernel "inet t"
    sim:restart { packs = { p = "error 'no'", q = [[ nft.table("inet", "u"):chain("d"):rule("accept") ]] } }
    assert.equal("failed", state())
    assert.equal(before, sim:kernel "inet t")
    assert.matches("accept", sim:kernel "inet u", 1, true)
    sim:restart { packs = { q = "" } }
    assert.equal("", sim:kernel())
  end)

  it("at start loses nothing by failing again, and goes on where it was when it comes back", function ()
    local a = [[
      local t = nft.table("inet", "t")
      t:chain("in", { type = "filter", hook = "input", priority = 0 }):rule("counter")
      t:set("s", { type = "ipv4_addr" }) t:set("i", { type = "ipv4_addr", flags = "interval" })
      t:set("tm", { type = "ipv4_addr", flags = "timeout" })
    ]]
    local p = [[
      local t = nft.table("inet", "t")
      t:set("s"):add("192.0.2.1") t:set("i"):add("192.0.2.0/31")
      local own, m = t:chain("own"), t:map("m", { type = "mark : verdict" })
      own:rule("meta mark 8 counter") m:add(5, "jump own")
      t:chain("in"):rule("meta mark vmap @m")
      %s t:set("tm"):add("192.0.2.7", { timeout = "1h" })
      %s
    ]]
    start { a = a, p = p:format("", "") }
    sim:advance(600)
    local function kernel() return (sim:kernel():gsub(" expires %w+", "")) end
    local before, sent = kernel(), #sim.batches
    sim:restart { packs = { a = a, p = p:format("", "error 'no'") } }
    sim:advance(600)
    assert.equal("failed", state())
    assert.is_true(sim:packs().p.errors > 5)
    assert.equal(before, kernel())
    assert(sim:reload { packs = { a = a, p = p:format("", "") } })
    assert.equal(before, kernel())
    assert.equal(sent, #sim.batches)
    assert.matches("192.0.2.7 timeout 1h expires [34][90]m", sim:kernel())
    assert(sim:reload { packs = { a = a, p = p:format("--", "") } })
    assert.not_matches("192.0.2.7", sim:kernel(), 1, true)
  end)

  it("leaves a timed statement its own time beside what others hold", function ()
    start { a = [[
        local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr", flags = "timeout" })
        rnm.on("message", { topic = "ban" }, function () s:add("192.0.2.7", { timeout = "1h" }) end)
      ]], b = [[
        local s = nft.table("inet", "t"):set("s")
        rnm.block(function () if net.link "x1" then s:add("192.0.2.7", { timeout = "1h" }) end end)
      ]] }
    sim:emit "ban"
    sim:advance(1800)
    sim:link_add "x1"
    sim:advance(1800 + 1)
    assert.matches("192.0.2.7 timeout 1h expires [23]%d", sim:kernel())
    sim:link_del "x1"
    assert.not_matches("192.0.2.7", sim:kernel(), 1, true)
  end)

  it("by the kernel's word loses what was refused, until that changes", function ()
    start { p = [[
        local c = nft.table("inet", "t"):chain("c")
        c:rule("accept")
        rnm.each(net.links { name = "x*" }, function (l) c:rule("iifname $l mark $m", { l = l.name, m = l.mtu }) end)
      ]], q = [[ nft.table("inet", "u"):set("s", { type = "ifname", elements = net.links {} }) ]] }
    sim:refuse 'iifname "x1" mark 1500'
    sim:link_add "x1"
    assert.matches("the kernel refused: p p.lua:3: + add rule inet t c iifname \"x1\" mark 1500", sim.errors[1], 1, true)
    assert.matches("x1", sim:kernel "inet u", 1, true)
    assert.not_matches("x1", sim:kernel "inet t", 1, true)
    assert.equal("degraded", state())
    assert.matches("refused: c in inet t: the kernel refused it (p, p.lua:3)", sim:status(), 1, true)
    sim:link_set("x1", { mtu = 1400 })
    assert.matches('iifname "x1" ', sim:kernel "inet t", 1, true)
    assert.not_matches("refused: c", sim:status(), 1, true)
    assert.equal("running", state())
  end)
end)
