-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy panic", function ()
  local sim
  before_each(function () sim = simulate { packs = { "panic.lua" }, config = { panic = { admins = { "192.0.2.0/24" }, link = "mgmt0" } } } end)
  after_each(function () sim:close() end)

  it("lies ready and asleep", function ()
    assert.matches("flags dormant", sim:ruleset())
    assert.matches("policy drop", sim:ruleset "inet panic input")
  end)

  it("wakes and sleeps by one flag", function ()
    sim:emit("panic", { state = "on" })
    assert.not_matches("dormant", sim:ruleset())
    assert.not_matches("rule", sim.batches[1].text)
    sim:emit("panic", { state = "on" })
    assert.equal(1, #sim.batches)
    sim:emit("panic", { state = "off" })
    assert.matches("flags dormant", sim:ruleset())
    assert.equal(2, #sim.batches)
  end)

  it("stays as it is over a reload", function ()
    sim:emit("panic", { state = "on" })
    assert(sim:reload())
    assert.not_matches("dormant", sim:ruleset())
    assert.equal(1, #sim.batches)
  end)

  it("always lets those in who administer", function ()
    local rules = sim:ruleset "inet panic input"
    assert.matches("ip saddr @admins4 tcp dport 22 accept", rules, 1, true)
    assert.matches('iifname "mgmt0" accept', rules, 1, true)
    assert.same({ "192.0.2.0/24" }, sim:set "inet panic admins4")
  end)
end)
