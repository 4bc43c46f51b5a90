-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("failover", function ()
  local sim
  before_each(function ()
    sim = simulate { packs = { "failover.lua" }, links = { wan1 = { zone = "wan" }, wan2 = { zone = "wan" }, lan0 = { zone = "lan" } },
      config = { failover = { uplinks = {
        { name = "wan1", mark = 256, table = "101", weight = 6 }, { name = "wan2", mark = 512, table = "102", weight = 4 } } } } }
  end)
  after_each(function () sim:close() end)
  local function default(n) return { dst = "default", gateway = ("198.51.%d.1"):format(n), link = "wan" .. n, table = 100 + n } end

  it("takes turns by weight among the uplinks that live", function ()
    assert.not_matches("numgen", sim:ruleset())
    sim:route_add(default(1))
    assert.matches("numgen inc mod 6 map { 0-5 : 256 }", sim:ruleset(), 1, true)
    sim:route_add(default(2))
    assert.matches("numgen inc mod 10 map { 0-5 : 256, 6-9 : 512 }", sim:ruleset(), 1, true)
    assert.same({ "0x00000100", "0x00000200" }, sim:set "inet failover alive")
    assert.equal(2, #sim.batches)
  end)

  it("lets go of a dead uplink alone, in one batch", function ()
    sim:route_add(default(1))
    sim:route_add(default(2))
    sim:route_del(default(1))
    assert.equal(3, #sim.batches)
    assert.same({ "0x00000200" }, sim:set "inet failover alive")
    assert.matches("numgen inc mod 4 map { 0-3 : 512 }", sim:ruleset(), 1, true)
    assert.not_matches('iifname "wan1"', sim:ruleset())
    -- What has its mark is not marked anew: its client is told.
    assert.matches("ct mark @alive meta mark set ct mark return.*", sim:ruleset("inet failover pre"))
    assert.matches("ct mark != 0 ct mark != @alive meta l4proto tcp reject with tcp reset", sim:ruleset(), 1, true)
  end)

  it("does not care in which order things come", function ()
    sim:route_add(default(2))
    sim:route_add(default(1))
    local one = sim:ruleset()
    sim:route_del(default(2))
    sim:route_add(default(2))
    assert.equal(one, sim:ruleset())
  end)
end)
