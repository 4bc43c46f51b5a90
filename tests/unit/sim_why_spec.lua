-- SPDX-License-Identifier: GPL-2.0-or-later
-- Whose something is: `rnm why`, and the same as JSON.
local dkjson = require "dkjson"
local simulate = require "rnm.testing".simulate

local policy = [[
local t = nft.table("inet", "t")
s = t:set("s", { type = "ipv4_addr", flags = "timeout", elements = { "10.0.0.1", "10.0.0.2" } })
t:set("wan4", { type = "ipv4_addr", elements = net.addrs { zone = "wan", family = "ipv4" } })
t:set("r", { type = "ipv4_addr", flags = "interval", elements = { nft.prefix "10.0.0.0/8", nft.range("192.0.2.5", "192.0.2.9") } })
t:set("p", { type = "ipv4_addr . inet_service", elements = { "10.0.0.1 . 22" } })
t:set("six", { type = "ipv6_addr", elements = { "2001:db8::1" } })
t:map("m", { type = "inet_service : verdict", elements = { [22] = "accept", [80] = "jump far" } })
t:chain("far"):rule "counter accept"
local c = t:chain("in", { type = "filter", hook = "input", priority = 0, policy = "accept" })
c:rule "ip saddr @s counter accept"
c:rule [=[ip saddr { 10.0.0.0/24, 198.51.100.1 } drop comment "of 203.0.113.99"]=]
c:rule "ip saddr @nope drop"
c:rule "tcp dport vmap @m"
rnm.on("message", { topic = "ban" }, function (ev) s:add(ev.data.a, { timeout = "1h" }) end)
rnm.block(function () if net.link("eth0").up then s:add("10.0.0.1") end end)
rnm.on("addr_change", { zone = "wan", action = "add" }, function (ev)
  c:rule("ip daddr $a accept", { a = ev.address })
end)
]]
local other = [[ nft.table("inet", "t"):chain("in"):rule "tcp dport 9 drop" nft.table("ip", "q"):set("s", { type = "inet_service" }) ]]

describe("why", function ()
  local sim
  before_each(function ()
    sim = simulate { links = { eth0 = { zone = "wan" } }, packs = { a = policy, b = other } }
  end)
  after_each(function () if sim then sim:close() sim = nil end end)

  local function why(what) return assert(sim:why(what)) end
  local function fails(what, message)
    local out, err = sim:why(what)
    assert.is_nil(out)
    assert.matches(message, err, 1, true)
  end
  local TIME = "%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d"

  it("tells every holder of an address, and what covers it", function ()
    local out = why "10.0.0.1"
    assert.matches("element of set inet t s: 10.0.0.1\n  held by a, a.lua:2, in main chunk, since " .. TIME .. " by start\n" ..
      "  held by a, a.lua:15, in block at a.lua:15, since " .. TIME .. " by start\n", out)
    assert.matches("covered by an element of set inet t r: 10.0.0.0/8\n  held by a, a.lua:4", out, 1, true)
    assert.matches("element of set inet t p: 10.0.0.1 . 22\n", out, 1, true)
    assert.matches("named by rule of inet t in: ip saddr @s counter accept\n    a, a.lua:10, in main chunk", out, 1, true)
    assert.matches("named by rule of inet t in: ip saddr { 10.0.0.0/24, 198.51.100.1 } drop", out, 1, true)
    assert.is_nil(out:find("six", 1, true))
  end)

  it("tells the event that brought it", function ()
    sim:addr_add("eth0", "203.0.113.7/24")
    local out = why "203.0.113.7"
    assert.matches("element of set inet t wan4: 203.0.113.7\n  held by a, a.lua:3, in main chunk, since " .. TIME ..
      " by addr add eth0 203.0.113.7/24 ", out)
    sim:emit("ban", { a = "192.0.2.77" })
    out = why "192.0.2.77"
    assert.matches("element of set inet t s: 192.0.2.77, ends in 1h\n  held by a, a.lua:14, added in on_message, since " .. TIME ..
      " by message ban\n", out)
    sim:addr_del("eth0", "203.0.113.7/24")
    assert.is_nil((why "203.0.113.7"):find("wan4", 1, true))
    fails("203.0.113.8", "203.0.113.8: no set of rnm's holds it, and no rule names it")
  end)

  it("takes prefixes and ranges, and tells how they lie", function ()
    local out = why "192.0.2.0/29"
    assert.matches("overlaps an element of set inet t r: 192.0.2.5-192.0.2.9", out, 1, true)
    assert.matches("covers an element of set inet t r: 192.0.2.5-192.0.2.9", why "192.0.2.0/24", 1, true)
    assert.matches("\nelement of set inet t r: 192.0.2.5-192.0.2.9", "\n" .. why "192.0.2.5-192.0.2.9", 1, true)
    assert.matches("covered by an element of set inet t r: 192.0.2.5-192.0.2.9", why "192.0.2.6-192.0.2.7", 1, true)
    assert.matches("element of set inet t six: 2001:db8::1", why "2001:DB8:0::1", 1, true)
    assert.matches("named by rule of inet t in: ip saddr { 10.0.0.0/24, 198.51.100.1 }", why "198.51.100.1", 1, true)
    fails("203.0.113.99", "no set of rnm's holds it")     -- in a comment only
    fails("2001:db8::2", "no set of rnm's holds it")
    fails("192.0.2.10", "no set of rnm's holds it")
  end)

  it("tells who declares, fills and names a set", function ()
    sim:emit("ban", { a = "192.0.2.77" })
    local out = why "inet t s"
    assert.matches("^set inet t s: 3 elements\n  declared by a, a.lua:2, in main chunk, since " .. TIME .. " by start\n", out)
    assert.matches("  2 elements of a, a.lua:2, in main chunk", out, 1, true)
    assert.matches("  1 element of a, a.lua:15, in block at a.lua:15", out, 1, true)
    assert.matches("  1 element of a, a.lua:14, added in on_message", out, 1, true)
    assert.matches("  named by rule of inet t in: ip saddr @s counter accept\n", out, 1, true)
    assert.matches("follows net.addrs", why "wan4", 1, true)
    assert.matches("^map inet t m: 2 elements\n", (why "m"))
    assert.equal(why "wan4", why "set inet t wan4")
  end)

  it("tells whose a chain's rules are, and what waits for what", function ()
    local out = why "in"
    assert.matches("^chain inet t in\n  declared by a, a.lua:9, in main chunk, .-\n  named by b, b.lua:1, in main chunk, ", out)
    assert.matches("not in force: a.lua:12:10: set @nope is not stated", out, 1, true)
    assert.matches("rule of inet t in: tcp dport 9 drop\n    b, b.lua:1, in main chunk", out, 1, true)
    assert.matches("named by 1 element of map inet t m\n", why "far", 1, true)
  end)

  it("finds rules by text and by handle", function ()
    assert.matches("^rule of inet t in: tcp dport vmap @m\n    a, a.lua:13, in main chunk, since " .. TIME .. " by start\n$",
      (why "inet t in vmap"))
    assert.equal(why "inet t in vmap", why "vmap @m")
    assert.matches("not in force: ", why "saddr @nope", 1, true)
    sim:addr_add("eth0", "203.0.113.7/24")
    assert.matches("^rule of inet t in: ip daddr 203.0.113.7 accept\n    a, a.lua:17, in on_addr_change at a.lua:16, since " .. TIME ..
      " by addr add eth0 203.0.113.7/24 ", (why "ip daddr 203.0.113.7"))
    local handle = 0
    for _, part in ipairs(dkjson.decode(sim:json()).nftables) do
      if part.rule and part.rule.text == "tcp dport vmap @m" then handle = part.rule.handle end
    end
    assert.equal(why "vmap @m", why("inet t in handle " .. handle))
    fails("inet t in handle 999", "chain in of inet t has no rule 'handle 999'")
    fails("inet t in bogus", "chain in of inet t has no rule 'bogus'")
  end)

  it("tells the packs of a table", function ()
    assert.matches("^table inet t\n  pack a: %d+ statements\n  pack b: %d+ statements\n$", (why "inet t"))
    assert.equal(why "inet t", why "table inet t")
    assert.equal(why "inet t", why "t")
  end)

  it("finds other elements", function ()
    assert.matches("^element of map inet t m: 22 : accept\n  held by a, a.lua:7, in main chunk, ", (why "22"))
    assert.matches("^element of set inet t p: 10.0.0.1 . 22\n", (why "10.0.0.1 . 22"))
  end)

  it("finds an address as what a map leads to", function ()
    sim:close()
    sim = simulate { packs = { p = [[
      local t = nft.table("ip", "t")
      t:map("host", { type = "inet_service : ipv4_addr", elements = { [80] = "192.0.2.80", [443] = "192.0.2.43" } })
      t:map("port", { type = "inet_service : ipv4_addr . inet_service", elements = { [80] = "192.0.2.80 . 8080" } })]] } }
    local out = why "192.0.2.80"
    assert.matches("value of an element of map ip t host: 80 : 192.0.2.80\n  held by p, p.lua:2", out, 1, true)
    assert.matches("value of an element of map ip t port: 80 : 192.0.2.80 . 8080\n  held by p, p.lua:3", out, 1, true)
    assert.is_nil(out:find("443", 1, true))
    assert.matches("443 : 192.0.2.43", why "192.0.2.0/24", 1, true)
    fails("192.0.2.81", "no set of rnm's holds it")
  end)

  it("says what it does not know", function ()
    fails("inet tt", "inet tt: rnm states nothing of this name; did you mean 'inet t'?")
    fails("inet t inn", "did you mean 'in'?")
    fails("wan44", "did you mean 'wan4'?")
    fails("xyzzyx", "xyzzyx: rnm states nothing of this name; `rnm list` shows what it states")
    fails("s", "several have this name, say which: set inet t s, set ip q s")
    fails("", "why needs an ADDRESS")
    fails(("x"):rep(2000), "longer than")
    fails("inet " .. ("x"):rep(300), "states nothing")
    fails("\27[31m\255", "\\x1b[31m\\xff: rnm states nothing")
    fails("1.2.3.4/99", "states nothing")
  end)

  it("goes with what it tells of: undone, withdrawn, reloaded", function ()
    sim:emit("ban", { a = "192.0.2.77" })
    local before = why "192.0.2.77"
    assert.is_nil((sim:eval("s:del('192.0.2.77') error('no')", "a")))
    assert.equal(before:gsub(", ends in [^\n]*", ""), (why "192.0.2.77"):gsub(", ends in [^\n]*", ""))
    sim:link_set("eth0", { up = false })
    assert.is_nil((why "10.0.0.1"):find("block", 1, true))
    sim:link_set("eth0", { up = true })
    assert.matches("in block at a.lua:15, since " .. TIME .. " by link change eth0", (why "10.0.0.1"))
    sim:reload { packs = { a = policy, b = other }, links = { eth0 = { zone = "wan" } } }
    assert.matches("held by a, a.lua:2, in main chunk, since " .. TIME .. " by reload\n", (why "10.0.0.2"))
    assert.matches("added in on_message, since " .. TIME .. " by message ban\n", (why "192.0.2.77"))   -- it lasts
  end)

  it("forgets the oldest events, not whose it is", function ()
    sim:close()
    sim = simulate { packs = { p = [[
      s = nft.table("inet", "t"):set("s", { type = "mark" })
      function on_message(ev) s:add(tonumber(ev.data.n)) if ev.data.d then s:del(tonumber(ev.data.d)) end end
    ]] } }
    for i = 1, 6000 do sim:emit("m" .. i, { n = i, d = i > 3000 and i % 2 == 0 and i - 1 or nil }) end
    assert.matches("by message m6000\n", why "6000", 1, true)
    assert.matches("by message m5990\n", why "5990", 1, true)
    local out = why "2"
    assert.matches("held by p, p.lua:2, added", out, 1, true)
    assert.is_true(out:find("long ago", 1, true) ~= nil or out:find("by message m2\n", 1, true) ~= nil, out)
    assert.matches("declared by p, p.lua:1, in main chunk", why "s", 1, true)
  end)
end)

describe("JSON", function ()
  local sim
  after_each(function () if sim then sim:close() sim = nil end end)

  local function start(packs) sim = simulate { links = { eth0 = { zone = "wan" } }, packs = packs } end
  local function decode(text)
    local doc, _, err = dkjson.decode(text)
    assert.is_nil(err)
    assert.equal("\n", (text:match "}(%s*)$"):sub(1, 1))
    return doc
  end

  it("lists everything, each with its provenance", function ()
    start { a = policy, b = other }
    sim:emit("ban", { a = "192.0.2.77" })
    local kinds, rules, elems = {}, {}, {}
    for _, part in ipairs(decode(sim:json()).nftables) do
      local kind, body = next(part)
      kinds[kind] = (kinds[kind] or 0) + 1
      if kind == "rule" then rules[body.text or body.state] = body end
      for _, e in ipairs(body.elem or {}) do elems[body.name .. " " .. e.elem.val] = e.elem end
      if kind ~= "metainfo" then assert.truthy(body.provenance.pack or body.provenance[1].pack, kind) end
    end
    assert.same({ metainfo = 1, table = 2, set = 6, map = 1, chain = 2, rule = 6 }, kinds)
    assert.same({ "b", "b.lua", 1, "main chunk", "start" }, { rules["tcp dport 9 drop"].provenance.pack,
      rules["tcp dport 9 drop"].provenance.file, rules["tcp dport 9 drop"].provenance.line, rules["tcp dport 9 drop"].provenance.run,
      rules["tcp dport 9 drop"].provenance.event })
    assert.matches("@nope", rules.pending.why, 1, true)
    assert.equal(2, #elems["s 10.0.0.1"].provenance)
    assert.equal(15, elems["s 10.0.0.1"].provenance[2].run_line)
    local banned = elems["s 192.0.2.77"]
    assert.equal(3600, banned.timeout)
    assert.is_true(banned.expires > 3590 and banned.expires <= 3600)
    assert.same({ "on_message", true, "message ban" },
      { banned.provenance[1].run, banned.provenance[1].edit, banned.provenance[1].event })
    assert.is_true(math.abs(banned.provenance[1].time - os.time()) < 60)
    assert.equal("jump far", elems["m 80"].data)
  end)

  it("lists a part, and refuses what is too long or unknown", function ()
    start { a = policy, b = other }
    local one = decode(sim:json "inet t s").nftables
    assert.same({ "metainfo", "table", "set" }, { next(one[1]), (next(one[2])), (next(one[3])) })
    assert.equal(3, #one)
    for what, message in pairs { ["inet x"] = "states nothing", ["inet"] = "expected FAMILY TABLE", ["a b c d"] = "expected FAMILY TABLE",
      ["iinet t"] = "iinet" } do
      local out, err = sim:json(what)
      assert.is_nil(out)
      assert.matches(message, err, 1, true)
    end
    local out, err = sim:json(nil, 100)
    assert.is_nil(out)
    assert.matches("longer than 100 bytes", err, 1, true)
  end)

  it("is valid whatever others named", function ()
    start { a = [[
      local t = nft.table("inet", "t")
      s = t:set("s", { type = "ifname", elements = { "a\"b\\c" } })
      function on_message(ev) s:add("x") end
    ]] }
    sim:emit("to\"p\\ic", {})
    local text = sim:json()
    local doc = decode(text)
    assert.equal("message to\"p\\ic", doc.nftables[3].set.elem[2].elem.provenance[1].event)
    decode(sim:status_json() .. "\n")
  end)

  it("has the status", function ()
    start { a = policy, bad = "error('x\"y')" }
    local doc = decode(sim:status_json() .. "\n")
    local packs = {}
    for _, p in ipairs(doc.packs) do packs[p.name] = p end
    assert.equal("running", packs.a.state)
    assert.equal("failed", packs.bad.state)
    assert.matches('x"y', packs.bad.last_error, 1, true)
    assert.equal(1, doc.network.links)
    assert.equal("pending", doc.pending[1].state)
    assert.same({ "a", "a.lua", 12 }, { doc.pending[1].pack, doc.pending[1].file, doc.pending[1].line })
    assert.equal(1, doc.ruleset.pending)
  end)
end)
