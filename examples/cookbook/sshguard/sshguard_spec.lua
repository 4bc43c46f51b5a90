-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("sshguard", function ()
  local sim
  after_each(function () sim:close() end)
  local HOSTILE = [[
    local t = nft.table("inet", "zones")
    t:chain("input", { type = "filter", hook = "input", priority = "filter", policy = "drop" }):insert "tcp dport 22 drop"
  ]]

  it("stands before all rules, those that later policies insert too", function ()
    sim = simulate { packs = { "sshguard.lua", zones = HOSTILE } }
    local rules = sim:ruleset "inet zones input"
    assert.matches("@ssh%-peers4 tcp dport 22 accept\n%s+ip6 saddr @ssh%-peers6 tcp dport 22 accept\n%s+tcp dport 22 drop", rules)
  end)

  it("keeps a peer as long as it is told again", function ()
    sim = simulate { packs = { "sshguard.lua", zones = HOSTILE } }
    sim:emit("ssh", { address = "192.0.2.50 2001:db8::50" })
    assert.same({ "192.0.2.50 timeout 10m" }, sim:set "inet zones ssh-peers4")
    assert.same({ "2001:db8::50 timeout 10m" }, sim:set "inet zones ssh-peers6")
    sim:advance(500)
    sim:emit("ssh", { address = "192.0.2.50" })
    sim:advance(200)
    assert.same({ "192.0.2.50 timeout 10m" }, sim:set "inet zones ssh-peers4")
    assert.same({}, sim:set "inet zones ssh-peers6")
    sim:advance(500)
    assert.same({}, sim:set "inet zones ssh-peers4")
  end)

  it("goes through a reload of other policies", function ()
    sim = simulate { packs = { "sshguard.lua", zones = HOSTILE } }
    sim:emit("ssh", { address = "192.0.2.50" })
    assert(sim:reload { packs = { "sshguard.lua", zones = HOSTILE .. " t:chain('input'):rule 'drop'" } })
    assert.same({ "192.0.2.50 timeout 10m" }, sim:set "inet zones ssh-peers4")
    sim:emit("ssh", { address = "no address" })
    assert.equal("running", sim:packs().sshguard.state)
  end)
end)
