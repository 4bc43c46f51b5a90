-- SPDX-License-Identifier: GPL-2.0-or-later
local simulate = require "rnm.testing".simulate

describe("policy zones", function ()
  local sim
  after_each(function () if sim then sim:close() sim = nil end end)
  local LINKS = { eth0 = { zone = "wan" }, eth1 = { zone = "lan" } }
  local function chain(name) return sim:ruleset("inet zones " .. name) end

  it("opens the services of each zone, and no more", function ()
    sim = simulate { packs = { "zones.lua" }, links = LINKS, config = { zones = {
      zones = { lan = { "ssh", "web" }, wan = { "https" }, dmz = { "any" } }, services = { web = { "tcp 8080-8090" } } } } }
    assert.matches("policy drop", chain "input")
    assert.matches("tcp dport 22 accept\n%s+tcp dport 8080%-8090 accept\n%s+}", chain "zone-lan")
    assert.matches("tcp dport 443 accept\n%s+udp dport 443 accept\n%s+}", chain "zone-wan")
    assert.same({ '"eth0" : jump zone-wan', '"eth1" : jump zone-lan' }, sim:set "inet zones zone")
    assert.same({ "warn pack: zones: no interface has the zone dmz" }, sim:errors())
  end)

  it("lets the LAN in by default, and nobody else", function ()
    sim = simulate { packs = { "zones.lua" }, links = LINKS }
    assert.matches("tcp dport 53 accept", chain "zone-lan")
    assert.not_matches("accept", chain "zone-wan")
  end)

  it("follows links with one element each", function ()
    sim = simulate { packs = { "zones.lua" }, links = LINKS, zones = { ["tap*"] = "lan" } }
    sim:link_add "tap0"
    assert.equal('+ add element inet zones zone { "tap0" : jump zone-lan }\n', sim.batches[1].text)
    sim:link_add "other0"
    assert.equal(1, #sim.batches)
    sim:link_del "tap0"
    assert.matches('^%- delete element inet zones zone { "tap0"', sim.batches[2].text)
    assert.same({}, sim:errors())
  end)

  it("keeps administrators in", function ()
    sim = simulate { packs = { "zones.lua" }, links = LINKS, config = { zones = { zones = { wan = { "https" } }, admins = { "192.0.2.0/24", "2001:db8::1" } } } }
    assert.same({ "192.0.2.0/24" }, sim:set "inet zones admins4")
    assert.same({ "2001:db8::1" }, sim:set "inet zones admins6")
    assert.matches("ip saddr @admins4 tcp dport 22 accept.*iifname vmap @zone", chain "input")
  end)

  it("tells what is wrong with its configuration", function ()
    for message, config in pairs {
      ['no service "shh"'] = { zones = { lan = { "shh" } } }, ["is no service: write"] = { zones = { lan = { "x" } }, services = { x = { "icmp 5" } } },
      ["drop or reject, not allow"] = { default = "allow" }, ['did you mean "admins"'] = { admin = { "10.0.0.1" } }, ["bogus"] = { admins = { "bogus" } },
    } do
      sim = simulate { packs = { "zones.lua" }, links = LINKS, config = { zones = config } }
      assert.not_equal("running", sim:packs().zones.state)
      assert.matches(message, sim:packs().zones.last_error, 1, true)
      sim:close()
    end
    sim = nil
  end)
end)
