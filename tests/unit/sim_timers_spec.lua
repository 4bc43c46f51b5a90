-- SPDX-License-Identifier: GPL-2.0-or-later
-- Timers and messages.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function eval(code, pack) return (assert(sim:eval(code, pack or "p")):gsub("\n$", "")) end
local function fails(source, message)
  start(source)
  assert.equal("failed", sim:packs().p.state, source)
  assert.matches(message, sim:packs().p.last_error, 1, true)
  sim:close()
  sim = nil
end

describe("timers", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("fire once after, and again and again every", function ()
    start([[
      log = {}
      rnm.after(5, function () log[#log + 1] = "after" end)
      rnm.every("2s", function () log[#log + 1] = "every" end)
    ]])
    sim:advance(1.9)
    assert.equal("", eval "table.concat(log, ' ')")
    sim:advance(4.3)
    assert.equal("every every after every", eval "table.concat(log, ' ')")
    sim:advance(100)
    assert.equal("54", eval "#log")
    assert.equal(1, sim:packs().p.timers)
  end)

  it("can be cancelled, also by themselves", function ()
    start([[
      n = 0
      a = rnm.after(5, function () n = n + 100 end)
      e = rnm.every(1, function () n = n + 1 if n == 3 then e:cancel() end end)
    ]])
    eval "a:cancel()"
    eval "a:cancel()"
    sim:advance(60)
    assert.equal("3", eval "n")
    assert.equal(0, sim:packs().p.timers)
  end)

  it("edit sets, lastingly", function ()
    start([[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      rnm.after(1, function () s:add("10.0.0.1") end)
    ]])
    sim:advance(2)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    assert(sim:reload())
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
  end)

  it("that fail are reported and go on", function ()
    start([[ n = 0 rnm.every(1, function () n = n + 1 error("tick " .. n) end) rnm.after(1, function () error("once") end) ]])
    sim:advance(3.5)
    assert.equal("3", eval "n")
    assert.equal("running", sim:packs().p.state)
    assert.equal(4, sim:packs().p.errors)
    assert.equal(1, sim:packs().p.timers)
  end)

  it("made by a run that fails are not made", function ()
    start([[ function on_message() rnm.after(1, function () rnm.log.info("fired") end) error("x") end ]])
    sim:emit("a")
    assert.equal(0, sim:packs().p.timers)
  end)

  it("of a hook are the pack's", function ()
    start([[ n = 0 function on_addr_change(ev) if ev.action == "add" then rnm.after(1, function () n = n + 1 end) end end ]], { links = { eth0 = {} } })
    sim:addr_add("eth0", "10.0.0.1/8")
    sim:addr_del("eth0", "10.0.0.1/8")
    sim:advance(2)
    assert.equal("1", eval "n")
  end)

  it("that take long share the time with other packs, and with the rest of the world", function ()
    local set = [[local s = nft.table("inet", "t"):set("s", { type = "inet_service" }) ]]
    local slow = set .. [[
      for i = 1, 6 do rnm.after(1, function () local t = os.clock() while os.clock() - t < 0.04 do end s:add(i + %d) end) end
    ]]
    start({ a = slow:format(100), b = slow:format(200), c = set .. "rnm.after(1, function () s:add(7) end)" },
      { limits = { hook_time = "10s" } }) -- whatever else the machine does
    local before = #sim.batches
    sim:advance(5)
    assert.equal(13, #sim:set "inet t s")
    assert.is_true(#sim.batches - before >= 4)
    local first = sim.batches[before + 1].text
    local _, a = first:gsub("10%d", "")
    assert.is_true(a >= 1 and a <= 2, first)
    first = first .. sim.batches[before + 2].text .. sim.batches[before + 3].text -- each had its turn
    for _, one in ipairs { "10%d", "20%d", "%f[%d]7%f[%D]" } do assert.matches(one, first) end
    assert.equal(0, sim:packs().a.timers)
  end)

  it("are bounded and checked", function ()
    fails("for i = 1, 2000 do rnm.after(1, function () end) end", "limits.timers")
    fails("rnm.after(-1, print or function () end)", "is no duration")
    fails("rnm.after('soon', function () end)", '"soon" is no duration')
    fails("rnm.after(1)", "rnm.after: 2 arguments needed, got 1")
    fails("rnm.every(0, function () end)", "at least 10ms")
    fails("rnm.every(1, 5)", "argument 2: expected a function, got an integer")
    fails("rnm.after(1e300, function () end)", "is no duration")
  end)
end)

describe("messages", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("go to those who listen for the topic", function ()
    start([[
      log = {}
      rnm.on("message", { topic = "a*" }, function (ev) log[#log + 1] = "glob " .. ev.topic end)
      rnm.on("message", { topic = { "b", "c" } }, function (ev) log[#log + 1] = "list " .. ev.topic end)
      rnm.on("message", { topic = "!a1" }, function (ev) log[#log + 1] = "not " .. ev.topic end)
    ]])
    assert.equal(1, sim:emit "a1")
    assert.equal(2, sim:emit "b")
    assert.equal(1, sim:emit "z")
    assert.equal("glob a1, list b, not b, not z", eval "table.concat(log, ', ')")
  end)

  it("are delivered after the commit, as events of their own, to all packs", function ()
    start { a = [[ function on_addr_change(ev) if ev.action == "add" then rnm.emit("new", { address = ev.address, n = 5, yes = true }) end end ]],
      p = [[ local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
             function on_message(ev) s:add(ev.data.address) seen = ev.data.n .. ev.data.yes end ]] }
    sim:link_add("eth0")
    sim:addr_add("eth0", "10.0.0.1/8")
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    assert.equal("5true", eval "seen")
  end)

  it("of a run that fails are not sent", function ()
    start([[
      got = 0
      rnm.on("message", { topic = "bad" }, function () rnm.emit("other") error("x") end)
      rnm.on("message", { topic = "other" }, function () got = got + 1 end)
    ]])
    sim:emit "bad"
    assert.equal("0", eval "got")
  end)

  it("that breed messages are bounded, and stay in order", function ()
    start([[
      n, got, refused = 0, {}, 0
      rnm.on("message", { topic = "breed" }, function ()
        n = n + 1
        if n > 3000 then return end
        for _ = 1, 2 do if not pcall(rnm.emit, "breed") then refused = refused + 1 end end
      end)
      rnm.on("message", { topic = "go" }, function () for i = 1, 300 do rnm.emit("in order", { i = i }) end end)
      rnm.on("message", { topic = "in order" }, function (ev) got[#got + 1] = ev.data.i end)
    ]], { limits = { emits = 500 } })
    sim:emit "breed"
    -- 2 for each, so that 500 wait after 500 of them; from then on every second one is refused
    assert.equal("true", eval "refused > 2400 and refused < 2600 or refused")
    sim:emit "go"
    assert.equal("300 true", eval "for i, v in ipairs(got) do if tonumber(v) ~= i then return i end end return #got .. ' true'")
    -- there is room again
    eval "for i = 1, 500 do rnm.emit('x') end"
    assert.is_nil(sim:eval("for i = 1, 501 do rnm.emit('x') end", "p"))
    eval "for i = 1, 500 do rnm.emit('x') end"
  end)

  it("that wait are bounded in bytes as well", function ()
    start ""
    local big = "for i = 1, %d do rnm.emit('x', { a = ('y'):rep(4000), b = ('y'):rep(4000), c = ('y'):rep(4000), d = ('y'):rep(4000) }) end"
    eval(big:format(60))
    local ok, err = sim:eval(big:format(70), "p")
    assert.is_nil(ok)
    assert.matches("rnm.emit: the messages of the pack that are under way have %d+ bytes already", err)
    eval(big:format(60))
  end)

  it("that wait are lost to nobody in a reload", function ()
    start([[ function on_reload() for i = 1, 400 do rnm.emit("late", { i = i }) end end
             got = 0 function on_message() got = got + 1 end ]], { limits = { emits = 400 } })
    assert(sim:reload())
    assert(sim:reload())
    assert.equal("400", eval "got")
  end)

  it("are bounded and checked", function ()
    fails("for i = 1, 2000 do rnm.emit('x') end", "limits.emits")
    fails("rnm.emit('')", "topic")
    fails("rnm.emit('x', { a = {} })", "data.a: expected a string")
    fails("rnm.emit('x', { 'a' })", "names in data must be strings")
    fails("rnm.emit('x', { a = ('y'):rep(5000) })", "4096")
    fails("rnm.emit(5)", "argument 1: expected a string, got an integer")
  end)
end)
