-- SPDX-License-Identifier: GPL-2.0-or-later
-- Many holders of one element, many chains in one table: what follows from them is the same as with few.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function batches(fn)
  local n = #sim.batches
  fn()
  local out = {}
  for i = n + 1, #sim.batches do out[#out + 1] = sim.batches[i].text end
  return table.concat(out)
end

describe("many", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("holders of an element come and go in any order", function ()
    start [[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      for i = 1, 40 do rnm.block(function () if net.link("d" .. i).up then s:add("10.0.0.1", { comment = "of " .. i }) end end) end
    ]]
    for i = 1, 40 do sim:link_add("d" .. i, { up = false }) end
    assert.same({}, sim:set "inet t s")
    local seed = 7
    local function random(n) seed = (seed * 1103515245 + 12345) % 2147483648 return (seed >> 8) % n + 1 end
    for round = 1, 4 do
      local up, down = {}, {}
      for i = 1, 40 do down[i] = "d" .. i end
      local function toggle(from, to, state)
        local name = table.remove(from, random(#from))
        to[#to + 1] = name
        sim:link_set(name, { up = state })
        assert.equal(#up > 0 and 1 or 0, #sim:set "inet t s", round .. ": " .. #up .. " hold it")
      end
      while #down > 0 do
        toggle(down, up, true)
        if #up > 3 and random(3) == 1 then toggle(up, down, false) end
      end
      while #up > 0 do
        toggle(up, down, false)
        if #down > 3 and #up > 0 and random(4) == 1 then toggle(down, up, true) end
      end
    end
  end)

  it("holders that agree, and one that does not", function ()
    local source = [[
      local m = nft.table("inet", "t"):map("m", { type = "ipv4_addr : verdict" })
      for i = 1, 30 do rnm.block(function () m:add("10.0.0.1", "accept", { comment = "of " .. i }) end) end
    ]]
    start({ a = source, b = [[
      local m = nft.table("inet", "t"):map("m")
      rnm.block(function () if net.link("eth0").up then m:add("10.0.0.1", "drop") end end)
    ]] }, { links = { eth0 = { up = false } } })
    assert.equal("running", sim:packs().b.state)
    sim:link_set("eth0", { up = true })
    assert.matches("10.0.0.1 has another value in a, a.lua:2", sim:packs().b.last_error, 1, true)
    assert.matches("accept", sim:set("inet t m")[1])
  end)

  it("statements of one thing in one run are one, and go as one", function ()
    start [[
      local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      for _ = 1, 500 do s:add("10.0.0.1") s:add("10.0.0.2") end
      s:del("10.0.0.2")
      rnm.block(function ()
        for _ = 1, 20 do s:add("10.0.0.3") end
        s:del("10.0.0.3")
        if net.link("eth0").up then s:add("10.0.0.3") end
      end)
    ]]
    assert.is_true(sim:packs().p.statements < 10)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    sim:link_add("eth0", { up = true })
    assert.same({ "10.0.0.1", "10.0.0.3" }, sim:set "inet t s")
    sim:link_set("eth0", { up = false })
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
  end)

  it("chains beside one that comes are left as they are; what names it follows", function ()
    start [[
      local t = nft.table("inet", "t")
      local s, m = t:set("s", { type = "ipv4_addr" }), t:map("m", { type = "ifname : verdict", elements = { a = "accept", b = "jump new" } })
      for i = 1, 50 do t:chain("c" .. i):rule("ip saddr @s counter") end
      t:chain("base"):rule("jump new") t:chain("base"):rule("iifname vmap @m")
      rnm.block(function () if net.link("eth0").up then t:chain("new"):rule("counter") end end)
      rnm.block(function () if net.link("eth1").up then for i = 1, 20 do t:chain("x" .. i):rule("counter") end t:chain("new"):rule("counter") end end)
    ]]
    sim:link_add("eth0", { up = false })
    sim:link_add("eth1", { up = false })
    for _, name in ipairs { "eth0", "eth1" } do
      local text = batches(function () sim:link_set(name, { up = true }) end)
      assert.matches("jump new", text)
      assert.matches('"b" : jump new', text, 1, true)
      assert.not_matches("@s", text)
      assert.same(2, #sim:set "inet t m")
      text = batches(function () sim:link_set(name, { up = false }) end)
      assert.matches("jump new", text)
      assert.not_matches("@s", text)
      assert.same(1, #sim:set "inet t m")
    end
  end)

  -- Elements that a batch adds and deletes.
  local function counts(text)
    local n = { ["+"] = 0, ["-"] = 0 }
    for sign, list in text:gmatch "([-+]) %a+ element [^{]*{([^}]*)}" do
      for _ in list:gmatch "[^,]+" do n[sign] = n[sign] + 1 end
    end
    return ("+%d -%d"):format(n["+"], n["-"])
  end
  local sets = {
    plain = { [[{ type = "ipv4_addr" }]], [[("10.0.%d.%d"):format(i >> 8, i & 255)]] },
    intervals = { [[{ type = "ipv4_addr", flags = "interval" }]], [[("10.%d.%d.0/30"):format(i >> 8, i & 255)]] },
    ["concatenated ranges"] = { [[{ type = "ipv4_addr . inet_service", flags = "interval" }]], [[("10.%d.%d.0/30 . 10-20"):format(i >> 8, i & 255)]] },
    ["timed elements"] = { [[{ type = "ipv4_addr", flags = "timeout" }]], [[("10.0.%d.%d"):format(i >> 8, i & 255)]] },
  }
  for name, set in pairs(sets) do
    it(name .. " of a list of which ten differ: ten come, ten go", function ()
      start(([[
        local function list(from) local t = {} for i = from, from + 1999 do t[#t + 1] = %s end return t end
        local a, b = list(1), list(11)
        local t = nft.table("inet", "t")
        local edited, stated, dep = t:set("edited", %s), t:set("stated", %s), nil
        rnm.on("message", { topic = "swap" }, function () edited:replace(a) a, b = b, a end)
        rnm.block(function () stated:replace(net.link("d0").up and b or a) end)
      ]]):format(set[2], set[1], set[1]))
      sim:emit "swap"
      for _ = 1, 3 do assert.equal("+10 -10", counts(batches(function () sim:emit "swap" end))) end
      -- a list with a bad element changes nothing
      assert.equal("", batches(function () sim:eval("nft.table('inet', 't'):set('edited'):replace { '10.0.0.1', 'bad' }", "p") end))
      sim:link_add("d0", { up = false })
      for _, up in ipairs { true, false } do
        assert.equal("+10 -10", counts(batches(function () sim:link_set("d0", { up = up }) end)))
      end
    end)
  end

  it("rules: one that comes in the middle is one message, a reload none", function ()
    start [[
      local c = nft.table("inet", "t"):chain("c")
      for i = 1, 1500 do c:rule("tcp dport " .. i .. " counter") end
      rnm.block(function () if net.link("d0").up then c:rule("counter accept") end end)
      for i = 1, 1500 do c:rule("udp dport " .. i .. " counter") end
    ]]
    sim:link_add("d0", { up = false })
    local text = batches(function () sim:link_set("d0", { up = true }) end)
    assert.equal(1, select(2, text:gsub("\n", "")), text)
    assert.matches("^%+ .*counter accept", text)
    assert.equal("", batches(function () sim:reload() end))
  end)

  it("a block that reads nothing that changed is not run", function ()
    start [[
      rnm.block(function () for _ = 1, net.link("d0") and 1 or 2 do end end)
      rnm.block(function () return net.zones() end)
    ]]
    sim:link_add("d1", {})
    local before = sim:packs().p.calls
    sim:addr_add("d1", "192.0.2.1/24")
    sim:link_set("d1", { mtu = 1400 })
    sim:neigh_add("d1", "192.0.2.9", {})
    assert.equal(before, sim:packs().p.calls)
    sim:link_add("d0", {})
    assert.is_true(sim:packs().p.calls > before)
  end)
end)
