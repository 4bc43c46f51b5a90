-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy knock", function ()
  local sim
  before_each(function () sim = simulate { packs = { "knock.lua" } } end)
  after_each(function () sim:close() end)

  it("forgets the knocks at a wrong port before it looks at the right ones", function ()
    local rules = sim:ruleset "inet knock input"
    assert.matches("tcp dport != { 7001, 7002 } ip saddr @knock1v4 delete @knock1v4 { ip saddr }", rules, 1, true)
    assert.matches("delete @knock2v4.*update @opened4.*update @knock2v4.*update @knock1v4.*@opened4 accept", rules)
    assert.matches("ct state new tcp dport 22 drop\n%s+}", rules)
  end)

  it("leaves those who are in alone when it is reloaded", function ()
    assert(sim:reload { config = { knock = { stay = "2h" } } })
    assert.not_matches("delete set", sim.batches[1].text)
    assert(sim:reload { config = { knock = { stay = "2h" } } })
    assert.equal(1, #sim.batches)
  end)

  it("takes as many knocks as one likes", function ()
    assert(sim:reload { config = { knock = { knocks = { 1111, 2222 }, port = 8443 } } })
    local rules = sim:ruleset "inet knock input"
    assert.not_matches("knock2v4", rules)
    assert.matches("tcp dport 2222 ip saddr @knock1v4 update @opened4 { ip saddr } drop", rules, 1, true)
    assert.matches("tcp dport 8443 ip saddr @opened4 accept", rules, 1, true)
  end)
end)
