-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("dnscapture", function ()
  local sim
  before_each(function () sim = simulate { packs = { "dnscapture.lua" }, links = { wan0 = { zone = "wan" }, lan0 = { zone = "lan" } } } end)
  after_each(function () sim:close() end)
  local function resolver(state) sim:emit("resolver", { state = state }) end
  local function captures() return sim:ruleset():find("redirect", 1, true) ~= nil end

  it("captures while the resolver says that it lives", function ()
    assert.is_false(captures())
    resolver "up"
    assert.matches("udp dport 53 fib daddr type != local redirect to :53", sim:ruleset(), 1, true)
    assert.same({ '"lan0"' }, sim:set "inet dnscapture _dnscapture_1")
    resolver "down"
    assert.is_false(captures())
    assert.equal(2, #sim.batches)
  end)

  it("lets go of a resolver that says nothing any more", function ()
    resolver "up"
    for _ = 1, 5 do
      sim:advance(60)
      resolver "up"
    end
    assert.equal(1, #sim.batches)
    sim:advance(91)
    assert.is_false(captures())
  end)

  it("does so after a reload as well", function ()
    resolver "up"
    assert(sim:reload())
    assert.is_true(captures())
    sim:advance(91)
    assert.is_false(captures())
  end)

  it("follows the links of the LAN", function ()
    assert(sim:reload { zones = { ["br*"] = "lan" } })
    resolver "up"
    sim:link_add "br7"
    assert.same({ '"br7"', '"lan0"' }, sim:set "inet dnscapture _dnscapture_1")
  end)
end)
