-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("roaming", function ()
  local sim
  before_each(function () sim = simulate { packs = { "roaming.lua" }, links = { eth0 = {} }, config = { roaming = { home = { "02:00:5E:00:01:01" } } } } end)
  after_each(function () sim:close() end)
  local function zone(link)
    for _, e in ipairs(sim:set "inet roaming zone") do
      local to = e:match('^"' .. link .. '" : jump (%w+)$')
      if to then return to end
    end
  end
  local function comes_home()
    sim:addr_add("wlan0", "192.168.1.77/24")
    sim:route_add { dst = "default", gateway = "192.168.1.1", link = "wlan0" }
    sim:neigh_add("wlan0", "192.168.1.1", { mac = "02:00:5e:00:01:01" })
  end

  it("calls a link public before it has an address", function ()
    assert.equal("public", zone "eth0")
    sim:link_add("wlan0", { carrier = false })
    assert.equal("public", zone "wlan0")
    assert.is_nil(zone "lo")
  end)

  it("is at home where the gateway is known, with one element", function ()
    sim:link_add "wlan0"
    comes_home()
    assert.equal("home", zone "wlan0")
    assert.equal(2, #sim.batches)
    assert.equal("public", zone "eth0")
  end)

  it("is away again when the route, the gateway or the link goes", function ()
    sim:link_add "wlan0"
    comes_home()
    sim:neigh_add("wlan0", "192.168.1.1", { mac = "02:00:00:00:66:66" })
    assert.equal("public", zone "wlan0")
    sim:neigh_add("wlan0", "192.168.1.1", { mac = "02:00:5e:00:01:01" })
    assert.equal("home", zone "wlan0")
    sim:route_del { dst = "default", gateway = "192.168.1.1", link = "wlan0" }
    assert.equal("public", zone "wlan0")
    sim:link_del "wlan0"
    assert.is_nil(zone "wlan0")
  end)

  it("is the same in any order", function ()
    sim:link_add "wlan0"
    sim:neigh_add("wlan0", "192.168.1.1", { mac = "02:00:5e:00:01:01" })
    assert.equal("public", zone "wlan0")
    sim:route_add { dst = "default", gateway = "192.168.1.1", link = "wlan0" }
    assert.equal("home", zone "wlan0")
  end)
end)
