-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("names", function ()
  local sim
  before_each(function ()
    sim = simulate { packs = { "names.lua" }, config = { names = { least = 60, most = 3600,
      out = { { name = "api.example.org", port = 443 } }, admin = { { name = "home.example.org", port = 22 } } } } }
  end)
  after_each(function () sim:close() end)
  local function answer(name, address, ttl) sim:emit("dns", { name = name, address = address, ttl = ttl or "300" }) end
  local function api() return sim:set "inet names api_2eexample_2eorg-4" end

  it("allows what the name stands for", function ()
    answer("api.example.org", "192.0.2.10 2001:db8::10")
    assert.same({ "192.0.2.10" }, api())
    assert.same({ "2001:db8::10" }, sim:set "inet names api_2eexample_2eorg-6")
    assert.matches("ip daddr @api_2eexample_2eorg-4 tcp dport 443 accept", sim:ruleset "inet names output", 1, true)
    assert.equal(1, #sim.batches)
    answer("api.example.org", "2001:db8::10 192.0.2.10")
    assert.equal(1, #sim.batches)
  end)

  it("keeps an address for its time to live, as a name may stand for several in turn", function ()
    answer("api.example.org", "192.0.2.10", "120")
    sim:advance(60)
    answer("api.example.org", "192.0.2.11", "120")
    assert.same({ "192.0.2.10", "192.0.2.11" }, api())
    sim:advance(90)
    answer("api.example.org", "192.0.2.11", "120")
    assert.same({ "192.0.2.11" }, api())
  end)

  it("takes no answer for no change", function ()
    answer("home.example.org", "198.51.100.7")
    sim:advance(100000)
    answer("home.example.org", "")
    answer("home.example.org", "  ")
    sim:emit("dns", { name = "home.example.org" })
    assert.same({ "198.51.100.7" }, sim:set "inet names home_2eexample_2eorg-4")
    assert.equal(1, #sim.batches)
    assert(sim:reload())
    assert.same({ "198.51.100.7" }, sim:set "inet names home_2eexample_2eorg-4")
  end)

  it("bounds the time to live", function ()
    answer("api.example.org", "192.0.2.10", "0")
    sim:advance(30)
    answer("api.example.org", "192.0.2.11", "99999999")
    assert.same({ "192.0.2.10", "192.0.2.11" }, api())
    sim:advance(3700)
    answer("api.example.org", "192.0.2.12", "bogus")
    assert.same({ "192.0.2.12" }, api())
  end)

  it("knows no other names and takes nothing else for an address", function ()
    answer("evil.example.org", "192.0.2.66")
    answer("api.example.org", "accept; 192.0.2.10")
    assert.same({ "192.0.2.10" }, api())
    assert.equal("running", sim:packs().names.state)
  end)
end)
