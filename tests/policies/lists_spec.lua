-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

local LIST = "/var/lib/lists/drop.txt"

describe("policy lists", function ()
  local sim
  before_each(function ()
    sim = simulate { packs = { "lists.lua" }, files = { lists = { LIST } }, lists = { [LIST] = "198.51.100.0/24 # a network\n203.0.113.5\n" } }
  end)
  after_each(function () sim:close() end)

  it("follows the file by its differences", function ()
    sim:assert_set("inet lists listed", { "198.51.100.0/24", "203.0.113.5" })
    sim:write_file(LIST, "198.51.100.0/24\n203.0.113.6\n")
    sim:assert_plan [[
      - delete element inet lists listed { 203.0.113.5 }
      + add element inet lists listed { 203.0.113.6 }
    ]]
  end)

  it("keeps the last good list", function ()
    sim:write_file(LIST, "garbage!\n"):remove_file(LIST)
    sim:assert_set("inet lists listed", { "198.51.100.0/24", "203.0.113.5" }):assert_batches(0)
    assert.equal(1, #sim.errors)
  end)

  it("bans on request, for an hour or as long as asked", function ()
    assert.equal(1, sim:emit("ban", { address = "192.0.2.1" }))
    sim:emit("ban", { address = "192.0.2.2", time = "10m" })
    assert.same({ "192.0.2.1 timeout 1h", "192.0.2.2 timeout 10m" }, sim:set "inet lists banned")
    sim:advance "10m1s"
    assert.equal(0, sim:emit("unban", { address = "192.0.2.1" }))
    assert.equal("false true", (sim:eval("b = nft.table('inet', 'lists'):set('banned') return tostring(b:has '192.0.2.2') .. ' ' .. tostring(b:has '192.0.2.1')"):gsub("\n", "")))
  end)

  it("survives what is no address, and says so", function ()
    for _, bad in ipairs { "", "bogus", "10.0.0.0/8", "10.0.0.1 drop", "::1" } do sim:emit("ban", { address = bad }) end
    sim:emit("ban", {})
    assert.same({}, sim:set "inet lists banned")
    assert.matches("bogus", table.concat(sim.errors, "\n"))
    assert.equal("running", sim:packs().lists.state)
  end)
end)
