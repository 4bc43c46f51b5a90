-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy hole6", function ()
  local sim
  before_each(function () sim = simulate { packs = { "hole6.lua" }, links = { eth0 = { zone = "wan" }, eth1 = { zone = "lan" } } } end)
  after_each(function () sim:close() end)

  it("follows the prefix", function ()
    sim:addr_add("eth1", "2001:db8:1::1/64")
    assert.matches("ip6 daddr 2001:db8:1::10 tcp dport 443 accept", sim:ruleset())
    sim:backlog(function (s)
      s:addr_del("eth1", "2001:db8:1::1/64")
      s:addr_add("eth1", "2001:db8:2::1/64")
    end)
    assert.equal(2, #sim.batches)
    assert.matches("ip6 daddr 2001:db8:2::10 tcp dport 443 accept", sim:ruleset())
    assert.not_matches("2001:db8:1::", sim:ruleset())
  end)

  it("sends nothing for a renewed lifetime, and waits for duplicate detection", function ()
    sim:addr_add("eth1", "2001:db8:1::1/64", { valid_lft = 100, tentative = true })
    assert.equal(0, #sim.batches)
    sim:addr_add("eth1", "2001:db8:1::1/64", { valid_lft = 100 })
    sim:addr_add("eth1", "2001:db8:1::1/64", { valid_lft = 200 })
    assert.equal(1, #sim.batches)
  end)

  it("takes global addresses of the LAN only", function ()
    sim:addr_add("eth1", "fe80::1/64")
    sim:addr_add("eth0", "2001:db8:9::1/64")
    sim:addr_add("eth1", "192.168.1.1/24")
    assert.equal(0, #sim.batches)
  end)
end)
