-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("vms", function ()
  local sim
  before_each(function () sim = simulate { packs = { "vms.lua" }, links = { br0 = {}, eth0 = {} } } end)
  after_each(function () sim:close() end)
  local function known(tap) sim:emit("vm", { tap = tap, mac = "52:54:00:00:00:07", address = "192.0.2.7 2001:db8::7" }) end

  it("shuts a tap that nobody knows", function ()
    sim:link_add "vnet7"
    assert.matches("chain vm%-vnet7 {\n%s+counter drop\n%s+}", sim:ruleset())
    assert.same({ '"vnet7" : jump vm-vnet7' }, sim:set "bridge vms taps")
    assert.equal(1, #sim.batches)
  end)

  it("lets a machine be itself, whichever is known first", function ()
    sim:link_add "vnet7"
    known "vnet7"
    local one = sim:ruleset "bridge vms vm-vnet7"
    assert.matches("ether saddr != 52:54:00:00:00:07 counter drop", one, 1, true)
    assert.matches("ip saddr != { 192.0.2.7 } ip saddr != 0.0.0.0 counter drop", one, 1, true)
    assert.matches("ip6 saddr != { 2001:db8::7 } ip6 saddr != { ::, fe80::/10 } counter drop", one, 1, true)
    sim:link_del "vnet7"
    known "vnet7"
    sim:link_add "vnet7"
    assert.equal(one, sim:ruleset "bridge vms vm-vnet7")
  end)

  it("leaves nothing behind, and a machine that comes again must say who it is again", function ()
    sim:link_add "vnet7"
    known "vnet7"
    sim:link_del "vnet7"
    assert.not_matches("vnet7", sim:ruleset())
    assert.same({}, sim:set "bridge vms taps")
    sim:link_add "vnet7"
    assert.matches("chain vm%-vnet7 {\n%s+counter drop\n%s+}", sim:ruleset())
  end)

  it("touches one machine at a time", function ()
    sim:link_add "vnet7"
    sim:link_add "vnet8"
    known "vnet7"
    assert.not_matches("vnet8", sim.batches[3].text)
    sim:emit("vm", { tap = "vnet8", mac = "no mac" })
    assert.matches("chain vm%-vnet8 {\n%s+counter drop\n%s+}", sim:ruleset())
    assert.matches("chain vm%-vnet7 {\n%s+ether", sim:ruleset())
  end)
end)
