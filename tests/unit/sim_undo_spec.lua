-- SPDX-License-Identifier: GPL-2.0-or-later
-- What evals did, and taking it back: afterwards the ruleset is what it would be without them.
local simulate = require "rnm.testing".simulate

local sim
local pack = [[
  t = nft.table("inet", "t")
  s = t:set("s", { type = "ipv4_addr", flags = "timeout" })
  m = t:map("m", { type = "ipv4_addr : mark" })
  t:chain("c"):rule("ip saddr @s drop")
  rnm.on("message", { topic = "add" }, function (ev) s:add(ev.data.a, { timeout = ev.data.t }) end)
  rnm.on("message", { topic = "del" }, function (ev) s:del(ev.data.a) end)
  rnm.block(function () if rnm.state.mode then t:chain("mode"):rule("tcp dport " .. rnm.state.mode .. " accept") end end)
]]
local function start(source, opts)
  opts = opts or {}
  opts.packs = { p = source or pack }
  sim = simulate(opts)
  return sim
end
local function eval(code, p, who) return (assert(sim:eval(code, p, { who = who or 1 })):gsub("\n$", "")) end
local function undo(what, who) return assert(sim:undo(what, who)) end
local head = "local t = nft.table('inet', 't') local c, s = t:chain('c'), t:set('s') "

describe("undo", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("takes back statements, the last first", function ()
    start()
    local before = sim:ruleset()
    eval(head .. "c:rule('tcp dport 1 accept')")
    local one = sim:ruleset()
    eval(head .. "c:rule('tcp dport 2 accept') t:set('mine', { type = 'mark', elements = { 1 } })")
    eval "1 + 1"
    assert.equal(2, #sim:evals())
    assert.matches("^undone: #2  local t = .*\n$", undo())
    assert.equal(one, sim:ruleset())
    assert.matches("^undone: #1  ", undo())
    assert.equal(before, sim:ruleset())
    assert.same({}, sim:evals())
    assert.matches("nothing to undo", select(2, sim:undo()))
    assert.equal("", sim:plan())
  end)

  it("takes back one in the middle, and lets the others be", function ()
    start()
    for i = 1, 3 do eval(head .. ("c:rule('tcp dport %d accept')"):format(i)) end
    undo "#2"
    assert.matches("dport 1 accept\n%s+tcp dport 3 accept", sim:ruleset())
    eval(head .. "c:rule('tcp dport 4 accept')")
    assert.matches("dport 3 accept\n%s+tcp dport 4 accept", sim:ruleset())
    assert.matches("#4.*\nundone: #3", undo(2))
    assert.matches("there is no eval #2", select(2, sim:undo "#2"))
  end)

  it("takes blocks, records, handlers and timers with it", function ()
    start("", { links = { eth0 = {} } })
    eval [[
      local t = nft.table("inet", "x")
      rnm.block(function () t:chain("b"):rule("accept") rnm.block(function () t:chain("bb"):rule("drop") end) end)
      rnm.each(net.links {}, function (l) t:chain("l-" .. l.name) end)
      rnm.on("link_change", function (ev) t:chain("h-" .. ev.link.name) end)
      n = 0
      rnm.every(1, function () n = n + 1 end)
    ]]
    sim:link_add "eth1"
    for _, name in ipairs { "b", "bb", "l-eth0", "l-eth1", "h-eth0", "h-eth1" } do assert.matches("chain " .. name .. " {", sim:ruleset(), 1, true) end
    sim:advance(1.5)
    assert.equal("1", eval "n")
    undo()
    assert.equal("", sim:ruleset())
    sim:link_add "eth2"
    sim:advance(3)
    assert.equal("", sim:ruleset())
    assert.equal("1", eval "n")
  end)

  it("takes back edits, element by element", function ()
    start()
    eval("s:add('10.0.0.1') s:add('10.0.0.2')", "p")
    assert.same({ "10.0.0.1", "10.0.0.2" }, sim:set "inet t s")
    eval("s:replace({ '10.0.0.2', '10.0.0.3' })", "p")
    assert.same({ "10.0.0.2", "10.0.0.3" }, sim:set "inet t s")
    eval("s:del('10.0.0.2') m:add('10.0.0.9', 7)", "p")
    undo()
    assert.same({ "10.0.0.2", "10.0.0.3" }, sim:set "inet t s")
    assert.same({}, sim:set "inet t m")
    undo()
    assert.same({ "10.0.0.1", "10.0.0.2" }, sim:set "inet t s")
    undo()
    assert.same({}, sim:set "inet t s")
  end)

  it("takes back an older edit under a newer one", function ()
    start()
    eval("s:add('10.0.0.1') s:add('10.0.0.2')", "p", 1)
    eval("s:del('10.0.0.1') s:add('10.0.0.3')", "p", 2)
    assert.matches("1 element was edited again", undo(1, 1))
    assert.same({ "10.0.0.3" }, sim:set "inet t s")
    undo(1, 2)                       -- what it deleted was the first one's, which is gone
    assert.same({}, sim:set "inet t s")
    eval("s:add('10.0.0.1')", "p", 1)
    eval("s:add('10.0.0.1')", "p", 2) -- says it too
    undo(1, 1)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    undo(1, 2)
    assert.same({}, sim:set "inet t s")
  end)

  it("leaves what others edited since", function ()
    start()
    eval("s:add('10.0.0.1') s:add('10.0.0.2') s:add('10.0.0.3')", "p")
    sim:emit("add", { a = "10.0.0.1" })
    sim:emit("del", { a = "10.0.0.2" })
    assert.matches("2 elements were edited again", undo())
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    eval("s:del('10.0.0.1')", "p")
    sim:emit("del", { a = "10.0.0.1" }) -- it was gone already, and is to be gone
    undo()
    assert.same({}, sim:set "inet t s")
  end)

  it("knows about time", function ()
    start()
    sim:emit("add", { a = "10.0.0.1" })
    sim:emit("add", { a = "10.0.0.2", t = "10s" })
    eval("s:add('10.0.0.1', { timeout = 5 }) s:del('10.0.0.2')", "p")
    sim:advance(6)
    assert.same({}, sim:set "inet t s")
    undo()
    assert.same({ "10.0.0.1", "10.0.0.2 timeout 10s" }, sim:set "inet t s")
    sim:advance(5)                    -- its time is that of before
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    eval("s:del('10.0.0.1') s:add('10.0.0.7', { timeout = 2 })", "p")
    sim:advance(3)
    undo()
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
  end)

  it("takes back a replace with a query", function ()
    start(pack, { links = { eth0 = { addrs = { "192.0.2.1/24", "192.0.2.2/24" } } } })
    eval("s:add('192.0.2.1') s:add('10.0.0.1')", "p")
    eval("s:replace(net.addrs { family = 'ipv4' })", "p")
    assert.same({ "192.0.2.1", "192.0.2.2" }, sim:set "inet t s")
    undo()
    assert.same({ "10.0.0.1", "192.0.2.1" }, sim:set "inet t s")
  end)

  it("takes rnm.state back, and what follows from it", function ()
    start()
    local before = sim:ruleset()
    eval("rnm.state.mode = 22", "p")
    assert.matches("tcp dport 22 accept", sim:ruleset())
    eval("rnm.state.mode = 80 rnm.state.deep = { a = { b = 1 } }", "p")
    eval("rnm.state.deep.a.b = 2", "p")
    undo()
    assert.equal("1", eval("rnm.state.deep.a.b", "p"))
    undo "#1"
    assert.matches("tcp dport 80 accept", sim:ruleset())
    undo()
    assert.equal(before, sim:ruleset())
    assert.equal("nil\nnil", eval("return rnm.state.mode, rnm.state.deep", "p"))
  end)

  it("gives the handler back that was there before", function ()
    start([[ function on_link_change(ev) nft.table("inet", "t"):chain("old-" .. ev.link.name) end ]], { links = { eth0 = {} } })
    local before = sim:ruleset()
    eval([[ function on_link_change(ev) nft.table("inet", "t"):chain("new-" .. ev.link.name) end ]], "p")
    assert.not_matches("old-eth0", sim:ruleset(), 1, true)
    assert.matches("new-eth0", sim:ruleset(), 1, true)
    eval([[ function on_link_change(ev) nft.table("inet", "t"):chain("newer-" .. ev.link.name) end ]], "p")
    undo "#1"
    assert.matches("newer-eth0", sim:ruleset(), 1, true)
    undo()
    assert.equal(before, sim:ruleset())
    sim:link_add "eth1"
    assert.matches("old-eth1", sim:ruleset(), 1, true)
    eval("1", "p")
    assert.not_matches("new", sim:ruleset())
    eval [[ function on_link_change(ev) nft.table("inet", "c"):chain(ev.link.name) end ]]
    undo()
    assert.not_matches("table inet c", sim:ruleset())
    eval "1"
    sim:link_add "eth2"
    assert.not_matches("table inet c", sim:ruleset())
  end)

  it("is for one's own, unless it is all", function ()
    start()
    eval(head .. "c:rule('tcp dport 1 accept')", nil, 1)
    eval(head .. "c:rule('tcp dport 2 accept')", nil, 2)
    eval(head .. "c:rule('tcp dport 3 accept')", nil, 1)
    assert.matches("another operator's", select(2, sim:undo("#2", 1)))
    assert.matches("nothing of yours to undo; the last eval is #3", select(2, sim:undo(1, 3)))
    assert.matches("#3.*#1", undo(5, 1))
    assert.matches("dport 2", sim:ruleset())
    eval(head .. "c:rule('tcp dport 4 accept')", nil, 1)
    assert.matches("#4.*#2", undo("all", 9))
    assert.not_matches("dport [1-4]", sim:ruleset())
  end)

  it("says what depends on it, and what it can not do", function ()
    start()
    eval(head .. "t:set('x', { type = 'ipv4_addr' })", nil, 1)
    eval(head .. "c:rule('ip daddr @x drop')", nil, 2)
    assert.matches("waits now: .*@x", undo(1, 1))
    eval "rnm.emit('nothing') b = rnm.block(function () nft.table('inet', 'b') end)"
    eval "b:cancel() nft.table('inet', 'z')"
    assert.matches("1 handle that it cancelled stays cancelled", undo())
    assert.matches("it had sent 1 message", undo())
  end)

  it("changes nothing when the kernel refuses", function ()
    start()
    sim:emit("add", { a = "10.0.0.1" })
    eval("s:del('10.0.0.1') nft.table('inet', 'y')", "p")
    local with = sim:ruleset()
    sim:refuse "add element inet t s { 10.0.0.1"
    assert.matches("refused", select(2, sim:undo()))
    assert.equal(with, sim:ruleset())
    assert.equal(1, #sim:evals())
    sim:refuse(nil)
    undo()
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
  end)

  it("keeps lasting edits over a reload, and can still take them back", function ()
    start()
    eval("s:add('10.0.0.1') t:chain('gone')", "p")
    eval(head .. "c:rule('tcp dport 1 accept')")
    assert(sim:reload())
    assert.equal(1, #sim:evals())
    assert.equal("+ add element inet t s { 10.0.0.1 }\n", sim:evals()[1].text)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    undo()
    assert.same({}, sim:set "inet t s")
  end)

  it("has nothing of failed lines and dry runs", function ()
    start()
    assert.is_nil(sim:eval "nft.table('inet', 'q') error 'no'")
    assert(sim:eval("nft.table('inet', 'q')", nil, true))
    assert(sim:eval("nft.table('inet', 't'):set('s'):has('10.0.0.1')", nil, { read_only = true }))
    assert.same({}, sim:evals())
  end)

  it("has nothing of a mere look", function ()
    start()
    eval "nft.table('inet', 't'):set('s')"
    eval "return nft.table('inet', 't'):set('s'):has('10.0.0.1')"
    assert.same({}, sim:evals())
    eval "nft.table('inet', 't'):chain('other')"
    eval "nft.table('inet', 't'):set('s'):add('10.0.0.1')"
    assert.equal(2, #sim:evals())
    assert(sim:reload { packs = { p = "" } })
    assert.equal("", sim:ruleset())
  end)

  it("forgets sets that changed their type", function ()
    start ""
    eval("local s = nft.table('inet', 't'):set('s', { type = 'ipv4_addr' })")
    eval("nft.table('inet', 't'):set('s'):add('10.0.0.1')")
    undo "#1"
    eval("nft.table('inet', 't'):set('s', { type = 'mark', elements = { 5 } })")
    undo "#2"
    assert.same({ "0x00000005" }, sim:set "inet t s")
  end)

  it("remembers only so much", function ()
    start()
    eval("local l = {} for i = 0, 99999 do l[#l + 1] = ('10.%d.%d.%d'):format(i // 65536, i // 256 % 256, i % 256) end s:replace(l)", "p")
    eval("s:add('10.99.0.1') s:del('10.0.0.1')", "p")
    assert.matches("edits that are not remembered", sim:evals()[2].text)
    assert.matches("it changed more than is remembered", undo())
    assert.equal(100000, #sim:set "inet t s")
    assert.matches("1 element was edited again", undo())
    assert.same({ "10.99.0.1" }, sim:set "inet t s")
  end)
end)

describe("delta", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("is what evals hold, as commands of nft", function ()
    start(pack, { links = { eth0 = { addrs = { "192.0.2.1/24" } } } })
    eval(head .. [[ c:rule('tcp dport 1 accept') c:insert('tcp dport 2 drop')
      t:chain('in', { type = 'filter', hook = 'input', priority = 5 })
      t:set('e', { type = 'ipv4_addr', elements = { '10.1.1.1', '10.1.1.2' } })
      t:set('f', { type = 'ipv4_addr', elements = net.addrs { family = 'ipv4' } })
      t:counter('n') c:rule('ip daddr @nowhere drop') ]])
    eval("s:add('10.0.0.1', { timeout = '1h' }) m:add('10.0.0.2', 3)", "p", 7)
    sim:emit("add", { a = "10.0.0.4" })
    eval("s:del('10.0.0.4') rnm.state.mode = 5 rnm.after(100, function () end)", "p", 7)
    eval("nft.table('inet', 'bare')", nil, 9)
    assert.equal("+ add table inet bare\n", sim:evals()[4].text)
    undo(1, 9)
    eval("function on_link_change() end\n-- \27[31m red")
    local e = sim:evals()
    assert.equal(4, #e)
    assert.equal([[
+ add rule inet t c tcp dport 1 accept
+ insert rule inet t c tcp dport 2 drop
+ add chain inet t in { type filter hook input priority 5; policy accept; }
+ add set inet t e { type ipv4_addr; }
+ add element inet t e { 10.1.1.1, 10.1.1.2 }
+ add set inet t f { type ipv4_addr; }
+ add element inet t f { … }  # follows net.addrs{family="ipv4"}
+ add counter inet t n
+ add rule inet t c ip daddr @nowhere drop  # waits: ]], (e[1].text:gsub("waits: .*", "waits: ")))
    assert.same({ "p", 7, "+ add element inet t s { 10.0.0.1 timeout 1h }\n+ add element inet t m { 10.0.0.2 : 0x00000003 }\n" }, { e[2].pack, e[2].who, e[2].text })
    assert.equal("+ timer\n- delete element inet t s { 10.0.0.4 }\n~ rnm.state.mode\n", e[3].text)
    assert.equal("+ handler of on_link_change\n", e[4].text)
    eval("s:del('10.0.0.1') m:add('10.0.0.5', 4)", "p", 8) -- what comes and goes is no difference
    e = sim:evals()
    assert.equal("+ add element inet t m { 10.0.0.2 : 0x00000003 }\n", e[2].text)
    assert.equal("+ add element inet t m { 10.0.0.5 : 0x00000004 }\n", e[5].text)
    assert.equal("function on_link_change() end -- \\x1b[31m red", e[4].note)
  end)
end)
