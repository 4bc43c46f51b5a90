-- SPDX-License-Identifier: GPL-2.0-or-later
-- nft.load and nft.template: whole files as statements, values of their names, live names, places of errors.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  opts.links = opts.links or { eth0 = { zone = "wan", addrs = { "203.0.113.7/24", "2001:db8::7/64" } },
    eth1 = { zone = "lan", addrs = { "192.168.1.1/24" } } }
  sim = simulate(opts)
  return sim
end
local function close()
  if sim then sim:close() end
  sim = nil
end
local function squeezed(s) return (s:gsub("%s+", " ")) end
local function text(source, opts)
  start(source, opts)
  for name, p in pairs(sim:packs()) do assert.equal("running", p.state, name .. ": " .. (p.last_error or "")) end
  return squeezed(sim:ruleset())
end
local function has(what, ruleset) assert.matches(what, ruleset, 1, true) end
local function fails(source, ...)
  start(source)
  assert.equal("failed", sim:packs().p.state, source)
  for _, message in ipairs { ... } do assert.matches(message, sim:packs().p.last_error, 1, true) end
  assert.equal("", sim:ruleset())
  close()
end
local function load(body, params) return ("nft.load([[%s]]%s)"):format(body, params and ", " .. params or "") end

describe("nft.load", function ()
  after_each(close)

  it("states whole tables and gives their handles", function ()
    local rs = text [==[
      local a, b = nft.load [[
        #!/usr/sbin/nft -f
        table inet a {
          comment "first"
          flags dormant
          counter c { packets 1 bytes 2 }
          quota q { over 5 mbytes }
          set s { type ipv4_addr . inet_service; flags interval, timeout; timeout 1h; size 100
                  elements = { 10.0.0.0/8 . 80 timeout 10m comment "x", 10.1.0.0-10.2.0.0 . 1-9 } }
          set d { typeof ip saddr; flags dynamic; size 65535; counter }
          map m { type inet_service : verdict; elements = { 22 : jump ssh, 80 : accept } }
          map om { type ipv4_addr : counter; elements = { 10.0.0.1 : "c" } }
          flowtable f { hook ingress priority 0; devices = { eth0, eth1 } }
          chain ssh { accept }
          chain in {
            type filter hook input priority filter + 5; policy drop
            ct state established,related accept
            tcp dport vmap @m
            counter name ip saddr map @om
            add @d { ip saddr }
            meta l4proto { tcp, udp } flow add @f
          }
        }
        table ip b
      ]]
      assert(a.name == "a" and a.family == "inet" and b.name == "b" and b.family == "ip")
      a:chain("in"):rule("drop")
    ]==]
    has("table inet a { flags dormant", rs)
    has("counter c { packets 1 bytes 2 }", rs)
    has("quota q { over 5 mbytes }", rs)
    has("set s { type ipv4_addr . inet_service; size 100; flags interval,timeout; timeout 1h;", rs)
    has('10.0.0.0/8 . 80 timeout 10m comment "x"', rs)
    has("10.1.0.0-10.2.0.0 . 1-9", rs)
    has("counter; }", rs)
    has("elements = { 22 : jump ssh, 80 : accept }", rs)
    has('elements = { 10.0.0.1 : "c" }', rs)
    has('devices = { "eth0", "eth1" }', rs)
    has("type filter hook input priority 5; policy drop; ct state established,related accept", rs)
    has("add @d { ip saddr } meta l4proto { tcp, udp } flow add @f drop }", rs)
    has("table ip b { }", rs)
  end)

  it("takes single commands too, and what every file begins with", function ()
    local rs = text(load [[
      flush ruleset
      add table ip t
      delete table ip t
      table ip t
      flush table ip t
      add chain ip t c { type filter hook input priority 0; }
      add set ip t s { type ipv4_addr; }
      add element ip t s { 10.0.0.1, 10.0.0.2 }
      create chain ip t d
      add rule ip t c ip saddr @s accept
      insert rule ip t c counter
      add counter ip t k
    ]])
    has("elements = { 10.0.0.1, 10.0.0.2 }", rs)
    has("policy accept; counter ip saddr @s accept }", rs)
    local said = 0
    for _, line in ipairs(sim:log()) do said = said + (line:find("clearing says nothing here", 1, true) and 1 or 0) end
    assert.equal(1, said)
  end)

  it("refuses what does something instead of saying what is", function ()
    fails(load "table ip t { chain c { } }\nflush ruleset", "what stands before this would be gone")
    fails(load "table ip t { chain c { } }\ndelete table ip t\ntable ip t { }", "what stands before this for table t would be gone")
    fails(load "delete table ip old", "table old is not stated behind this")
    fails(load "table ip t { chain c { } }\ndelete chain ip t c", "`delete` has no meaning here")
    fails(load "table ip t { chain c { } }\nflush chain ip t c", "`flush` has no meaning here")
    fails(load "list ruleset", "`list` only asks")
    fails(load "reset counters", "`reset` only asks")
    fails(load "table ip t { chain c { } }\nrename chain ip t c d", "`rename` has no meaning here")
    fails(load "table ip t { chain c { } }\nadd rule ip t c index 0 accept", "a rule's place is where it stands")
    fails(load "table ip t { chain c { } }\nreplace rule ip t c handle 5 accept", "`replace` has no meaning here")
  end)

  it("takes values for its names, and defines of its own", function ()
    local rs = text((load([[
      define own = { 1.1.1.1, 2.2.2.2 }
      table inet t {
        set s { type ipv4_addr; flags interval; elements = { $net, $range, $list, $own, $addr } }
        set e { type ipv4_addr; elements = $list }
        set n { type ipv4_addr; elements = { $none } }
        set c { type ipv4_addr . inet_service; elements = { $addr . $port, $pair } }
        map m { type inet_service : ipv4_addr; elements = $table }
        map v { type inet_service : verdict; elements = { $port : goto $chain } }
        chain ch { type filter hook input priority $prio; policy accept
          ip saddr $list tcp dport $ports accept
          ip saddr $own tcp dport $port drop
          ip saddr $net drop
          dnat ip to tcp dport map $table
          iifname $glob accept
          meta mark $none2 accept
        }
        chain sub { }
      }]], [[{ net = nft.prefix "10.0.0.0/8", range = nft.range("172.16.0.1", "172.16.0.9"), list = { "192.0.2.1", "192.0.2.2" }, none = {}, none2 = {},
        addr = "198.51.100.1", port = 22, pair = { { "198.51.100.2", 23 } }, table = { [80] = "10.0.0.1", [81] = "10.0.0.2" },
        chain = "sub", prio = -150, ports = { 80, 443 }, glob = nft.glob "tap*", unused = true }]]):gsub("hook input", "hook prerouting"):gsub("type filter hook pre", "type nat hook pre")))
    has("elements = { 1.1.1.1, 2.2.2.2, 10.0.0.0/8, 172.16.0.1-172.16.0.9, 192.0.2.1, 192.0.2.2, 198.51.100.1 }", rs)
    has("set e { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }", rs)
    has("set n { type ipv4_addr; }", rs)
    has("elements = { 198.51.100.1 . 22, 198.51.100.2 . 23 }", rs)
    has("elements = { 80 : 10.0.0.1, 81 : 10.0.0.2 }", rs)
    has("elements = { 22 : goto sub }", rs)
    has("priority -150;", rs)
    has("ip saddr { 192.0.2.1, 192.0.2.2 } tcp dport { 80, 443 } accept", rs)
    has("ip saddr { 1.1.1.1, 2.2.2.2 } tcp dport 22 drop", rs)
    has("ip saddr 10.0.0.0/8 drop", rs)
    has('iifname "tap*" accept', rs)
  end)

  it("never reads a value as syntax", function ()
    for _, bad in ipairs { "10.0.0.1 accept", "10.0.0.1, 10.0.0.2", "{ 10.0.0.1 }", "10.0.0.0/8", "@s", "$x", "10.0.0.1\ndrop", "" } do
      fails(load("table ip t { set s { type ipv4_addr; elements = { $x } } }", ("{ x = %q }"):format(bad)), "p.lua:1:")
    end
    fails(load("table ip t { chain $x { } }", '{ x = "c" }'), "p.lua:1:")
    fails(load("$x", '{ x = "flush ruleset" }'), "p.lua:1:")
    fails(load("table ip t { chain c { $x } }", '{ x = "accept" }'), "p.lua:1:")
    fails(load("table ip t { chain c { type filter hook input priority $x; } }", '{ x = "0; policy drop" }'), "p.lua:1:")
    fails(load("table ip t { chain c { } map m { type inet_service : verdict; elements = { 1 : jump $x } } }", '{ x = "c : 2" }'), "p.lua:1:")
  end)

  it("follows live values wherever they stand", function ()
    start { p = [==[
      nft.load([[
        table inet t {
          set a { type ipv4_addr; elements = $own }
          set b { type ipv4_addr; elements = { $own, 10.0.0.1 } }
          set c { type ipv4_addr . inet_service; elements = { $own . 80, 10.0.0.1 . 81 } }
          map m { type ipv4_addr : verdict; elements = { $own : accept, 10.0.0.1 : drop } }
          map r { type inet_service : ipv4_addr; elements = { 80 : $own, 81 : 10.0.0.1 } }
          flowtable f { hook ingress priority 0; devices = { eth0, $links } }
          chain c { type filter hook input priority 0
            ip daddr $own accept
            ip daddr != $own counter
          }
          chain n { type nat hook postrouting priority 100
            snat ip to $own
          }
        }
      ]], { own = net.addrs { iface = "eth0", family = "ipv4" }, links = net.links { name = "tap*" } })
    ]==] }
    local function look(...)
      local rs = squeezed(sim:ruleset())
      for _, what in ipairs { ... } do has(what, rs) end
    end
    look("set a { type ipv4_addr; elements = { 203.0.113.7 } }", "set b { type ipv4_addr; elements = { 10.0.0.1, 203.0.113.7 } }",
      "elements = { 10.0.0.1 . 81, 203.0.113.7 . 80 }", "elements = { 10.0.0.1 : drop, 203.0.113.7 : accept }",
      "elements = { 80 : 203.0.113.7, 81 : 10.0.0.1 }", 'devices = { "eth0" }', "snat ip to 203.0.113.7")
    sim:addr_add("eth0", "203.0.113.8/24")
    assert.equal(1, #sim.batches)
    look("set a { type ipv4_addr; elements = { 203.0.113.7, 203.0.113.8 } }", "elements = { 10.0.0.1 . 81, 203.0.113.7 . 80, 203.0.113.8 . 80 }",
      "203.0.113.8 : accept }", "elements = { 80 : 203.0.113.7", "snat ip to 203.0.113.7")
    sim:link_add "tap0"
    look 'devices = { "eth0", "tap0" }'
    sim:backlog(function (s)
      s:addr_del("eth0", "203.0.113.7/24")
      s:addr_del("eth0", "203.0.113.8/24")
    end)
    look("set a { type ipv4_addr; }", "set b { type ipv4_addr; elements = { 10.0.0.1 } }", "elements = { 10.0.0.1 . 81 }", "elements = { 10.0.0.1 : drop }",
      "elements = { 81 : 10.0.0.1 }", "chain n { type nat hook postrouting priority 100; policy accept; }")
    assert.matches("pending: n in inet t: a live value in it is empty", sim:status(), 1, true)
    sim:addr_add("eth0", "203.0.113.9/24")
    look("snat ip to 203.0.113.9", "elements = { 80 : 203.0.113.9, 81 : 10.0.0.1 }")
  end)

  it("refuses two live values in one element instead of following neither", function ()
    fails('nft.load("table ip t { set s { type ipv4_addr . ipv4_addr; elements = { $a . $b } } }", { a = net.addrs { iface = "eth0" }, b = net.addrs { iface = "eth1" } })',
      "only one live value can stand in an element")
  end)

  it("tells all errors at their places in the file of Lua", function ()
    fails([==[
local x = 1
nft.load [[
  table inet t {
    chain c {
      tcp dprt 80 accept
      ip saddr @nobody accept
      ip saddr 10.0.0.300 accept
      tcp dport $prt accept
    }
    set s { type ipv4_addr; elements = { 10.0.0.1, "x y", $y } }
    set u { type ipv4_adr; }
  }
]]
    ]==], "p.lua:11:", "ipv4_addr")
    fails([==[
nft.load([[
  table inet t {
    chain c {
      tcp dprt 80 accept
      tcp dport $prt accept
    }
    set s { type ipv4_addr; elements = { 10.0.0.1, "x y", $y } }
  }
]], { port = 80 })
    ]==], "p.lua:4:11: ", "did you mean `dport`?", "p.lua:5:17: $prt has no value; did you mean $port?", "p.lua:7:", "p.lua:7:59: $y has no value")
    -- on the line where the text begins, behind the bracket
    fails("local t = nft.load[[table ip t { chain c { acept } }]]", "p.lua:1:44: ", "did you mean `accept`?")
    -- a text that is put together has places of its own
    fails("\nnft.load('table ip t {' .. '\\nchain c { acept } }')", "p.lua:2: text:2:11: ")
    -- the same text twice: that of the call
    fails("local function f() return [[table ip t { chain c { acept } }]] end\n\nnft.load[[table ip t { chain c { acept } }]]", "p.lua:3:34: ")
    -- in a module
    start { p = { ["init.lua"] = 'require "m"', ["m.lua"] = "-- one\nnft.load[[table ip t { chain c { acept } }]]" } }
    assert.matches("p/m.lua:2:34: ", sim:packs().p.last_error, 1, true)
  end)

  it("checks its arguments", function ()
    fails("nft.load()", "nft.load: 1 argument needed")
    fails("nft.load(5)", "nft.load: argument 1: expected a string, got an integer")
    fails("nft.load('table ip t { }', 5)", "nft.load: argument 2: expected a table")
    fails("nft.load('table ip t { set s { type ipv4_addr; elements = { $x } } }', { x = true })", "$x: a boolean is no value")
    fails("nft.load('table ip t { }\\0')", "NUL")
    fails([[nft.load "include 'x'"]], "p.lua:1:19: ")
    fails([[nft.load 'include "x.nft"']], "there is no file x.nft")
    fails("nft.load('table ip table { }')", "p.lua:1:20: ")
    start "function on_message() nft.load 'table ip t { }' end"
    sim:emit("x", {})
    assert.matches("nothing can be stated in on_message", sim:packs().p.last_error, 1, true)
  end)

  it("is all or nothing, also when its error is caught", function ()
    local rs = text [==[
      nft.table("ip", "t"):set("typed", { type = "ipv6_addr" })
      local ok, why = pcall(nft.load, [[
        table ip a { chain c { accept } }
        add element ip t typed { 10.0.0.1 }
      ]])
      assert(not ok and why:find "10.0.0.1", why)
      ok = pcall(nft.load, "table ip b { chain c { accept } }\ntable ip b { chain d { tcp dport $x } }")
      assert(not ok)
    ]==]
    assert.is_nil(rs:find("table ip a", 1, true))
    assert.is_nil(rs:find("table ip b", 1, true))
  end)

  it("is bounded by the pack's limits", function ()
    start("nft.load('table ip t { chain c { ' .. ('accept;'):rep(200) .. '} }')", { limits = { statements = 100 } })
    assert.matches("the pack states more than 100 things", sim:packs().p.last_error, 1, true)
    close()
    start("local t = {} for i = 1, 20000 do t[i] = i end nft.load('table ip t { }', setmetatable({}, {})) nft.load('table ip t { }', { [t] = 1 })")
    assert.equal("running", sim:packs().p.state)
  end)

  it("keeps rules and their handles when a block states it again", function ()
    start [==[
      rnm.block(function ()
        local ports = {}
        for i, l in ipairs(net.links { name = "tap*" }) do ports[i] = 1000 + l.ifindex end
        nft.load([[
          table inet t {
            set s { type inet_service; elements = { $ports } }
            chain c { type filter hook input priority 0; tcp dport 22 accept; tcp dport @s accept; tcp dport $ports drop; }
          }]], { ports = ports })
      end)
    ]==]
    sim:link_add("tap0", { ifindex = 50 })
    assert.equal(1, #sim.batches)
    local b = squeezed(sim.batches[1].text)
    has("+ add element inet t s { 1050 }", b)
    assert.is_nil(b:find("dport 22", 1, true))
    assert.is_nil(b:find("@s accept", 1, true))
    sim:link_add("eth9", {})
    assert.equal(1, #sim.batches)
  end)

  it("states for each record of a query", function ()
    start [==[
      rnm.each(net.links { name = "tap*" }, function (l)
        nft.load([[table bridge vms { chain $c { } }]], { c = "x" })
      end)
    ]==]
    sim:link_add "tap0"
    assert.matches("expected the chain's name", sim:packs().p.last_error, 1, true)
    close()
    start [==[
      rnm.each(net.links { name = "tap*" }, function (l)
        nft.load([[
          table netdev vms {
            chain c { type filter hook ingress priority 0; ether saddr != $mac drop; }
            set macs { type ether_addr; elements = { $mac } }
          }]], { mac = l.mac })
      end)
    ]==]
    sim:link_add("tap0", { mac = "52:54:00:00:00:01" })
    sim:link_add("tap1", { mac = "52:54:00:00:00:02" })
    has("elements = { 52:54:00:00:00:01, 52:54:00:00:00:02 }", squeezed(sim:ruleset()))
    sim:link_del "tap0"
    has("elements = { 52:54:00:00:00:02 }", squeezed(sim:ruleset()))
  end)

  it("shares tables with other packs", function ()
    start { ["10-a"] = load "table ip t { set s { type ipv4_addr; elements = { 10.0.0.1 }; }; chain c { type filter hook input priority filter; accept; } }",
      ["20-b"] = 'local t = nft.table("ip", "t") t:set("s", { type = "ipv4_addr" }):add("10.0.0.2") t:chain("c", { priority = "filter" }):rule("drop")' }
    has("elements = { 10.0.0.1, 10.0.0.2 }", squeezed(sim:ruleset()))
    has("accept drop }", squeezed(sim:ruleset()))
    close()
    start { ["10-a"] = load "table ip t { set s { type ipv4_addr; } }", ["20-b"] = "\n" .. load "table ip t { set s { type ipv6_addr; } }" }
    assert.matches("20%-b.lua:2: set s: another type than in a, 10%-a.lua:1", sim:packs().b.last_error)
  end)

  it("gives elements what the set gives each", function ()
    local rs = text(load [[
      table ip t {
        set s { type ipv4_addr; flags timeout; counter
                elements = { 10.0.0.1 counter packets 5 bytes 6, 10.0.0.2 timeout 1h expires 5m } }
      }]])
    has("10.0.0.1", rs)
    has("10.0.0.2 timeout 1h", rs)
    close()
    has("10.0.0.1 quota over 5 mbytes", text(load "table ip t { set s { type ipv4_addr; elements = { 10.0.0.1 quota over 5 mbytes } } }"))
    close()
    fails(load "table ip t { set s { type ipv4_addr; elements = { 10.0.0.1 timeout 5m } } }", "flags timeout")
  end)
end)

describe("nft.template", function ()
  after_each(close)

  it("is a file of the pack's folder, with includes from there", function ()
    local rs = text { p = {
      ["init.lua"] = 'local t = nft.template("fw", { ports = { 80, 443 } }) assert(t.name == "fw") nft.template "sub.nft"',
      ["fw.nft"] = 'define lan = eth1\ninclude "parts-*.nft"\ntable inet fw { chain c { iifname $lan tcp dport $ports accept; ip saddr @s drop; } }\n',
      ["parts-1.nft"] = "define one = 10.0.0.1\n",
      ["parts-2.nft"] = "table inet fw { set s { type ipv4_addr; elements = { $one } } }\n",
      ["sub.nft"] = "table ip sub { }",
    } }
    has("table inet fw { set s { type ipv4_addr; elements = { 10.0.0.1 } } chain c { iifname eth1 tcp dport { 80, 443 } accept ip saddr @s drop } }", rs)
    has("table ip sub { }", rs)
  end)

  it("names its own places", function ()
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = 'include "inc.nft"\ntable inet fw { chain c { acept } }\n', ["inc.nft"] = "\n\ntable inet fw { set s { type ipv4_adr; } }" } }
    local e = sim:packs().p.last_error
    assert.matches("/p/inc.nft:3:30: ", e, 1, true)
    close()
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = 'table inet fw { chain c { acept } }\n' } }
    assert.matches("p/init.lua:1: nft.template: .*/p/fw.nft:1:27: .*did you mean `accept`", sim:packs().p.last_error)
  end)

  it("does not leave its folders", function ()
    for name, message in pairs { ["../x"] = "no .. in names", ["/etc/passwd"] = "no name of a template", ["*"] = "no name of a template", [""] = "no name of a template",
      ["missing"] = "there is no template", ["a\nb"] = "no name of a template" } do
      fails(("nft.template(%q)"):format(name), message)
    end
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = 'include "../../x.nft"\n' } }
    assert.matches("with `..` can not be included here", sim:packs().p.last_error, 1, true)
    close()
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = 'include "/etc/passwd"\n' } }
    assert.matches("outside of the folders", sim:packs().p.last_error, 1, true)
    close()
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = 'include "fw.nft"\n' } }
    assert.matches("does one include itself", sim:packs().p.last_error, 1, true)
  end)

  it("follows live names of zones and links", function ()
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = [[
      table inet fw {
        set own { type ipv4_addr; elements = { $wan.ipv4, $eth1.ipv4 } }
        set six { type ipv6_addr; elements = $wan.ipv6 }
        flowtable f { hook ingress priority 0; devices = { $wan.ifnames, $lan.ifnames } }
        chain c { type filter hook input priority 0
          iifname $wan.ifnames ip saddr $lan.net4 drop
          ip6 daddr $wan.net6 accept
          ip daddr $ppp0.ipv4 accept
        }
        chain post { type nat hook postrouting priority srcnat
          oifname $wan.ifnames snat ip to $wan.ipv4
          oifname "ppp0" snat ip to $ppp0.ipv4
        }
      }]] } }
    local function look(...)
      local rs = squeezed(sim:ruleset())
      for _, what in ipairs { ... } do has(what, rs) end
    end
    look("elements = { 192.168.1.1, 203.0.113.7 }", "elements = { 2001:db8::7 }", "elements = { 192.168.1.0/24 }", "elements = { 2001:db8::/64 }",
      'elements = { "eth0" }', 'devices = { "eth0", "eth1" }', "snat ip to 203.0.113.7 }")
    sim:link_add("ppp0", {})
    sim:addr_add("ppp0", "198.51.100.1/32")
    look("elements = { 198.51.100.1 }", "snat ip to 198.51.100.1 }")
    sim:backlog(function (s)
      s:addr_del("eth0", "203.0.113.7/24")
      s:addr_add("eth0", "203.0.113.99/24")
    end)
    look("snat ip to 203.0.113.99", "elements = { 192.168.1.1, 203.0.113.99 }")
    sim:addr_add("eth0", "fe80::1/64", { scope = "link" })
    look "elements = { 2001:db8::7 }"
  end)

  it("proposes names, and explicit params win", function ()
    start { p = { ["init.lua"] = 'nft.template "fw"', ["fw.nft"] = "table inet fw { chain c { ip daddr $wan.ipv44 accept; } }" } }
    assert.matches("$wan.ipv44 has no value; did you mean $wan.ipv4?", sim:packs().p.last_error, 1, true)
    close()
    start { p = { ["init.lua"] = 'nft.template("fw", { ["wan.ipv4"] = "10.9.9.9" })', ["fw.nft"] = "table inet fw { chain c { ip daddr $wan.ipv4 accept; } }" } }
    has("ip daddr 10.9.9.9 accept", squeezed(sim:ruleset()))
  end)

  it("of the configuration belong to the pack `config`", function ()
    start({ p = 'nft.table("ip", "foo"):chain("c"):rule("drop")' }, { yaml = "templates:\n  - foo\n  - { name: bar, params: { net: 10.0.0.0/8, list: [1, 2], r: 10.1.0.1-10.1.0.9, h: 192.0.2.1 } }\n" })
    assert.equal("failed", sim:packs().config.state)
    assert.matches('rnm.yaml:%d+:5: templates: foo: nft.template: there is no template "foo" in .*/templates', sim:packs().config.last_error)
    assert.matches('rnm.yaml:%d+:5: templates: bar: ', sim:packs().config.last_error)
    local bar = "table ip bar { set s { type ipv4_addr; flags interval; elements = { $net, $r, $h } }\n chain c { tcp dport $list accept; } }"
    assert(sim:reload { templates = { ["foo.nft"] = "table ip foo { chain c { accept } }", bar = bar } })
    local rs = squeezed(sim:ruleset())
    has("table ip foo { chain c { accept drop } }", rs)
    has("elements = { 10.0.0.0/8, 192.0.2.1 }", rs)
    has("tcp dport { 1, 2 } accept", rs)
    local ok, err = sim:reload { templates = { ["foo.nft"] = "table ip foo { chain c { acept } }", bar = bar } }
    assert.is_nil(ok)
    assert.matches("templates/foo.nft:1:26: ", err, 1, true)
    has("table ip foo { chain c { accept drop } }", squeezed(sim:ruleset()))
  end)
end)
