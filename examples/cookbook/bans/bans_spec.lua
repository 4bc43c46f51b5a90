-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("bans", function ()
  local sim
  before_each(function () sim = simulate { packs = { "bans.lua" }, config = { bans = { failures = 3, within = 60, time = 600, allow = { "192.0.2.0/24" } } } } end)
  after_each(function () sim:close() end)
  local function fails(address, n)
    for _ = 1, n or 1 do sim:emit("failure", { address = address }) end
  end
  local function banned() return sim:set "inet bans banned4" end

  it("bans at the last failure, not before, and each in one batch", function ()
    fails("203.0.113.9", 2)
    assert.same({}, banned())
    assert.equal(0, #sim.batches)
    fails "203.0.113.9"
    assert.same({ "203.0.113.9 timeout 10m" }, banned())
    assert.equal(1, #sim.batches)
  end)

  it("forgives those who fail slowly", function ()
    for _ = 1, 10 do
      fails "203.0.113.9"
      sim:advance(31)
    end
    assert.same({}, banned())
  end)

  it("doubles the time of the next ban", function ()
    fails("203.0.113.9", 3)
    sim:advance(601)
    assert.same({}, banned())
    fails("203.0.113.9", 3)
    assert.same({ "203.0.113.9 timeout 20m" }, banned())
  end)

  it("bans what others found, extends and lifts it", function ()
    sim:emit("ban", { address = "203.0.113.9 198.51.100.4 2001:db8::9", time = "4h" })
    assert.same({ "198.51.100.4 timeout 4h", "203.0.113.9 timeout 4h" }, banned())
    assert.same({ "2001:db8::9 timeout 4h" }, sim:set "inet bans banned6")
    assert.equal(1, #sim.batches)
    sim:advance(3600)
    sim:emit("ban", { address = "203.0.113.9", time = "8h" })
    assert.equal("203.0.113.9 timeout 8h", banned()[2])
    sim:emit("unban", { address = "198.51.100.4 203.0.113.9" })
    assert.same({}, banned())
  end)

  it("goes through a reload with the time that is left", function ()
    sim:emit("ban", { address = "203.0.113.9", time = "1h" })
    sim:advance(1800)
    assert(sim:reload())
    assert.equal(1, #sim.batches)
    sim:advance(1801)
    assert.same({}, banned())
  end)

  it("bans neither friends nor nonsense", function ()
    fails("192.0.2.7", 5)
    sim:emit("ban", { address = "192.0.2.7 bogus 10.0.0.0/8" })
    sim:emit "ban"
    assert.same({}, banned())
    assert.equal("running", sim:packs().bans.state)
  end)
end)
