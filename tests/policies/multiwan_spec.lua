-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy multiwan", function ()
  local sim
  before_each(function () sim = simulate { packs = { "multiwan.lua" }, links = { wan1 = {}, wan2 = {}, lan0 = {} } } end)
  after_each(function () sim:close() end)

  it("takes turns among the uplinks that are up", function ()
    assert.matches("numgen inc mod 2 map { 0 : 1, 1 : 2 }", sim:ruleset())
    sim:link_set("wan1", { carrier = false })
    assert.matches("numgen inc mod 1 map { 0 : 2 }", sim:ruleset())
    assert.not_matches('iifname "wan1"', sim:ruleset())
    sim:link_set("wan2", { carrier = false })
    assert.not_matches("numgen", sim:ruleset())
    assert.matches("ct mark != 0 meta mark set ct mark return", sim:ruleset())
    sim:link_set("wan1", { carrier = true })
    sim:link_set("wan2", { carrier = true })
    assert.matches('iifname "wan1".*iifname "wan2".*numgen inc mod 2', sim:ruleset())
    assert.equal(4, #sim.batches)
  end)

  it("does not care for other links", function ()
    sim:link_set("lan0", { carrier = false })
    sim:link_set("wan1", { mtu = 1492 })
    assert.equal(0, #sim.batches)
  end)

  it("survives an uplink that goes and comes", function ()
    sim:link_del "wan2"
    sim:link_add "wan2"
    assert.equal(2, #sim.batches)
    assert.matches("numgen inc mod 2", sim:ruleset())
  end)
end)
