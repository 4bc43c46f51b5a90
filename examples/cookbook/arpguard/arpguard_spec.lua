-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("arpguard", function ()
  local sim
  local REAL, OTHER = "02:00:00:00:00:fe", "02:00:00:00:66:66"
  before_each(function () sim = simulate { packs = { "arpguard.lua" }, links = { br0 = {} } } end)
  after_each(function () sim:close() end)
  local function rules() return sim:ruleset "bridge arpguard pre" end

  it("learns the gateway once", function ()
    assert.not_matches("arp saddr", rules())
    sim:neigh_add("br0", "192.168.1.7", { mac = OTHER })
    assert.equal(0, #sim.batches)
    sim:neigh_add("br0", "192.168.1.1", { state = "incomplete" })
    sim:neigh_add("br0", "192.168.1.1", { mac = REAL })
    assert.matches("arp saddr ip 192.168.1.1 arp saddr ether != 02:00:00:00:00:fe counter drop", rules(), 1, true)
  end)

  it("alerts and does not follow when another one claims the address", function ()
    sim:neigh_add("br0", "192.168.1.1", { mac = REAL })
    local before = rules()
    for _ = 1, 3 do
      sim:neigh_add("br0", "192.168.1.1", { mac = OTHER })
      sim:neigh_add("br0", "192.168.1.1", { mac = REAL })
    end
    assert.equal(before, rules())
    assert.equal(1, #sim.batches)
    assert.matches("rnm emit gateway mac=02:00:00:00:66:66", sim:errors()[1], 1, true)
  end)

  it("changes over when told, and remembers", function ()
    sim:neigh_add("br0", "192.168.1.1", { mac = REAL })
    sim:emit("gateway", { mac = OTHER })
    assert.matches("ether != 02:00:00:00:66:66", rules(), 1, true)
    assert(sim:reload())
    assert.matches("ether != 02:00:00:00:66:66", rules(), 1, true)
  end)

  it("learns nothing where the configuration says it", function ()
    assert(sim:reload { config = { arpguard = { mac = REAL } } })
    sim:neigh_add("br0", "192.168.1.1", { mac = OTHER })
    assert.matches("ether != 02:00:00:00:00:fe", rules(), 1, true)
  end)
end)
