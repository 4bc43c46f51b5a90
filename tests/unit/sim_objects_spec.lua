-- SPDX-License-Identifier: GPL-2.0-or-later
-- Stateful objects and flowtables: their specs, handles as values, what waits for them.
local simulate = require "rnm.testing".simulate

local T = 'local t = nft.table("inet", "t")\n'
local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = T .. source }
  opts.links = opts.links or { eth0 = { zone = "wan" }, eth1 = { zone = "lan" } }
  sim = simulate(opts)
  return sim
end
local function text(source, opts)
  start(source, opts)
  assert.equal("running", sim:packs().p.state, sim:packs().p.last_error)
  return sim:ruleset()
end
local function has(what, ruleset) assert.matches(what, ruleset:gsub("%s+", " "), 1, true) end
local function fails(source, message)
  start(source)
  assert.equal("failed", sim:packs().p.state, source)
  assert.matches(message, sim:packs().p.last_error, 1, true)
  sim:close()
  sim = nil
end

describe("stateful objects", function ()
  after_each(function ()
    if sim then sim:close() end
    sim = nil
  end)

  it("take nft's words in a string", function ()
    local rs = text [[
      t:counter("c", "packets 5 bytes 320")
      t:counter("zero")
      t:quota("q", "over 500 mbytes used 10 bytes")
      t:limit("l", "rate over 400/minute burst 7 packets")
      t:ct_helper("h", 'type "ftp" protocol tcp; l3proto ip')
      t:ct_timeout("to", "protocol tcp; policy = { established : 100, close : 4 }")
      t:ct_expectation("e", "protocol tcp; dport 9876; timeout 2m; size 12")
      t:synproxy("s", "mss 1460; wscale 7; timestamp sack-perm")
      t:secmark("m", '"system_u:object_r:ssh_server_packet_t:s0"')
      rnm.block(function () t:counter("zero", "") end)
    ]]
    has("counter c { packets 5 bytes 320 }", rs)
    has("counter zero { packets 0 bytes 0 }", rs)
    has("quota q { over 500 mbytes used 10 bytes }", rs)
    has("limit l { rate over 400/minute burst 7 packets }", rs)
    has('ct helper h { type "ftp" protocol tcp', rs)
    has("ct timeout to { protocol tcp policy = { established : 100, close : 4 } }", rs)
    has("ct expectation e { protocol tcp dport 9876 timeout 2m size 12", rs)
    has("synproxy s { mss 1460 wscale 7 timestamp sack-perm }", rs)
    has('secmark m { "system_u:object_r:ssh_server_packet_t:s0" }', rs)
  end)

  it("take them as fields of a table", function ()
    local rs = text [[
      t:counter("c", { packets = 5, bytes = 320, comment = "hits" })
      t:quota("q1", { over = "500 mbytes", used = "10 bytes" })
      t:quota("q2", { bytes = 1024, over = true })
      t:quota("q3", { bytes = "2 kbytes", used = 100 })
      t:quota("q4", { ["until"] = 25 * 1024 * 1024 })
      t:limit("l1", { rate = "400/minute", over = true, burst = 7 })
      t:limit("l2", { rate = "10 mbytes/second", burst = "9 kbytes" })
      t:ct_helper("h", { type = "ftp", protocol = "tcp", l3proto = "ip" })
      t:ct_timeout("to", { protocol = "tcp", l3proto = "ip", policy = { established = "2m", close = 4 } })
      t:ct_expectation("e", { protocol = "udp", dport = 9876, timeout = "2m", size = 12 })
      t:synproxy("s", { mss = 1460, wscale = 7, timestamp = true, sack_perm = true })
      t:secmark("m", { context = "a:b:c:d" })
    ]]
    has("packets 5 bytes 320", rs)
    has('comment "hits"', rs)
    has("quota q1 { over 500 mbytes used 10 bytes }", rs)
    has("quota q2 { over 1 kbytes }", rs)
    has("quota q3 { 2 kbytes used 100 bytes }", rs)
    has("quota q4 { 25 mbytes }", rs)
    has("limit l1 { rate over 400/minute burst 7 packets }", rs)
    has("limit l2 { rate 10 mbytes/second burst 9 kbytes }", rs)
    has('type "ftp" protocol tcp', rs)
    has("policy = { established : 120, close : 4 }", rs)
    has("protocol udp dport 9876 timeout 2m size 12", rs)
    has("mss 1460 wscale 7 timestamp sack-perm", rs)
    has('secmark m { "a:b:c:d" }', rs)
  end)

  it("have specs that are checked field by field", function ()
    fails('t:counter("c", { packtes = 5 })', 'table:counter: unknown field "packtes"; did you mean "packets"?')
    fails('t:counter("c", { packets = -1 })', "packets: -1 is out of range")
    fails('t:counter("c", { packets = "5" })', "packets: expected a number, got a string")
    fails('t:counter("c", 5)', "argument 2: expected a string of nft's words, or a table, got an integer")
    fails('t:counter("c", "packets five")', "table:counter: p.lua:2:9: ")
    fails('t:counter("counter")', "is a word of nft's language")
    fails('t.counter("c")', "call it as a method, with a colon")
    fails('t:quota("q", {})', "bytes is needed")
    fails('t:quota("q", { over = "1 mbytes", ["until"] = 5 })', "over and until exclude each other")
    fails('t:quota("q", { over = "1 mbytes", bytes = 5 })', "leave bytes out")
    fails('t:quota("q", { over = "1 mbytse" })', 'did you mean `mbytes`?')
    fails('t:quota("q", { over = "1 mbytes; }" })', "more in it than words and numbers")
    fails('t:limit("l", { rate = "10/secnd" })', "10/secnd")
    fails('t:limit("l", { rate = 10 })', "rate: expected a string")
    fails('t:limit("l", { burst = 5 })', "rate is needed")
    fails('t:ct_helper("h", { type = "ftp" })', "protocol is needed")
    fails([[t:ct_helper("h", { type = 'f"tp', protocol = "tcp" })]], "a quote can not stand here")
    fails('t:ct_timeout("x", { protocol = "tcp", policy = { establisehd = 5 } })', "establisehd")
    fails('t:ct_timeout("x", { protocol = "tcp", policy = { established = 0.5 } })', "whole seconds")
    fails('t:ct_timeout("x", { protocol = "tcp", policy = { [1] = 5 } })', "the names of states are strings")
    fails('t:synproxy("s", { wscale = 15 })', "wscale: 15 is out of range (0 to 14)")
    fails('t:secmark("m", { context = "" })', "context: empty")
    fails('t:flowtable("f", { hook = "egress" })', 'hook: unknown value "egress"')
    fails('t:flowtable("f", { flags = "ofload" })', 'did you mean "offload"?')
    fails('t:flowtable("f", { devcies = {} })', 'did you mean "devices"?')
    fails('t:flowtable("f", { hook = "ingress", priority = "filtre" })', "priority: ")
    fails('t:set("s", { type = "ipv4_addr", stateful = "conter" })', "stateful: ")
  end)

  it("stand as handles where values stand", function ()
    local rs = text [[
      local c, q = t:counter("c"), t:quota("q", "over 500 mbytes")
      t:map("m", { type = "ipv4_addr : counter", elements = { ["10.0.0.1"] = c } })
      local m = t:map("m2", { typeof = "ip saddr . tcp dport : quota" })
      m:add({ "10.0.0.1", 80 }, q)
      local f = t:flowtable("f", { hook = "ingress", priority = "filter", devices = { "eth0", "eth1" } })
      t:chain("x", { type = "filter", hook = "forward", priority = "filter" }):rules([=[
        counter name $c
        quota name $q drop
        counter name ip saddr map @m
        quota name ip saddr . tcp dport map $m
        flow add @f
      ]=], { c = c, q = q, m = m, f = f })
      assert(c.name == "c" and c.table == "t" and c.family == "inet")
      assert(tostring(c) == "counter inet t c" and tostring(f) == "flowtable inet t f")
      assert(c == t:counter("c") and c ~= t:counter("d"))
    ]]
    has('map m { type ipv4_addr : counter; elements = { 10.0.0.1 : "c" } }', rs)
    has('elements = { 10.0.0.1 . 80 : "q" }', rs)
    has("counter name c quota name q drop counter name ip saddr map @m quota name ip saddr . tcp dport map @m2 flow add @f", rs)
    has('flowtable f { hook ingress priority 0; devices = { "eth0", "eth1" }; }', rs)
  end)

  it("leave a rule's comment to a value as well, which is a text whatever is in it", function ()
    local rs = text [[t:chain("c"):rule("accept comment $label", { label = "web; drop" }):rule("tcp dport 80 drop comment $n", { n = 5 })]]
    has('accept comment "web; drop"', rs)
    has('tcp dport 80 drop comment', rs)
    has('comment "web; drop"', sim:kernel())
    has('comment "5"', sim:kernel())
    sim:clear():reload()
    assert.equal("", sim:plan())
    sim:assert_batches(0)
    fails([[t:chain("c"):rule("accept comment $x", { x = ("x"):rep(128) })]], "the comment is longer than 127 bytes")
    fails([[t:chain("c"):rule("accept comment $x", { x = { "a" } })]], "$x is not a text")
    fails([[t:chain("c"):rule("accept comment $x", { x = "a\nb" })]], "bytes that are no printable text")
    fails([[t:chain("c"):rule("jump { accept comment $x; }", { x = "a" })]], "the comment of a rule in braces is a text")
  end)

  it("of another kind are refused as values", function ()
    fails('t:chain("x"):rule("counter name $q", { q = t:quota("q", "over 1 mbytes") })', "$q is a quota, a counter must stand here")
    fails('t:map("m", { type = "ipv4_addr : counter", elements = { ["10.0.0.1"] = t:quota("q", "1 mbytes") } })', "is a quota, the data of")
    fails('t:chain("x"):rule("ip saddr @$c", { c = t:counter("c") })', "$c is a counter, a set must stand here")
  end)

  it("are stated by a handle that is used, and go with the run that states them", function ()
    start [[
      local c
      rnm.each(net.links { name = "tap*" }, function (l)
        c = t:counter("c-" .. l.name, "packets 1 bytes 1")
      end)
      t:chain("x")
      rnm.block(function ()
        if net.links { name = "use" }:first() then t:chain("x"):rule("counter name $c", { c = c }) end
      end)
    ]]
    sim:link_add("tap0")
    has("counter c-tap0", sim:ruleset())
    sim:link_add "use"
    has("counter name c-tap0", sim:ruleset())
    sim:link_del "tap0"
    has("counter c-tap0", sim:ruleset())
    sim:link_del "use"
    assert.is_nil(sim:ruleset():find("c-tap0", 1, true))
  end)

  it("that nobody declares are pending, and so are the rules that name them; a counter needs no words", function ()
    start [[
      t:chain("x"):rule("quota name $q accept", { q = t:quota("late") }):rule("quota name nobody"):rule("counter name plain")
      t:counter("plain")
      rnm.block(function () if net.links { name = "go" }:first() then t:quota("late", { bytes = 5 }) end end)
    ]]
    assert.matches("pending: late in inet t: no pack says what it is", sim:status(), 1, true)
    assert.matches("pending: x in inet t: quota late waits: no pack says what it is", sim:status(), 1, true)
    assert.matches("pending: x in inet t: quota nobody is not stated", sim:status(), 1, true)
    has("counter plain { packets 0 bytes 0 }", sim:ruleset())
    has("chain x { counter name plain }", sim:ruleset())
    sim:link_add "go"
    has("quota name late accept counter name plain", sim:ruleset())
    assert.is_nil(sim:status():find("late", 1, true))
  end)

  it("of two packs with one value are one, with two a conflict of the later", function ()
    local function pack(q) return ('nft.table("inet", "t"):quota("q", "over %s mbytes")'):format(q) end
    start { ["10-a"] = pack(5), ["20-b"] = pack(5) }
    has("quota q { over 5 mbytes }", sim:ruleset())
    sim:close()
    start { ["10-a"] = pack(5), ["20-b"] = pack(6) }
    assert.equal("running", sim:packs().a.state)
    assert.equal("failed", sim:packs().b.state)
    assert.matches("quota q: another .* than in a, 10%-a.lua:1", sim:packs().b.last_error)
  end)

  it("with a changed bound are updated in place, and start values do not matter", function ()
    start({ p = T .. 't:quota("q", "over 5 mbytes") t:counter("c", "packets 1 bytes 1") t:limit("l", "rate 1/second")' })
    assert(sim:reload { packs = { p = T .. 't:quota("q", "over 6 mbytes") t:counter("c", "packets 9 bytes 9") t:limit("l", "rate 1/second")' } })
    assert.equal("~ add quota inet t q { over 6 mbytes; }", (sim.batches[1].text:gsub("%s+", " "):gsub(" $", "")))
    assert(sim:reload { packs = { p = T .. 't:quota("q", "over 6 mbytes") t:counter("c") t:limit("l", "rate 2/second")' } })
    assert.matches("! ", sim.batches[2].text)
    assert.matches("limit", sim.batches[2].text)
    assert.is_nil(sim.batches[2].text:find("counter", 1, true))
  end)

  it("are read from the kernel", function ()
    start 'c, q = t:counter("c"), t:quota("q", "1 mbytes")'
    assert.equal("{ bytes = 0, packets = 0 }\n", sim:eval("c:read()", "p"))
    assert.equal("{ bytes = 1048576, over = false, used = 0 }\n", sim:eval("q:read()", "p"))
    assert.equal("nil\nthere is no object other\nENOENT\n", sim:eval('nft.table("inet", "t"):counter("other"):read()', "p"))
    local out, err = sim:eval("c:read(1)", "p")
    assert.is_nil(out)
    assert.matches("counter:read: at most 0 arguments", err)
    out, err = sim:eval('nft.table("inet", "t"):limit("l"):read()', "p")
    assert.is_nil(out)
    assert.matches('unknown field "read"', err)
  end)
end)

describe("flowtables", function ()
  after_each(function ()
    if sim then sim:close() end
    sim = nil
  end)

  it("follow the devices of a query", function ()
    start('t:flowtable("f", { hook = "ingress", priority = 10, devices = net.links { zone = "lan" }, counter = true })', {
      links = { eth0 = { zone = "wan" } }, zones = { ["lan*"] = "lan" },
    })
    sim:link_add "lan0"
    has('flowtable f { hook ingress priority 10;', sim:ruleset())
    sim:link_add "lan1"
    has('devices = { "lan0", "lan1" };', sim:ruleset())
    sim:link_del "lan0"
    has('devices = { "lan1" };', sim:ruleset())
  end)

  it("without a spec are what others declare", function ()
    start { a = 'local t = nft.table("inet", "t") local f = t:flowtable("f") t:chain("x", { type = "filter", hook = "forward", priority = 0 }):rule("flow add @$f", { f = f })',
      b = 'nft.table("inet", "t"):flowtable("f", { hook = "ingress", priority = 0, devices = { "eth0" } })' }
    has("flow add @f", sim:ruleset())
  end)
end)

describe("statements of sets", function ()
  after_each(function ()
    if sim then sim:close() end
    sim = nil
  end)

  it("are words in the spec", function ()
    local rs = text 't:set("s", { type = "ipv4_addr", stateful = "counter limit rate 10/second", elements = { "10.0.0.1" } })'
    has("counter", rs)
    has("limit rate 10/second", rs)
  end)
end)
