-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("vip", function ()
  local sim
  local function start(config)
    config.vips = { "203.0.113.20", "203.0.113.21" }
    sim = simulate { packs = { "vip.lua" }, config = { vip = config }, links = { wan0 = { addrs = { "203.0.113.5/24" } } } }
  end
  after_each(function () sim:close() end)
  local function open() return sim:set "ip vip open" end

  it("opens with the address and closes with it", function ()
    start {}
    assert.same({}, open())
    sim:addr_add("wan0", "203.0.113.20/32")
    assert.same({ "203.0.113.20" }, open())
    assert.same({ '"wan0" : 203.0.113.20' }, sim:set "ip vip snat_to")
    sim:addr_add("wan0", "203.0.113.21/32")
    assert.same({ '"wan0" : 203.0.113.20' }, sim:set "ip vip snat_to")
    sim:addr_del("wan0", "203.0.113.20/32")
    assert.same({ '"wan0" : 203.0.113.21' }, sim:set "ip vip snat_to")
    assert.equal(3, #sim.batches)
    sim:link_del "wan0"
    assert.same({}, open())
  end)

  it("waits for the connections to be taken over, if told to", function ()
    start { wait = true }
    sim:addr_add("wan0", "203.0.113.20/32")
    assert.same({}, open())
    assert.equal(0, #sim.batches)
    sim:emit("vrrp", { state = "MASTER" })
    assert.same({ "203.0.113.20" }, open())
    sim:emit("vrrp", { state = "BACKUP" })
    assert.same({}, open())
  end)

  it("is the same in any order", function ()
    start { wait = true }
    sim:emit("vrrp", { state = "MASTER" })
    sim:addr_add("wan0", "203.0.113.20/32")
    assert.same({ "203.0.113.20" }, open())
  end)
end)
