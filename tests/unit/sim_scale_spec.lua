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
end)
