-- SPDX-License-Identifier: GPL-2.0-or-later
-- Reload, replay, refusals: all or nothing, and what heals by itself.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function eval(code, pack) return (assert(sim:eval(code, pack or "p")):gsub("\n$", "")) end

local WAN = [[
  local t = nft.table("inet", "t")
  local s = t:set("s", { type = "ipv4_addr" })
  t:chain("c", { type = "filter", hook = "input", priority = 0 }):rule("ip saddr @s drop")
  function on_addr_change(ev) if ev.action == "add" then s:add(ev.address) end end
  function on_message(ev) s:add(ev.data.e) end
]]

describe("reload", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("of what did not change sends nothing", function ()
    start(WAN, { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    assert(sim:reload())
    assert.equal(0, #sim.batches)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    assert.same({}, sim:errors())
  end)

  it("sends the difference in one batch", function ()
    start(WAN, { links = { eth0 = {} } })
    assert(sim:reload { packs = { p = (WAN:gsub("ip saddr @s drop", "ip saddr @s counter drop")), q = 'nft.table("inet", "u")' } })
    assert.equal(1, #sim.batches)
    assert.matches("add table inet u", sim.batches[1].text)
    assert.matches("replace rule inet t c handle 1 ip saddr @s counter drop", sim.batches[1].text)
    assert(sim:reload { packs = { q = 'nft.table("inet", "u")' } })
    assert.equal("- delete table inet t\n", sim.batches[2].text)
    assert.is_nil(sim:packs().p)
  end)

  it("calls on_reload, with the present objects as initial adds", function ()
    start([[
      log = {}
      function on_start() log[#log + 1] = "start" end
      function on_reload(ev) log[#log + 1] = "reload " .. ev.reason end
      function on_link_change(ev) log[#log + 1] = ev.link.name .. tostring(ev.initial) end
    ]], { links = { eth0 = {} } })
    assert.equal("start eth0true", eval "table.concat(log, ' ')")
    assert(sim:reload())
    assert.equal("reload reload eth0true", eval "table.concat(log, ' ')")
  end)

  it("is refused as a whole when any step fails, and the old packs go on", function ()
    local broken = {
      { "error('main')", "main" }, { "x = = 1", "unexpected symbol" }, { "rnm.block(function () error('block') end)", "block" },
      { "rnm.each(net.links {}, function () error('each') end)", "each" }, { "function on_link_change() error('hook') end", "hook" },
      { "function on_reload() error('life') end", "life" }, { "function on_lnk_change() end", "did you mean on_link_change" },
      { "nft.table('inet', 't'):set('s', { type = 'ipv6_addr' })", "type" },
      { "nft.table('inet', 't'):chain('c'):rule('ip saddr $x accept', { x = 'bogus' })", "bogus" },
    }
    start(WAN, { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    eval "marker = 'old'"
    local before = sim:ruleset()
    for _, case in ipairs(broken) do
      local ok, err = sim:reload { packs = { p = WAN, q = case[1] } }
      assert.is_nil(ok, case[1])
      assert.matches(case[2], err, 1, true)
      assert.matches("q", err)
      assert.equal(before, sim:ruleset())
      assert.equal("old", eval "marker")
      assert.is_nil(sim:packs().q)
    end
    assert.equal(0, #sim.batches)
    sim:addr_add("eth0", "10.0.0.2/8")
    assert.same({ "10.0.0.1", "10.0.0.2" }, sim:set "inet t s")
    assert(sim:reload { packs = { p = WAN, q = "nft.table('inet', 'u')" } })
    assert.equal("+ add table inet u\n", sim.batches[2].text)
  end)

  it("keeps edits of messages, and makes those of hooks again", function ()
    start(WAN, { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    sim:emit("x", { e = "10.9.9.9" })
    assert.same({ "10.0.0.1", "10.9.9.9" }, sim:set "inet t s")
    assert(sim:reload { packs = { p = (WAN:gsub("if ev.action == \"add\"", "if ev.address ~= \"10.0.0.1\"")) } })
    assert.same({ "10.9.9.9" }, sim:set "inet t s")
    assert(sim:reload { packs = { q = WAN } })       -- another pack: nobody inherits
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
  end)

  it("lets a name move from one pack to another", function ()
    start { p = WAN }
    assert(sim:reload { packs = { q = WAN } })
    assert.equal(0, #sim.batches)
    assert.equal("running", sim:packs().q.state)
  end)

  it("drops what the console stated, and its timers and handlers", function ()
    start "x = 1"
    assert(sim:eval "nft.table('inet', 'mine'):chain('c'):rule('accept')")
    assert(sim:eval "rnm.every(1, function () end)")
    assert.matches("table inet mine", sim:ruleset())
    assert(sim:reload())
    assert.equal("- delete table inet mine\n", sim.batches[2].text)
    assert.is_nil(sim:packs().console)
  end)

  it("follows the configuration's zones", function ()
    start([[ nft.table("inet", "t"):set("s", { type = "ifname", elements = net.links { zone = "wan" } }) ]], { links = { eth0 = {}, eth1 = { zone = "wan" } } })
    assert(sim:reload { links = { eth0 = { zone = "wan" } } })
    assert.same({ '"eth0"' }, sim:set "inet t s")
    assert.equal('- delete element inet t s { "eth1" }\n+ add element inet t s { "eth0" }\n', sim.batches[1].text)
  end)

  it("can be done again and again", function ()
    start({ a = WAN, b = [[ rnm.block(function () nft.table("inet", "u"):chain("c"):rule("iifname $n accept", { n = net.links {}:map("name") }) end) ]] },
      { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    for _ = 1, 20 do
      assert(sim:reload())
      assert.is_nil((sim:reload { packs = { a = WAN, c = "error 'x'" } }))
    end
    assert.equal(0, #sim.batches)
    assert.same({}, sim:errors())
  end)
end)

describe("replay", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("heals a pack whose hook failed, with a fresh state and rnm.state kept", function ()
    start([[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      life = rnm.state.lives or 0
      function on_reload(ev) rnm.state.reason = ev.reason rnm.state.lives = life + 1 end
      function on_addr_change(ev)
        if ev.action == "add" then s:add(ev.address) end
        if ev.address == "10.0.0.2" and not ev.initial then error("first time") end
      end
    ]], { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    eval "junk = true"
    sim:addr_add("eth0", "10.0.0.2/8")
    assert.equal("degraded", sim:packs().p.state)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    sim:addr_add("eth0", "10.0.0.3/8")               -- goes on receiving events
    assert.same({ "10.0.0.1", "10.0.0.3" }, sim:set "inet t s")
    sim:advance(1.1)
    assert.equal("running", sim:packs().p.state)
    assert.same({ "10.0.0.1", "10.0.0.2", "10.0.0.3" }, sim:set "inet t s")
    assert.equal("+ add element inet t s { 10.0.0.2 }\n", sim.batches[#sim.batches].text)
    assert.equal("replay 1 nil", eval "rnm.state.reason .. ' ' .. rnm.state.lives .. ' ' .. tostring(junk)")
  end)

  it("is all or nothing, and backs off", function ()
    start([[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      s:add("10.9.9.9")
      function on_addr_change(ev) if ev.action == "add" then s:add(ev.address) if ev.address == "10.0.0.2" then error("always") end end end
    ]], { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    sim:addr_add("eth0", "10.0.0.2/8")
    local function replays()
      local n = 0
      for _, line in ipairs(sim:log()) do n = n + (line:find "replay failed" and 1 or 0) end
      return n
    end
    sim:advance(1.1)
    assert.equal(1, replays())
    sim:advance(1.5)
    assert.equal(1, replays())
    sim:advance(0.6)
    assert.equal(2, replays())
    sim:advance(4.1)
    assert.equal(3, replays())
    assert.same({ "10.0.0.1", "10.9.9.9" }, sim:set "inet t s")
    assert.equal("degraded", sim:packs().p.state)
    assert.equal(0, #sim.batches)
    sim:addr_del("eth0", "10.0.0.2/8")
    sim:advance(60)
    assert.equal("running", sim:packs().p.state)
  end)

  it("runs the text that was loaded, not what lies there now", function ()
    start { p = { ["init.lua"] = 'local m = require "m" v = m function on_message() error("x") end function on_addr_change() error("y") end', ["m.lua"] = "return 1" } }
    sim:link_add "eth0"
    sim:addr_add("eth0", "10.0.0.1/8")
    for _, f in ipairs { "/init.lua", "/m.lua" } do
      local out = assert(io.open(sim.policies .. "/p" .. f, "w"))
      out:write "syntax error ("
      out:close()
    end
    sim:addr_del("eth0", "10.0.0.1/8")
    sim:advance(1.2)
    assert.equal("running", sim:packs().p.state)
    assert.equal("1", eval "v")
  end)

  it("brings back a pack that was left out at start", function ()
    start({ p = [[ rnm.block(function () end) local n = rnm.state.tries or 0 nft.table("inet", "t") if not rnm.state.ok then error("not ready") end ]] })
    assert.equal("failed", sim:packs().p.state)
    sim:advance(10)
    assert.equal("failed", sim:packs().p.state)
    assert.matches("not ready", sim:packs().p.last_error)
    sim:close()
    start({ p = "x = = 1" })
    local n = #sim:log()
    sim:advance(600)
    assert.equal(n, #sim:log())                     -- text that does not compile is not tried again
  end)
end)

describe("a refusal of the kernel", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("takes out the culprit and sends the rest again", function ()
    start({ a = [[ local c = nft.table("inet", "t"):chain("c") function on_addr_change(ev) c:rule("ip saddr $a accept", { a = ev.address }) end ]],
      b = [[ local c = nft.table("inet", "u"):chain("c") function on_addr_change(ev) c:rule("ip daddr $a accept", { a = ev.address }) end ]] }, { links = { eth0 = {} } })
    sim:refuse "ip saddr 10.0.0.1"
    sim:addr_add("eth0", "10.0.0.1/8")
    assert.equal(1, #sim.batches)
    assert.matches("ip daddr 10.0.0.1 accept", sim.batches[1].text)
    assert.not_matches("ip saddr", sim.batches[1].text)
    assert.matches("refused", sim:packs().a.last_error)
    assert.equal("degraded", sim:packs().a.state)
    assert.equal("running", sim:packs().b.state)
    sim:addr_del("eth0", "10.0.0.1/8")
    assert.equal("running", sim:packs().a.state)
  end)

  it("undoes a reload or an eval as a whole", function ()
    start "x = 1"
    sim:refuse "table inet bad"
    assert.matches("refused", select(2, sim:reload { packs = { p = "nft.table('inet', 'bad')" } }))
    assert.equal("1", eval "x")
    assert.matches("refused", select(2, sim:eval("nft.table('inet', 'bad') nft.table('inet', 'good')")))
    assert.equal(0, #sim.batches)
    assert.equal("", sim:ruleset())
  end)
end)
