-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("containers", function ()
  local sim
  before_each(function ()
    sim = simulate { packs = { "containers.lua" }, links = { br0 = {} }, config = { containers = {
      networks = { "172.18.0.0/16" },
      allow = { { from = "web", to = "db", port = 5432 }, { from = "web", to = "cache-1", port = 6379 } } } } }
  end)
  after_each(function () sim:close() end)

  it("is closed before anything is known", function ()
    assert.matches("ip saddr @networks ip daddr @networks counter drop\n%s+}", sim:ruleset "inet containers forward")
    assert.same({}, sim:set "inet containers role-web")
  end)

  it("takes each message for the whole truth", function ()
    sim:emit("containers", { web = "172.18.0.5 172.18.0.6", db = "172.18.0.9" })
    assert.same({ "172.18.0.5", "172.18.0.6" }, sim:set "inet containers role-web")
    assert.same({ "172.18.0.9" }, sim:set "inet containers role-db")
    sim:emit("containers", { web = "172.18.0.6 172.18.0.7" })
    assert.same({ "172.18.0.6", "172.18.0.7" }, sim:set "inet containers role-web")
    assert.same({}, sim:set "inet containers role-db")
    assert.equal(2, #sim.batches)
    sim:emit("containers", { web = "172.18.0.7 172.18.0.6" })
    assert.equal(2, #sim.batches)
  end)

  it("keeps what it knows over a reload", function ()
    sim:emit("containers", { db = "172.18.0.9" })
    assert(sim:reload())
    assert.same({ "172.18.0.9" }, sim:set "inet containers role-db")
  end)

  it("lets no label become syntax", function ()
    sim:emit("containers", { web = "172.18.0.5; drop", db = "$(reboot)", ["x } drop"] = "172.18.0.7" })
    assert.same({}, sim:set "inet containers role-db")
    assert.equal("running", sim:packs().containers.state)
    assert.is_true(#sim:errors() > 0)
  end)
end)
