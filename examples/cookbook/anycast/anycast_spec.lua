-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("anycast", function ()
  local sim
  before_each(function ()
    sim = simulate { packs = { "anycast.lua" }, links = { lo = {}, eth0 = {} }, config = { anycast = { services = { "192.0.2.53/32", "2001:db8::53/128" } } } }
  end)
  after_each(function () sim:close() end)

  it("opens with the route and closes with it", function ()
    assert.same({}, sim:set "inet anycast announced4")
    assert.matches("@announced4 accept\n%s+ip daddr @services4 counter drop", sim:ruleset())
    sim:route_add { dst = "192.0.2.53/32", link = "lo", protocol = "bgp" }
    assert.same({ "192.0.2.53" }, sim:set "inet anycast announced4")
    sim:route_add { dst = "2001:db8::53/128", link = "lo" }
    assert.same({ "2001:db8::53" }, sim:set "inet anycast announced6")
    sim:route_del { dst = "192.0.2.53/32", link = "lo", protocol = "bgp" }
    assert.same({}, sim:set "inet anycast announced4")
    assert.equal(3, #sim.batches)
  end)

  it("does not hear of other routes", function ()
    local calls = sim:packs().anycast.calls
    for i = 0, 999 do sim:route_add { dst = ("10.%d.%d.0/24"):format(i // 256, i % 256), gateway = "198.51.100.1", link = "eth0" } end
    assert.equal(0, #sim.batches)
    assert.equal(calls, sim:packs().anycast.calls)
  end)
end)
