-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm.testing: what can happen to a simulated network, and what rnm makes of it.
local simulate = require "rnm.testing".simulate

-- Every event as a line: kind, action, and the fields asked for.
local WATCH = [[
  lines = {}
  local function show(v)
    if type(v) ~= "table" then return tostring(v) end
    local out = {}
    for k, x in pairs(v) do out[#out + 1] = x == true and tostring(k) or type(k) == "number" and show(x) or k .. "=" .. show(x) end
    return "{" .. table.concat(out, " ") .. "}"
  end
  local function watch(kind)
    return function (ev)
      if ev.initial then return end
      local r, out = ev.link or ev, { kind, ev.action }
      for _, f in ipairs(FIELDS[kind]) do out[#out + 1] = f .. "=" .. show(r[f]) end
      if ev.changed then out[#out + 1] = "was" .. show(ev.changed) end
      lines[#lines + 1] = table.concat(out, " ")
    end
  end
  FIELDS = {
    link = { "name" }, addr = { "iface", "address" }, route = { "dst", "iface" }, rule = { "priority" }, neigh = { "address", "state" },
  }
  for kind in pairs(FIELDS) do rnm.on(kind .. "_change", watch(kind)) end
  function on_resync(ev) lines[#lines + 1] = "resync " .. ev.reason end
]]

local sim
local function start(opts)
  opts = opts or {}
  opts.packs = { p = WATCH .. (opts.more or "") }
  opts.more = nil
  sim = simulate(opts)
  assert.equal("running", sim:packs().p.state, sim:packs().p.last_error)
  return sim
end
-- What was heard since the last time, of these fields.
local function heard(kind, ...)
  local out = assert(sim:eval("local t = table.concat(lines, '\\n') lines = {} return t", "p"))
  local fields = {}
  for i, f in ipairs { ... } do fields[i] = ("%q"):format(f) end
  if kind then assert(sim:eval(("FIELDS.%s = { %s }"):format(kind, table.concat(fields, ", ")), "p")) end
  return (out:gsub("\n$", ""))
end
local function fails(message, fn)
  local ok, err = pcall(fn)
  assert.is_false(ok)
  assert.matches(message, err, 1, true)
end

describe("the simulated network", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("has links that come, change and go", function ()
    start()
    heard("link", "name", "up", "carrier", "mtu", "mac", "kind", "master")
    sim:link_add("br0", { kind = "bridge", mac = "02:00:00:00:00:01" })
    sim:link_add("eth0", { master = "br0", mtu = 9000, up = false })
    assert.equal("link add name=br0 up=true carrier=true mtu=1500 mac=02:00:00:00:00:01 kind=bridge master=nil\n" ..
      "link add name=eth0 up=false carrier=false mtu=9000 mac=nil kind=nil master=br0", heard("link", "name"))
    sim:link_up "eth0"
    sim:link_carrier("eth0", false)
    sim:link_carrier "eth0"
    sim:link_rename("br0", "br1")
    sim:link_set("eth0", { mac = "02:00:00:00:00:09" })
    assert.equal("link change name=eth0 was{carrier=false up=false}\nlink change name=eth0 was{carrier}\nlink change name=eth0 was{carrier=false}\n" ..
      "link change name=br1 was{name=br0}\nlink change name=eth0 was{master=br0}\nlink change name=eth0 was{mac=false}", heard())
    sim:link_del "br1"
    assert.equal("link del name=br1\nlink change name=eth0 was{master=br1}", heard())
    fails("there is no link eth9, did you mean 'eth0'?", function () sim:link_up "eth9" end)
    fails("link has no field 'mut', did you mean 'mtu'?", function () sim:link_set("eth0", { mut = 1 }) end)
  end)

  it("has addresses with all their fields", function ()
    start { links = { eth0 = {} } }
    heard("addr", "address", "prefixlen", "network", "scope", "family", "flags", "valid_lft", "peer")
    sim:addr_add("eth0", "192.0.2.1/24")
    sim:addr_add("eth0", "2001:db8::1/64", { valid_lft = 300, temporary = true, flags = { dynamic = true } })
    sim:addr_add { iface = "eth0", address = "10.0.0.1", peer = "10.0.0.2", scope = "link" }
    sim:addr_add("eth0", "fe80::1/64")
    assert.equal("addr add address=192.0.2.1 prefixlen=24 network=192.0.2.0/24 scope=global family=ipv4 flags={} valid_lft=4294967295 peer=nil\n" ..
      "addr add address=2001:db8::1 prefixlen=64 network=2001:db8::/64 scope=global family=ipv6 flags={dynamic temporary} valid_lft=300 peer=nil\n" ..
      "addr add address=10.0.0.1 prefixlen=32 network=10.0.0.1/32 scope=link family=ipv4 flags={} valid_lft=4294967295 peer=10.0.0.2\n" ..
      "addr add address=fe80::1 prefixlen=64 network=fe80::/64 scope=link family=ipv6 flags={} valid_lft=4294967295 peer=nil", heard("addr", "address"))
    sim:addr_change("eth0", "2001:db8::1", { deprecated = true })
    assert.equal("addr change address=2001:db8::1 was{flags={dynamic temporary}}", heard())
    sim:addr_del("eth0", "192.0.2.1")
    sim:addr_flush "eth0"
    assert.equal("addr del address=192.0.2.1\naddr del address=2001:db8::1\naddr del address=10.0.0.1\naddr del address=fe80::1", heard())
    fails("no IP address", function () sim:addr_add("eth0", "192.0.2.999/24") end)
    fails("addr has no field 'skope', did you mean 'scope'?", function () sim:addr_add("eth0", "192.0.2.1/24", { skope = "link" }) end)
    fails("expected a link and an address, got string and nil", function () sim:addr_add "eth0" end)
    fails("there is no such addr", function () sim:addr_change("eth0", "192.0.2.77", {}) end)
  end)

  it("takes flags away from an address, all of them or one", function ()
    start { links = { eth0 = {} } }
    local function flags() return heard():match "flags=(%S+)" end
    for _, done in ipairs { { flags = {} }, { tentative = false }, { flags = { tentative = false } } } do
      sim:addr_add("eth0", "2001:db8::1/64", { tentative = true })
      assert.is_nil(flags())
      sim:addr_set("eth0", "2001:db8::1/64", done)
      assert.equal("1", (sim:eval "#net.addrs {}":gsub("\n", "")))
      sim:addr_del("eth0", "2001:db8::1/64")
      heard()
    end
    sim:addr_add("eth0", "2001:db8::1/64", { flags = { "deprecated", "nodad" } })
    sim:addr_set("eth0", "2001:db8::1/64", { deprecated = false, mngtmpaddr = true })
    assert.equal("mngtmpaddr nodad", (sim:eval [[local t = {} for f in pairs(net.addrs {}[1].flags) do t[#t + 1] = f end table.sort(t) return table.concat(t, " ")]]:gsub("\n", "")))
  end)

  it("has routes, also over several links", function ()
    start { links = { eth0 = {}, eth1 = {} } }
    heard("route", "dst", "gateway", "iface", "table", "metric", "protocol", "type", "family", "nexthops")
    sim:route_add("default", { via = "192.0.2.254", dev = "eth0", metric = 100, protocol = "dhcp" })
    sim:route_add { dst = "2001:db8::/32", iface = "eth1", table = 100, type = "unicast" }
    sim:route_add { dst = "10.0.0.0/8", nexthops = { { via = "192.0.2.1", dev = "eth0" }, { dev = "eth1", weight = 2 } } }
    sim:route_add { dst = "10.9.0.0/16", type = "blackhole" }
    assert.equal("route add dst=default gateway=192.0.2.254 iface=eth0 table=main metric=100 protocol=dhcp type=unicast family=ipv4 nexthops=nil\n" ..
      "route add dst=2001:db8::/32 gateway=nil iface=eth1 table=100 metric=0 protocol=static type=unicast family=ipv6 nexthops=nil\n" ..
      "route add dst=10.0.0.0/8 gateway=nil iface=nil table=main metric=0 protocol=static type=unicast family=ipv4 nexthops=" ..
      "{{gateway=192.0.2.1 iface=eth0 weight=1} {iface=eth1 weight=2}}\n" ..
      "route add dst=10.9.0.0/16 gateway=nil iface=nil table=main metric=0 protocol=static type=blackhole family=ipv4 nexthops=nil", heard("route", "dst"))
    sim:route_add("eth1", "10.7.0.0/16")
    sim:route_add("10.8.0.0/16", "eth1", { metric = 5 })
    assert.equal("route add dst=10.7.0.0/16\nroute add dst=10.8.0.0/16", heard())
    sim:route_del("eth1", "10.7.0.0/16")
    sim:route_del "10.8.0.0/16"
    assert.equal("route del dst=10.7.0.0/16\nroute del dst=10.8.0.0/16", heard())
    sim:route_change("default", { protocol = "static" })
    sim:route_del "default"
    assert.equal("route change dst=default was{protocol=dhcp}\nroute del dst=default", heard())
  end)

  it("has rules and neighbours", function ()
    start { links = { eth0 = {} } }
    heard("rule", "priority", "family", "src", "iif", "fwmark", "table")
    heard("neigh", "address", "mac", "state", "router", "iface")
    sim:rule_add { priority = 100, src = "10.0.0.0/8", iif = "eth0", fwmark = 7, table = 100 }
    sim:rule_change({ priority = 100 }, { table = 200 })
    sim:rule_del { priority = 100 }
    assert.equal("rule add priority=100 family=ipv4 src=10.0.0.0/8 iif=eth0 fwmark=7 table=100\n" ..
      "rule del priority=100 family=ipv4 src=10.0.0.0/8 iif=eth0 fwmark=7 table=100\n" ..
      "rule add priority=100 family=ipv4 src=10.0.0.0/8 iif=eth0 fwmark=7 table=200\n" ..
      "rule del priority=100 family=ipv4 src=10.0.0.0/8 iif=eth0 fwmark=7 table=200", heard())
    sim:neigh_add("eth0", "192.0.2.9", "02:00:00:00:00:09")
    sim:neigh_set("eth0", "192.0.2.9", { state = "stale", router = true })
    sim:neigh_del("eth0", "192.0.2.9")
    assert.equal("neigh add address=192.0.2.9 mac=02:00:00:00:00:09 state=reachable router=false iface=eth0\n" ..
      "neigh change address=192.0.2.9 mac=02:00:00:00:00:09 state=stale router=true iface=eth0 was{router=false state=reachable}\n" ..
      "neigh del address=192.0.2.9 mac=02:00:00:00:00:09 state=stale router=true iface=eth0", heard())
  end)

  it("loses with a link what stands on it", function ()
    start { links = { eth0 = { addrs = { "192.0.2.1/24", "2001:db8::1/64" } } }, routes = { { dst = "default", via = "192.0.2.254", dev = "eth0" } },
      neighs = { { iface = "eth0", address = "192.0.2.9" } } }
    sim:link_del "eth0"
    assert.equal("neigh del address=192.0.2.9 state=reachable\naddr del iface=eth0 address=192.0.2.1\naddr del iface=eth0 address=2001:db8::1\n" ..
      "route del dst=default iface=eth0\nlink del name=eth0", heard())
  end)

  it("loses with a link that goes down its routes, and keeps its IPv4 addresses", function ()
    start { links = { eth0 = { addrs = { "192.0.2.1/24", "2001:db8::1/64" } } }, routes = { { dst = "default", via = "192.0.2.254", dev = "eth0" } } }
    heard()
    sim:link_down "eth0"
    local told = heard()
    assert.matches("link change name=eth0", told, 1, true)
    assert.matches("route del dst=default iface=eth0", told, 1, true)
    assert.matches("addr del iface=eth0 address=2001:db8::1", told, 1, true)
    assert.not_matches("192.0.2.1", told, 1, true)
    sim:link_up "eth0"
    assert.equal("link change name=eth0 was{carrier=false up=false}", heard())
  end)

  it("has a zone for each link that the options name, and for those that come later", function ()
    start { links = { "eth9", }, zones = { ["wan*"] = "wan", dmz = { "dmz*", "eth9" } }, more = [[ rnm.block(function () zones = #net.zones() end) ]] }
    heard("link", "name", "zone")
    sim:link_add("wan0")
    sim:link_add("lan0", { zone = "lan" })
    sim:link_add("lan1", { zone = "lan" })
    assert.equal("link add name=wan0 zone=wan\nlink add name=lan0 zone=lan\nlink add name=lan1 zone=lan", heard())
    sim:link_add("dmz7")
    assert.equal("link add name=dmz7 zone=dmz", heard())
    assert(sim:reload())
    assert.equal("dmz\n", sim:eval("net.link('eth9').zone"))
    assert.equal("lan lan", (assert(sim:eval("net.link('lan0').zone .. ' ' .. net.link('lan1').zone")):gsub("\n", "")))
  end)

  it("tells a backlog in one transaction", function ()
    start { links = { eth0 = {} }, more = [[ nft.table("inet", "t"):set("s", { type = "ipv4_addr", elements = net.addrs { family = "ipv4" } }) ]] }
    for _, name in ipairs { "backlog", "batch", "transaction" } do
      sim[name](sim, function ()
        sim:addr_add("eth0", "192.0.2.1/24")
        sim:addr_add("eth0", "192.0.2.2/24")
        sim:backlog(function () sim:link_add("n-" .. name) end)
      end)
      sim:addr_flush "eth0"
    end
    assert.equal(6, #sim.batches)
    assert.equal("+ add element inet t s { 192.0.2.1, 192.0.2.2 }\n", sim.batches[1].text)
    assert.equal("event", sim.batches[1].origin)
    assert.matches("addr add eth0 192.0.2.1/24", sim.batches[1].event, 1, true)
  end)

  it("is read anew after an overrun: the real differences only", function ()
    start { links = { eth0 = { addrs = { "192.0.2.1/24", "192.0.2.2/24" } }, eth1 = {} }, routes = { { dst = "default", via = "192.0.2.254", dev = "eth0" } } }
    heard()
    sim:resync(function ()
      sim:addr_del("eth0", "192.0.2.1/24")
      sim:addr_add("eth0", "192.0.2.3/24")
      sim:link_del "eth1"
      sim:route_del "default"
      sim:route_add("default", { via = "192.0.2.253", dev = "eth0" })
    end)
    assert.equal("link del name=eth1\naddr add iface=eth0 address=192.0.2.3\naddr del iface=eth0 address=192.0.2.1\n" ..
      "route add dst=default iface=eth0\nroute del dst=default iface=eth0\nresync overrun", heard())
    sim:missed(function () sim:link_add "eth7" end)
    assert.equal("", heard())
    sim:resync "interrupted"
    assert.equal("link add name=eth7\nresync interrupted", heard())
  end)
end)
