-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("the live nftables.conf", function ()
  local sim

  before_each(function ()
    sim = simulate {
      templates = "templates",
      links = { wan0 = { zone = "wan", addrs = { "203.0.113.7/24" } }, lan0 = { zone = "lan", addrs = { "192.168.1.1/24" } } },
      yaml = "templates: { router: { server: 192.168.1.10, ports: [80, 443], admins: 198.51.100.0/24 } }",
    }
    assert.equal("running", sim:packs().config.state, sim:packs().config.last_error)
  end)
  after_each(function () sim:close() end)

  -- The set that stands behind a rule's words.
  local function set_of(table, words) return sim:set(("inet %s %s"):format(table, sim:ruleset():match(words:gsub("%p", "%%%0") .. " @(_[%w_]+)"))) end

  it("holds the addresses of now", function ()
    assert.same({ "203.0.113.7" }, set_of("nat", "ip daddr"))
    assert.same({ "192.168.1.0/24", "198.51.100.0/24" }, sim:set "inet filter admins")
    assert.matches("snat ip to 203.0.113.7", sim:ruleset(), 1, true)
    assert.matches("tcp dport { 80, 443 } dnat ip to 192.168.1.10", sim:ruleset(), 1, true)
    assert.same({}, sim:errors())
  end)

  it("follows a new address with one batch", function ()
    sim:backlog(function (s)
      s:addr_del("wan0", "203.0.113.7/24")
      s:addr_add("wan0", "203.0.113.99/24")
    end)
    assert.equal(1, #sim.batches)
    assert.same({ "203.0.113.99" }, set_of("nat", "ip daddr"))
    assert.matches("snat ip to 203.0.113.99", sim:ruleset(), 1, true)
    assert.is_nil(sim:ruleset():find("203.0.113.7", 1, true))
  end)

  it("follows links and networks that come and go", function ()
    sim:link_add("lan1", { zone = "lan" })
    sim:addr_add("lan0", "10.0.5.1/24")
    assert.same({ "10.0.5.0/24", "192.168.1.0/24", "198.51.100.0/24" }, sim:set "inet filter admins")
    sim:addr_del("wan0", "203.0.113.7/24")
    assert.is_nil(sim:ruleset():find("snat", 1, true))
    assert.matches("a live value in it is empty", sim:status(), 1, true)
  end)
end)
