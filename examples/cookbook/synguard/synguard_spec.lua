-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("synguard", function ()
  local sim
  before_each(function () sim = simulate { packs = { "synguard.lua" } } end)
  after_each(function () sim:close() end)

  it("only counts while it is quiet", function ()
    assert.matches("counter name syns\n%s+}", sim:ruleset "inet synguard raw")
    assert.not_matches("synproxy", sim:ruleset())
    sim:advance(100)
    assert.equal(0, #sim.batches)
  end)

  it("comes with one batch and goes with one, and the counter stays", function ()
    sim:emit("synguard", { state = "on" })
    assert.matches("notrack", sim:ruleset "inet synguard raw")
    assert.matches("ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm", sim:ruleset "inet synguard forward", 1, true)
    assert.not_matches("delete rule", sim.batches[1].text)
    sim:emit("synguard", { state = "off" })
    assert.not_matches("synproxy", sim:ruleset())
    assert.equal(2, #sim.batches)
  end)

  it("goes through a reload", function ()
    sim:emit("synguard", { state = "on" })
    assert(sim:reload())
    assert.matches("synproxy", sim:ruleset())
    assert.equal(1, #sim.batches)
  end)
end)
