-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("nptv6", function ()
  local sim
  before_each(function ()
    sim = simulate { packs = { "nptv6.lua" }, links = { wan0 = { zone = "wan" }, lan0 = { zone = "lan" } },
      config = { nptv6 = { inside = { "fd00:0:0:1::/64", "fd00:0:0:2::/64" } } } }
  end)
  after_each(function () sim:close() end)
  local function delegated(prefix) return { dst = prefix, type = "unreachable", protocol = "dhcp", link = "lan0", family = "ipv6" } end

  it("translates nothing without a prefix", function ()
    assert.not_matches("snat", sim:ruleset())
    assert.same({}, sim:errors())
  end)

  it("replaces one rule when the prefix changes, and nothing when it is renewed", function ()
    sim:route_add(delegated "2001:db8:a::/56")
    assert.matches("snat ip6 prefix to ip6 saddr map { fd00:0:0:1::/64 : 2001:db8:a::/64, fd00:0:0:2::/64 : 2001:db8:a:1::/64 }", sim:ruleset(), 1, true)
    sim:route_add(delegated "2001:db8:a::/56")
    assert.equal(1, #sim.batches)
    sim:backlog(function (s)
      s:route_del(delegated "2001:db8:a::/56")
      s:route_add(delegated "2001:db8:b::/56")
    end)
    assert.equal(2, #sim.batches)
    assert.matches("^~ [^\n]*fd00:0:0:1::/64 : 2001:db8:b::/64[^\n]*\n[^\n]*$", sim.batches[2].text)
    sim:route_del(delegated "2001:db8:b::/56")
    assert.not_matches("snat", sim:ruleset())
  end)

  it("says so when the prefix is too small, and does what fits", function ()
    sim:route_add(delegated "2001:db8:a::/64")
    assert.matches("map { fd00:0:0:1::/64 : 2001:db8:a::/64 }", sim:ruleset(), 1, true)
    assert.matches("2001:db8:a::/64 has no subnet 1", sim:errors()[1], 1, true)
  end)
end)
