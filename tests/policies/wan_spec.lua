-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy wan", function ()
  local sim
  before_each(function () sim = simulate { packs = { "wan.lua" }, links = { eth0 = { zone = "wan" }, eth1 = { zone = "lan", addrs = { "192.168.1.1/24" } } } } end)
  after_each(function () sim:close() end)

  it("publishes at the address of today, touching no rule", function ()
    sim:addr_add("eth0", "203.0.113.7/24")
    assert.same({ "203.0.113.7" }, sim:set "inet rnm wan4")
    assert.matches("dnat ip to 192.168.1.10", sim:ruleset())
    assert.equal(1, #sim.batches)
    sim:backlog(function (s)
      s:addr_del("eth0", "203.0.113.7/24")
      s:addr_add("eth0", "198.51.100.9/24")
    end)
    assert.equal("- delete element inet rnm wan4 { 203.0.113.7 }\n+ add element inet rnm wan4 { 198.51.100.9 }\n", sim.batches[2].text)
  end)

  it("takes neither private links nor other scopes", function ()
    sim:addr_add("eth1", "192.168.2.1/24")
    sim:addr_add("eth0", "169.254.7.7/16")
    sim:addr_add("eth0", "2001:db8::7/64")
    assert.same({}, sim:set "inet rnm wan4")
  end)

  it("masquerades for the networks inside", function ()
    assert.matches("ip saddr @_wan_1 ip daddr 192.168.1.10 tcp dport { 80, 443 } masquerade", sim:ruleset(), 1, true)
    sim:addr_add("eth1", "10.5.0.1/16")
    assert.same({ "10.5.0.0/16", "192.168.1.0/24" }, sim:set "inet rnm _wan_1")
  end)

  it("is configured by the YAML", function ()
    assert(sim:reload { config = { wan = { server = "10.0.0.5", ports = { 8080 } } } })
    assert.matches("ip daddr @wan4 tcp dport { 8080 } counter dnat ip to 10.0.0.5", sim:ruleset(), 1, true)
  end)
end)
