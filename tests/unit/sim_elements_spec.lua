-- SPDX-License-Identifier: GPL-2.0-or-later
-- Elements: statements and edits, whose they are, values and errors; rules' parameters; specs.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function eval(code, pack) return (assert(sim:eval(code, pack or "p")):gsub("\n$", "")) end
local function fails(source, message)
  start(source)
  assert.equal("failed", sim:packs().p.state, source)
  assert.matches(message, sim:packs().p.last_error, 1, true)
  sim:close()
  sim = nil
end

describe("elements", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("are statements in the main chunk and blocks", function ()
    start([[
      local t = nft.table("inet", "t")
      local s = t:set("s", { type = "ipv4_addr", elements = { "10.0.0.1", "10.0.0.2" } })
      s:add("10.0.0.3")
      rnm.block(function () if net.link("eth0").up then s:add("10.0.0.4") end end)
    ]], { links = { eth0 = {} } })
    assert.same({ "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4" }, sim:set "inet t s")
    sim:link_set("eth0", { up = false })
    assert.same({ "10.0.0.1", "10.0.0.2", "10.0.0.3" }, sim:set "inet t s")
    assert.equal("- delete element inet t s { 10.0.0.4 }\n", sim.batches[1].text)
  end)

  it("are edits in hooks, messages and the console", function ()
    start([[
      s = nft.table("inet", "t"):set("s", { type = "ipv4_addr", elements = { "10.0.0.1" } })
      function on_message(ev) answer = { s[ev.topic](s, ev.data.e) } end
    ]])
    assert.equal(1, sim:emit("add", { e = "10.0.0.2" }))
    assert.same({ "10.0.0.1", "10.0.0.2" }, sim:set "inet t s")
    assert.equal("true", eval "answer[1]")
    sim:emit("del", { e = "10.0.0.2" })
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    sim:emit("del", { e = "10.0.0.1" })                -- the main chunk's
    assert.matches("held by p, p%.lua:1", eval "answer[2]")
    assert.equal("nil", eval "answer[1]")
    sim:emit("del", { e = "10.0.0.9" })
    assert.equal("nil", eval "answer[1]")
    assert.equal("true\nfalse", eval "return s:has('10.0.0.1'), s:has('10.9.9.9')")
    eval "s:add('10.0.0.5')"
    assert.same({ "10.0.0.1", "10.0.0.5" }, sim:set "inet t s")
  end)

  it("belong to packs: one does not delete another's", function ()
    start { a = [[ nft.table("inet", "t"):set("s", { type = "ipv4_addr", elements = { "10.0.0.1" } }) ]],
      p = [[ s = nft.table("inet", "t"):set("s") function on_message() ok, why = s:del("10.0.0.1") end ]] }
    sim:emit("x")
    assert.matches("held by a, a.lua:1", eval "why")
  end)

  it("return nil and a message for a bad value, and take nothing of a list", function ()
    start([[ s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" }) ]])
    for code, message in pairs {
      ["s:add('bogus')"] = "bogus", ["s:add('::1')"] = "::1", ["s:add('10.0.0.0/8')"] = "10.0.0.0/8", ["s:add('10.0.0.1\\n')"] = "no printable text",
      ["s:add('')"] = "empty", ["s:add('10.0.0.1', { timeout = 'soon' })"] = "soon", ["s:add('10.0.0.1', { timeout = 0 })"] = "0 is refused",
      ["s:replace { '10.0.0.1', 'bogus' }"] = "bogus", ["s:has('bogus')"] = "bogus", ["s:del('bogus')"] = "bogus", ["s:add(('x'):rep(300))"] = "too many",
      ["s:add(1.5)"] = "1.5 is no whole number",
    } do
      local out = eval("local ok, why = " .. code .. " return tostring(ok) .. ': ' .. tostring(why)")
      assert.matches("^nil: ", out, 1)
      assert.matches(message, out, 1, true)
    end
    assert.same({}, sim:set "inet t s")
  end)

  it("raise for a bad type of argument", function ()
    start([[ t = nft.table("inet", "t") s = t:set("s", { type = "ipv4_addr" }) ]], { links = { eth0 = {} } })
    for code, message in pairs {
      ["s:add()"] = "set:add: 1 argument needed, got 0", ["s:add(nil)"] = "set:add: argument 1: expected an element", ["s:add(true)"] = "got a boolean",
      ["s:add(net.addrs {})"] = "use set:follow(query)", ["s:add('1.1.1.1', 5)"] = "argument 2: expected a table, got an integer",
      ["s:add('1.1.1.1', { timout = 5 })"] = 'did you mean "timeout"', ["s:replace('1.1.1.1')"] = "expected a table, got a string",
      ["s.add('1.1.1.1')"] = "call it as a method, with a colon", ["s:ad('1.1.1.1')"] = 'did you mean "add"', ["t:set(5)"] = "expected a string, got an integer",
      ["s:add(t)"] = "got table handle",
    } do
      local ok, err = sim:eval(code, "p")
      assert.is_nil(ok, code)
      assert.matches(message, err, 1, true)
    end
  end)

  it("take timeouts, comments and concatenations", function ()
    start([[
      local t = nft.table("inet", "t")
      s = t:set("s", { type = "ipv4_addr . inet_service", flags = "timeout" })
      s:add({ "10.0.0.1", 80 })
      s:add("10.0.0.2 . 443", { comment = "web" })
      t:set("u", { type = "ipv4_addr", flags = { "timeout" }, elements = { "10.0.0.1", { "10.0.0.2", timeout = "1h" }, { "10.0.0.3", timeout = 90, comment = "x" } } })
      t:map("m", { type = "ipv4_addr : verdict", elements = { ["10.0.0.1"] = "accept", ["10.0.0.2"] = "goto x" } })
      t:map("n", { type = "ipv4_addr . inet_service : ipv4_addr . inet_service" }):add({ "10.0.0.1", 80 }, { "10.1.1.1", 8080 })
      t:chain("x")
    ]])
    assert.same({}, sim:errors())
    assert.same({ "10.0.0.1 . 80", '10.0.0.2 . 443 comment "web"' }, sim:set "inet t s")
    assert.same({ "10.0.0.1", "10.0.0.2 timeout 1h", '10.0.0.3 timeout 1m30s comment "x"' }, sim:set "inet t u")
    assert.same({ "10.0.0.1 : accept", "10.0.0.2 : goto x" }, sim:set "inet t m")
    assert.same({ "10.0.0.1 . 80 : 10.1.1.1 . 8080" }, sim:set "inet t n")
  end)

  it("expire when their time is over", function ()
    start([[
      s = nft.table("inet", "t"):set("s", { type = "ipv4_addr", flags = "timeout" })
      function on_message(ev) s:add(ev.data.e, { timeout = 60 }) end
    ]])
    sim:emit("ban", { e = "10.0.0.1" })
    sim:advance(30)
    sim:emit("ban", { e = "10.0.0.1" })           -- longer
    sim:advance(40)
    assert.equal("true", eval "s:has('10.0.0.1')")
    sim:advance(30)
    assert.equal("false", eval "s:has('10.0.0.1')")
  end)

  it("follow replace() with a query, as of the commit", function ()
    start([[
      s = nft.table("inet", "t"):set("s", { type = "ipv4_addr" })
      function on_message() s:replace(net.addrs { family = "ipv4" }) end
    ]], { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    sim:emit("x")
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    sim:addr_add("eth0", "10.0.0.2/8")
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    sim:emit("x")
    assert.same({ "10.0.0.1", "10.0.0.2" }, sim:set "inet t s")
  end)

  it("replace only their own layer", function ()
    start([[
      s = nft.table("inet", "t"):set("s", { type = "ipv4_addr", elements = { "10.0.0.1" } })
      rnm.block(function () s:replace { "10.0.0.2", "10.0.0.3" } s:replace { "10.0.0.3" } end)
      function on_message() s:replace { "10.0.0.4" } end
    ]])
    assert.same({ "10.0.0.1", "10.0.0.3" }, sim:set "inet t s")
    sim:emit("x")
    assert.same({ "10.0.0.1", "10.0.0.3", "10.0.0.4" }, sim:set "inet t s")
  end)
end)

describe("parameters of rules", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("are values of every kind", function ()
    start([[
      local t = nft.table("inet", "t")
      local c, d = t:chain("c"), t:chain("d")
      local s = t:set("s", { type = "ipv4_addr" })
      local m = t:map("m", { type = "ifname : verdict" })
      c:rule("ip saddr $a tcp dport $p accept", { a = "10.0.0.1", p = { 80, 443.0 } })
      c:rule("ip saddr $n accept", { n = nft.prefix "10.0.0.0/8" })
      c:rule("tcp dport $r accept", { r = nft.range(1000, 2000) })
      c:rule("iifname $g accept", { g = nft.glob "tap*" })
      c:rule("ip saddr $s accept", { s = s })
      c:rule("iifname vmap $m", { m = m })
      c:rule("tcp dport vmap $v", { v = { [80] = "accept", [22] = "drop" } })
      c:rule("ip saddr . tcp dport $cc accept", { cc = { { "10.0.0.1", 80 }, { "10.0.0.2", 81 } } })
      c:rule("ip saddr { $x, 10.9.9.9 } accept", { x = "10.8.8.8" })
      rnm.each(net.links {}, function (l) d:rule("iifname $l accept", { l = l }) end)
      rnm.each(net.addrs { family = "ipv4" }, function (a) d:rule("ip saddr $a accept", { a = a }) end)
    ]], { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    assert.same({}, sim:errors())
    local text = sim:ruleset()
    for _, want in ipairs {
      "ip saddr 10.0.0.1 tcp dport { 80, 443 } accept", "ip saddr 10.0.0.0/8 accept", "tcp dport 1000-2000 accept", 'iifname "tap*" accept', "ip saddr @s accept",
      "iifname vmap @m", "tcp dport vmap { 22 : drop, 80 : accept }", "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 81 } accept", 'iifname "eth0" accept',
      "ip saddr { 10.8.8.8, 10.9.9.9 } accept", "ip saddr 10.0.0.1 accept",
    } do assert.matches(want, text, 1, true) end
  end)

  it("are never parsed as text", function ()
    for _, value in ipairs { "10.0.0.1 accept", "10.0.0.1, 10.0.0.2", "{ 10.0.0.1 }", "@s", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "$x" } do
      start("nft.table('inet', 't'):chain('c'):rule('ip saddr $a accept', { a = '" .. value .. "' })")
      assert.not_matches("accept", sim:ruleset(), 1, true)
      assert.matches("[%w]", table.concat(sim:errors(), "\n"))
      sim:close()
    end
    sim = nil
  end)

  it("take of a table only what the text uses", function ()
    start([[
      local cfg = rnm.config { a = "10.0.0.1", f = 1.5, b = true, ports = { 1, 2 } }
      nft.table("inet", "t"):chain("c"):rule("ip saddr $a tcp dport $ports accept", cfg)
    ]])
    assert.matches("ip saddr 10.0.0.1 tcp dport { 1, 2 } accept", sim:ruleset(), 1, true)
  end)

  it("raise when one is missing, with a proposal", function ()
    local head = "local c = nft.table('inet', 't'):chain('c') "
    fails(head .. "c:rule('ip saddr $server accept', { sever = '10.0.0.1' })", "$server has no value; did you mean $sever?")
    fails(head .. "c:rule('ip saddr $server accept')", "$server has no value")
    fails(head .. "c:rule('ip saddr $a accept', { a = true })", "$a: a boolean is no value")
    fails(head .. "c:rule('ip saddr $a accept', { a = 1.5 })", "$a: 1.5 is no whole number")
    fails(head .. "c:rule('ip sadr 10.0.0.1 accept')", "p.lua:1")
    fails(head .. "c:rule(5)", "chain:rule: argument 1: expected a string, got an integer")
    fails(head .. "c:rule('accept', 5)", "chain:rule: argument 2: expected a table, got an integer")
  end)

  it("come by rules(), one a line, with comments and continued lines", function ()
    start([==[
      nft.table("inet", "t"):chain("c"):rules([[
        # a comment
        tcp dport $p accept

        ip saddr 10.0.0.1 \
          drop
      ]], { p = 22 })
    ]==])
    assert.same({}, sim:errors())
    assert.matches("tcp dport 22 accept\n%s+ip saddr 10.0.0.1 drop", sim:ruleset())
  end)

  it("may stand in front of all packs' rules", function ()
    start { ["10-a"] = "nft.table('inet', 't'):chain('c'):rule('tcp dport 1 accept')", ["20-b"] = "nft.table('inet', 't'):chain('c'):insert('tcp dport 2 accept')" }
    assert.matches("tcp dport 2 accept\n%s+tcp dport 1 accept", sim:ruleset())
  end)
end)

describe("specs", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("are checked field by field", function ()
    local t = "local t = nft.table('inet', 't') "
    fails("nft.table('inet')", "nft.table: 2 arguments needed, got 1")
    fails("nft.table('inett', 't')", "inet")
    fails("nft.table('inet', 'table')", "table_")
    fails("nft.table('inet', 'a b')", "nft.name")
    fails("nft.tabel('inet', 't')", 'nft: unknown field "tabel"; did you mean "table"?')
    fails(t .. "t:chain('c', { tpye = 'nat' })", 'table:chain: unknown field "tpye"; did you mean "type"?')
    fails(t .. "t:chain('c', { type = 'natt' })", 'unknown value "natt"; did you mean "nat"?')
    fails(t .. "t:chain('c', { type = 'nat', hook = 'prerouting', priority = 'dstnatt' })", "priority")
    fails(t .. "t:chain('c', { hook = 'prerouting', priority = 1.5 })", "priority: expected a string or an integer")
    fails(t .. "t:chain('c', { policy = 'drp' })", 'did you mean "drop"')
    fails(t .. "t:set('s', { type = 'ipv4_adr' })", "ipv4_addr")
    fails(t .. "t:set('s', { type = 'ipv4_addr : verdict' })", "use table:map()")
    fails(t .. "t:map('m', { type = 'ipv4_addr' })", 'a map\'s type is "KEY : DATA"')
    fails(t .. "t:set('s', { type = 'ipv4_addr', size = 0 })", "size: 0 is out of range (1 to 4294967295)")
    fails(t .. "t:set('s', { type = 'ipv4_addr', flags = 'intervall' })", "interval")
    fails(t .. "t:set('s', { type = 'ipv4_addr', timeout = -1 })", "timeout")
    fails(t .. "t:set('s', { type = 'ipv4_addr', auto_merge = 1 })", "auto_merge: expected a boolean, got an integer")
    fails(t .. "t:set('s', { type = 'ipv4_addr', elements = { 'x' } })", "elements: ")
    fails(t .. "t:set('s', { type = 'ipv4_addr', elements = '10.0.0.1' })", "elements: expected a list")
    fails(t .. "t:conter('x')", 'unknown field "conter"; did you mean "counter"?')
  end)

  it("merge over declarations and packs", function ()
    start { a = [[ nft.table("inet", "t"):chain("c", { type = "filter", hook = "input", priority = 0, policy = "drop" }) ]],
      b = [[ nft.table("inet", "t"):chain("c"):rule("accept") nft.table("inet", "t"):set("s") ]],
      c = [[ nft.table("inet", "t"):set("s", { typeof = "ip saddr", size = 10, comment = "shared", gc_interval = "1m", flags = "timeout", policy = "memory" }) ]] }
    assert.same({}, sim:errors())
    assert.matches("chain inet t c { type filter hook input priority 0; policy drop; }", sim.start_batch, 1, true)
    assert.matches("set inet t s {", sim.start_batch, 1, true)
  end)

  it("undo the later of two packs that contradict each other", function ()
    start { a = [[ nft.table("inet", "t"):set("s", { type = "ipv4_addr", size = 1 }) ]],
      b = [[ nft.table("inet", "t"):set("s", { size = 2 }) nft.table("inet", "u") ]] }
    assert.equal("failed", sim:packs().b.state)
    assert.equal("running", sim:packs().a.state)
    assert.not_matches("table inet u", sim:ruleset())
  end)

  it("follow devices", function ()
    start([[
      nft.table("netdev", "t"):chain("c", { type = "filter", hook = "ingress", priority = 0, devices = net.links { name = "tap*" } }):rule("drop")
    ]], { links = { tap0 = {}, eth0 = {} } })
    assert.same({}, sim:errors())
    assert.matches("tap0", sim.start_batch)
    sim:link_add("tap1")
    assert.matches("tap1", sim.batches[1].text)
  end)

  it("give handles names, text and identity", function ()
    start([[ t = nft.table("inet", "t") c = t:chain("c") s = t:set("s", { type = "ipv4_addr" }) m = t:map("m", { type = "ipv4_addr : verdict" }) ]])
    assert.equal("c\nt\ninet", eval "return c.name, c.table, c.family")
    assert.equal("table inet t chain inet t c set inet t s map inet t m", eval "local u = {} for i, h in ipairs { t, c, s, m } do u[i] = tostring(h) end return table.concat(u, ' ')")
    assert.equal("chain inet t c", eval "return tostring(c)")
    assert.equal("true\nfalse", eval "return c == t:chain('c'), c == t:chain('d')")
  end)
end)
