-- SPDX-License-Identifier: GPL-2.0-or-later
-- nft.attach: what it takes and refuses, and what it states while there is no such set.
local simulate = require "rnm.testing".simulate

local sim
local function start(packs)
  sim = simulate { packs = type(packs) == "table" and packs or { p = packs } }
  return sim
end
local function fails(source, message, pack)
  start(source)
  local p = sim:packs()[pack or "p"]
  assert.equal("failed", p.state)
  assert.matches(message, p.last_error, 1, true)
end

describe("nft.attach", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("states neither the table nor the set", function ()
    start [[
      local s = nft.attach("inet", "fw", "block")
      s:add("192.0.2.1")
      nft.attach("inet", "fw", "ports", { map = true }):add(80, 1)
      name = tostring(s)
    ]]
    assert.equal("running", sim:packs().p.state)
    assert.same({}, sim.batches)
    assert.equal("set inet fw block", (assert(sim:eval("return name", "p")):gsub("\n", "")))
  end)

  it("gives what it says it gives", function ()
    start [[
      local s, m = nft.attach("ip", "fw", "s"), nft.attach("ip", "fw", "m", { map = true })
      assert(s.add and s.del and s.replace and s.has and s.read and s.follow and m.replace)
      assert(s.table == "fw" and s.family == "ip" and s.name == "s")
    ]]
    assert.equal("running", sim:packs().p.state)
  end)

  it("keeps the values that are stated, and refuses edits, until there is a type", function ()
    start [[
      s = nft.attach("inet", "fw", "block")
      assert(s:add("192.0.2.1"))
    ]]
    assert.matches("was never there", assert(sim:eval("return select(2, s:add('192.0.2.2'))", "p")))
  end)

  it("checks its arguments", function ()
    fails([[nft.attach("inet", "fw")]], "nft.attach")
    sim:close()
    fails([[nft.attach("ine", "fw", "s")]], "nft.attach")
    sim:close()
    fails([[nft.attach("inet", "fw", "s", { maps = true })]], "map")
    sim:close()
    fails([[nft.attach("inet", "fw", 1)]], "nft.attach")
  end)

  it("is refused where the table is stated, with both places", function ()
    fails({ a = [[nft.table("inet", "fw"):set("s", { type = "ipv4_addr" })]], p = [[nft.attach("inet", "fw", "s")]] },
      "table fw is stated in a, ")
    sim:close()
    fails({ a = [[nft.attach("inet", "fw", "s")]], p = [[nft.table("inet", "fw")]] }, "is somebody else's for a, ")
    sim:close()
    fails([[nft.table("inet", "fw"):set("s")  nft.attach("inet", "fw", "s")]], "table fw is stated in p, ")
  end)

  it("can not be to a set and a map of one name", function ()
    fails({ a = [[nft.attach("inet", "fw", "s")]], p = [[nft.attach("inet", "fw", "s", { map = true })]] }, "another kind than in a")
  end)
end)
