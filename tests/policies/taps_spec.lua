-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy taps", function ()
  local sim
  before_each(function () sim = simulate { packs = { "taps.lua" }, links = { eth0 = {} } } end)
  after_each(function () sim:close() end)

  it("makes chain and map element in one batch, and takes both away", function ()
    sim:link_add("tap7", { mac = "02:00:00:00:00:07" })
    assert.equal(1, #sim.batches)
    assert.matches("add chain bridge vms vm%-tap7\n.*goto vm%-tap7.*add rule bridge vms vm%-tap7 ether saddr != \"?02:00:00:00:00:07\"? counter drop", sim.batches[1].text)
    sim:link_del "tap7"
    assert.equal(2, #sim.batches)
    assert.same({}, sim:set "bridge vms vms")
    assert.not_matches("tap7", sim:ruleset())
    assert.same({}, sim:errors())
  end)

  it("follows the address", function ()
    sim:link_add("tap7", { mac = "02:00:00:00:00:07" })
    sim:link_set("tap7", { mac = "02:00:00:00:00:99" })
    assert.matches("^~ replace rule [^\n]*02:00:00:00:00:99[^\n]*\n$", sim.batches[2].text)
  end)

  it("keeps any number of machines apart, in any order", function ()
    for i = 30, 1, -1 do sim:link_add("tap" .. i, { mac = ("02:00:00:00:00:%02x"):format(i), ifindex = 100 + i }) end
    assert.equal(30, #sim:set "bridge vms vms")
    sim:backlog(function (s) for i = 1, 29 do s:link_del("tap" .. i) end end)
    assert.equal(31, #sim.batches)
    assert.same({ '"tap30" : goto vm-tap30' }, sim:set "bridge vms vms")
  end)
end)
