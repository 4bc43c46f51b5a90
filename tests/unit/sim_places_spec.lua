-- SPDX-License-Identifier: GPL-2.0-or-later
-- What the kernel would refuse of chains and of rules in them is found before anything is sent.
local simulate = require "rnm.testing".simulate

local T = 'local t = nft.table("inet", "t")\n'
local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = T .. source }
  opts.links = { eth0 = {} }
  sim = simulate(opts)
  return sim
end
local function fails(source, message)
  start(source)
  assert.equal("failed", sim:packs().p.state, source)
  assert.matches(message, sim:packs().p.last_error, 1, true)
  assert.equal("", sim:ruleset())
  sim:close()
  sim = nil
end
local function runs(source)
  start(source)
  sim:assert_clean()
  sim:close()
  sim = nil
end

describe("base chains", function ()
  after_each(function ()
    if sim then sim:close() end
    sim = nil
  end)

  it("are of a type that goes with family and hook", function ()
    fails('t:chain("c", { type = "nat", hook = "forward", priority = 0 })', "p.lua:2: chain c: chains of type nat have hook prerouting")
    fails('t:chain("c", { type = "route", hook = "input", priority = 0 })', "chains of type route have hook output")
    fails('nft.table("bridge", "b"):chain("c", { type = "nat", hook = "prerouting", priority = 0 })', "for tables of the families ip, ip6 and inet")
    runs 't:chain("c", { type = "route", hook = "output", priority = 0 }) t:chain("d", { type = "nat", hook = "input", priority = -199 })'
  end)

  it("have devices only where packets come in or go out", function ()
    fails('t:chain("c", { type = "filter", hook = "input", priority = 0, device = "eth0" })', "only chains of hook ingress or egress have devices")
    runs 't:chain("c", { type = "filter", hook = "ingress", priority = 0, device = "eth0" })'
  end)

  it("that are said without a hook wait for it, with all that jumps to them", function ()
    start [[
      t:chain("c", { policy = "drop" })
      t:chain("d"):rule("jump c")
      rnm.block(function () if net.link "go" then t:chain("c", { type = "filter", hook = "input", priority = 0 }) end end)
    ]]
    assert.matches("pending: c in inet t: it is a base chain and no pack gives its hook", sim:status(), 1, true)
    assert.matches("pending: d in inet t: chain c waits", sim:status(), 1, true)
  end)

  it("can not be jumped to, also when they become base chains later", function ()
    fails('t:chain("c", { type = "filter", hook = "input", priority = 0 }) t:chain("d"):rule("counter jump c")',
      "p.lua:2: chain d: a base chain can not be jumped to (c)")
    fails([[t:chain("c", { type = "filter", hook = "input", priority = 0 })
      t:chain("d"):rule("ip saddr vmap @m") t:map("m", { type = "ipv4_addr : verdict", elements = { ["192.0.2.1"] = "goto c" } })]],
      "chain d: a base chain can not be jumped to (c)")
    start {
      a = T .. 't:chain("d"):rule("jump c") t:chain("c")',
      b = T .. 'rnm.block(function () if net.link "go" then t:chain("c", { type = "filter", hook = "input", priority = 0 }) end end)'
    }
    sim:assert_clean()
    sim:link_add "go"
    assert.matches("b.lua:2: chain c: a base chain can not be jumped to", table.concat(sim.errors, "\n"), 1, true)
    assert.same({ "running", "degraded" }, { sim:packs().a.state, sim:packs().b.state })
  end)
end)

describe("statements", function ()
  after_each(function ()
    if sim then sim:close() end
    sim = nil
  end)

  it("work in chains of some types and hooks, where they stand and where jumps lead", function ()
    for _, case in ipairs {
      { "masquerade", "nat", "postrouting", { "filter/postrouting", "nat/prerouting" } },
      { "dnat ip to 192.0.2.1", "nat", "prerouting", { "filter/prerouting", "nat/postrouting" } },
      { "tcp dport 80 redirect to :81", "nat", "output", { "nat/input" } },
      { "reject", "filter", "forward", { "filter/postrouting" } },
      { "fib saddr . iif oif missing drop", "filter", "prerouting", { "filter/postrouting", "filter/output" } },
      { "fib daddr . oif type local", "filter", "output", { "filter/input" } },
      { "socket transparent 1", "filter", "input", { "filter/forward" } },
      { "ipsec in reqid 1", "filter", "forward", { "filter/output" } },
      { "rt mtu 5", "filter", "postrouting", { "filter/input" } },
      { "synproxy mss 1460 wscale 7", "filter", "input", { "filter/prerouting" } },
      { "meta pkttype set unicast", "filter", "prerouting", { "filter/input" } },
    } do
      local rule, kind, hook, bad = table.unpack(case)
      local chain = 't:chain("c", { type = "%s", hook = "%s", priority = 0 }):rule%s\n'
      local ways = { ("(%q)"):format(rule), ("(%q)"):format("jump { " .. rule .. "; }"), '("jump d") t:chain("d"):rule("jump e") t:chain("e"):rule(' .. ("%q"):format(rule) .. ")" }
      for i, way in ipairs(ways) do
        runs(chain:format(kind, hook, way))
        for _, b in ipairs(bad) do
          fails(chain:format(b:match "^%a+", b:match "%a+$", way), i < 3 and "works in" or "leads here")
        end
      end
    end
  end)

  it("are blamed at who made the way to them", function ()
    start {
      a = T .. 't:chain("nat"):rule("masquerade") t:chain("ok"):rule("accept")',
      b = T .. 'rnm.block(function () if net.link "go" then t:chain("c", { type = "filter", hook = "input", priority = 0 }):rule("ip saddr vmap { 192.0.2.1 : jump nat }") end end)'
    }
    sim:assert_clean()
    sim:link_add "go"
    assert.matches("b.lua:2: chain c: this leads to chain nat, where a rule is that works in chains of type nat and hook postrouting",
      table.concat(sim.errors, "\n"), 1, true)
    assert.same({ "running", "degraded" }, { sim:packs().a.state, sim:packs().b.state })
    assert.same({ "masquerade" }, sim:rules "inet t nat")
  end)

  it("fill only sets that packets can fill", function ()
    local function dyn(spec, rule) return ('t:set("s", { type = "ipv4_addr", %s }) t:chain("c"):rule("%s")'):format(spec, rule) end
    fails(dyn('flags = "interval"', "add @s { ip saddr }"), "set s has flags interval: packets can not change its elements")
    fails(dyn('flags = "constant"', "delete @s { ip saddr }"), "set s has flags constant")
    fails(dyn("size = 5", "update @s { ip saddr timeout 5s }"), "a timeout needs a set with flags timeout, s has none")
    runs(dyn('flags = "timeout"', "update @s { ip saddr timeout 5s }"))
  end)

  it("make a set dynamic where the kernel would take a kind for it that packets can not fill", function ()
    start [[
      t:set("sized", { type = "ipv4_addr", size = 100 }) t:set("plain", { type = "ipv4_addr" }) t:set("ports", { type = "inet_service" })
      t:set("timed", { type = "ipv4_addr", size = 100, timeout = "1h" })
      t:chain("c"):rules "add @plain { ip saddr }\nadd @ports { tcp dport }\nadd @timed { ip saddr }"
      rnm.block(function () if net.link "go" then t:chain("c"):rule("add @sized { ip saddr }") end end)
    ]]
    local function flags(name) return sim:ruleset():match("set " .. name .. " {[^}]-flags ([%w,]+)") end
    assert.same({ "dynamic", "timeout" }, { flags "ports", flags "timed" })
    assert.is_nil(flags "plain")
    assert.is_nil(flags "sized")
    sim:link_add "go"
    assert.equal("dynamic", flags "sized")
    sim:link_del "go"
    assert.is_nil(flags "sized")
    sim:assert_clean()
  end)
end)
