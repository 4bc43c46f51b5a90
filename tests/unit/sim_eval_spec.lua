-- SPDX-License-Identifier: GPL-2.0-or-later
-- The console.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function eval(code, pack) return (assert(sim:eval(code, pack)):gsub("\n$", "")) end

describe("eval", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("prints the values of an expression, or runs statements", function ()
    start ""
    assert.equal("3", eval "1 + 2")
    assert.equal("1\ntwo\nnil", eval "return 1, 'two', nil")
    assert.equal("", eval "x = 5")
    assert.equal("5", eval "x")
    assert.equal("", eval "local y = 1")
    assert.equal("nil", eval "y")
    assert.equal("55", eval "local s = 0 for i = 1, 10 do s = s + i end return s")
  end)

  it("shows what print() says before the values", function ()
    start "function say() print('from the pack') end"
    assert.equal("a\tb\n7", eval "print('a', 'b') return 7")
    assert.equal("from the pack", eval("say()", "p"))
  end)

  it("leaves nothing behind in a reload without a word", function ()
    start [[ local t = nft.table("inet", "t") t:set("s", { type = "ipv4_addr" }) t:chain("c") ]]
    eval [[ local t = nft.table("inet", "t") t:chain("c"):rule("tcp dport 1 drop") t:set("mine", { type = "ipv4_addr", elements = { "10.0.0.1", "10.0.0.2" } }) ]]
    eval [[ nft.table("inet", "t"):set("s"):add("10.0.0.3") ]]
    eval [[ nft.table("inet", "t"):set("s"):follow(net.addrs {}) ]]
    eval [[ nft.table("inet", "t"):map("m", { type = "ipv4_addr : mark" }) nft.table("ip", "bare") ]]
    eval [[ nft.table("inet", "t"):chain("c"):rule("ip daddr @nowhere drop") ]]
    assert(sim:reload())
    local said = {}
    for _, line in ipairs(sim:log()) do said[#said + 1] = line:match "^warn pack: console: eval:1: dropped: (.*)" end
    table.sort(said)
    assert.same({ "2 elements of set inet t mine", "elements added to set inet t s", "map inet t m",
      "rule of chain inet t c, which waits: eval:1:10: set @nowhere is not stated, or nobody gave its type",
      "rule of chain inet t c: tcp dport 1 drop", "set inet t mine", "table ip bare", "what it follows in set inet t s" }, said)
  end)

  it("leaves nothing behind in a reload but so many words", function ()
    start ""
    eval [[ for i = 1, 30 do nft.table("inet", "t"):chain("c"):rule("tcp dport " .. i .. " drop") end ]]
    assert(sim:reload())
    local lines, last = 0
    for _, line in ipairs(sim:log()) do
      if line:find "^warn pack: console: " then lines, last = lines + 1, line end
    end
    assert.equal(21, lines)
    assert.equal("warn pack: console: … 12 more", last) -- 30 rules, their table and chain
  end)

  it("prints tables the same way each time", function ()
    start ""
    assert.equal("{}", eval "{}")
    assert.equal('{ 1, "two", { 3 }, a = true, b = { c = 1.5 } }', eval '{ 1, "two", { 3 }, b = { c = 1.5 }, a = true }')
    assert.equal('{ [10] = 1, [20] = 2, ["a b"] = 3 }', eval '{ [20] = 2, ["a b"] = 3, [10] = 1 }')
    assert.equal('{ "\\"q\\"\\n\\x01" }', eval [[ { '"q"\n\1' } ]])
    assert.matches("^{\n  a1 = 1,\n  a10 = 10,", eval "local t = {} for i = 1, 30 do t['a' .. i] = i end return t")
    assert.equal("{ { 1 }, t = <cycle>, u = { v = <cycle> } }", eval "local t = { { 1 } } t.t = t t.u = { v = t } return t")
    assert.matches("{…}", eval "local t = {} for i = 1, 9 do t = { t } end return t", 1, true)
    assert.matches("1000,\n  … 4000 more\n}$", eval "local t = {} for i = 1, 5000 do t[i] = i end return t")
    assert.matches("\n… %d+ more\n}$", eval "local t = {} for i = 1, 900 do t[i] = ('x'):rep(1000) end return t")
    assert.is_true(#eval "local t = {} for i = 1, 900 do t[i] = ('x'):rep(1000) end return t" < 300000)
    assert.equal("<function>\n<coroutine>", eval "return next or function () end, coroutine.create(function () end)")
  end)

  it("prints what is rnm's own", function ()
    start("", { links = { eth0 = { addrs = { "10.0.0.1/8" } } } })
    assert.matches("^net.addrs{}: 1 record\n  iface=eth0 .* address=10.0.0.1 ", eval "net.addrs {}")
    assert.matches("address = \"10.0.0.1\"", eval "net.addrs {}:first()")
    assert.equal('{ net.addrs{}:map("network") }', eval "{ net.addrs {}:map('network') }")
    assert.equal("10.0.0.0/8", eval "nft.prefix '10.0.0.0/8'")
    assert.equal("<block>\n<handle>", eval "return rnm.block(function () end), rnm.after(1, function () end)")
    assert.equal('{ ["a"] = { 1, 2, ["x"] = "y" } }', eval "rnm.state.a = { 1, 2, x = 'y' } return rnm.state")
  end)

  it("states lastingly, one line after the other", function ()
    start [[ nft.table("inet", "t"):chain("c"):rule("tcp dport 1 accept") ]]
    eval "nft.table('inet', 't'):chain('c'):rule('tcp dport 2 accept')"
    eval "nft.table('inet', 't'):chain('c'):rule('tcp dport 3 accept')"
    eval "1 + 1"
    assert.matches("dport 1 accept\n%s+tcp dport 2 accept\n%s+tcp dport 3 accept", sim:ruleset())
    assert.equal(2, #sim.batches)
    eval "b = rnm.block(function () nft.table('inet', 't'):chain('d'):rule('iifname $i accept', { i = net.links {}:map('name') }) end)"
    sim:link_add "eth7"
    assert.matches("eth7", sim.batches[#sim.batches].text)
    eval "b:cancel()"
    assert.not_matches("chain d", sim:ruleset())
  end)

  it("is undone by an error", function ()
    start("x = 1", { limits = { main_instructions = 1000000, hook_instructions = 1000000 } })
    for code, message in pairs {
      ["nft.table('inet', 't') error('no')"] = "no", ["nft.table('inet', 't') rnm.block(function () error('in block') end)"] = "in block",
      ["nft.table('inet', 't'):chain('c'):rule('ip saddr bogus accept')"] = "bogus", ["x ="] = "eval:1", ["while true do end"] = "instruction",
      ["nft.table('inet', 't'):set('s', { type = 'ipv4_addr' }) nft.table('inet', 't'):set('s', { type = 'ipv6_addr' })"] = "type",
      ["error()"] = "nil", ["error({})"] = "table",
    } do
      local ok, err = sim:eval(code)
      assert.is_nil(ok, code)
      assert.matches(message, err, 1, true)
      assert.equal("", sim:ruleset())
    end
    assert.equal(0, #sim.batches)
    assert.equal("1", eval("x", "p"))
  end)

  it("runs in another pack's state", function ()
    start { p = "secret = 42", q = "secret = 43" }
    assert.equal("42", eval("secret", "p"))
    assert.equal("43", eval("secret", "q"))
    assert.equal("nil", eval "secret")
    assert.matches('there is no pack "z"', select(2, sim:eval("1", "z")), 1, true)
  end)

  it("shows the plan of a dry run and changes nothing", function ()
    start "x = 1"
    local out = assert(sim:eval("nft.table('inet', 't'):chain('c'):rule('accept')", nil, true))
    assert.matches("%+ add rule inet t c accept", out)
    assert.equal("", sim:ruleset())
    assert.equal(0, #sim.batches)
    out = assert(sim:eval("nft.table('inet', 't'):chain('c'):rule('accept')", nil, true))
    assert.matches("%+ add rule inet t c accept", out)
    eval "nft.table('inet', 't'):chain('c'):rule('accept')"
    assert.equal(1, #sim.batches)
  end)

  it("keeps nothing of what was undone", function ()
    if (os.getenv "LD_PRELOAD" or ""):find "asan" then return end -- which keeps all that was freed for a while
    local program = [=[
      local sim = require "rnm.testing".simulate { packs = { p = "" } }
      local function rss()
        collectgarbage()
        for line in io.lines "/proc/self/status" do
          local k = line:match "^VmRSS:%s+(%d+)"
          if k then return tonumber(k) end
        end
      end
      for _, f in ipairs {
        function () assert(sim:eval("rnm.block(function () nft.table([[inet]], [[t]]) end)", "p", true)) end,
        function () assert(not sim:eval("rnm.block(function () nft.table([[inet]], [[t]]) end) error [[no]]", "p")) end,
      } do
        for _ = 1, 1000 do f() end
        local before = rss()
        for _ = 1, 10000 do f() end
        print(rss() - before)
      end
    ]=]
    local p <close> = assert(io.popen("lua5.4 -e '" .. program .. "'")) -- alone: no holes that others left in the heap
    local grown = { p:read("n", "n") }
    assert.equal(2, #grown)
    for _, k in ipairs(grown) do assert.is_true(k < 500, "grew by " .. k .. " KiB") end
  end)

  it("takes hooks", function ()
    start ""
    eval "n = 0 function on_addr_change(ev) n = n + 1 end"
    sim:link_add "eth0"
    sim:addr_add("eth0", "10.0.0.1/8")
    assert.equal("1", eval "n")
    eval "function on_addr_change(ev) n = n + 10 end"
    assert.equal("11", eval "n")                    -- the new handler has seen the present object
    sim:addr_add("eth0", "10.0.0.2/8")
    assert.equal("21", eval "n")
    assert.matches("did you mean on_addr_change", select(2, sim:eval "function on_adr_change() end"), 1, true)
  end)

  it("only looks when it is to be read-only", function ()
    start([[
      t = nft.table("inet", "t")
      s = t:set("s", { type = "ipv4_addr", elements = { "10.0.0.1" } })
      b = rnm.block(function () end)
      function on_message() end
      seen = {}
    ]], { links = { eth0 = {} } })
    local function look(code, pack) return sim:eval(code, pack, { read_only = true }) end
    local before = sim:ruleset()
    assert.equal("true\n", look "nft.table('inet', 't'):set('s'):has('10.0.0.1')")
    assert.equal("true\n", look("s:has('10.0.0.1')", "p"))
    assert.equal("eth0\n", look "net.links {}:first().name")
    assert.equal("3\n", look "local x = 1 local function f() return x + 2 end return f()")
    assert.matches("^rnm.block", look "help('rnm.block')")
    for code, message in pairs {
      ["nft.table('inet', 'u', { comment = 'x' })"] = "nft.table", ["nft.table('inet', 't'):chain('c'):rule('accept')"] = "chain:rule",
      ["nft.table('inet', 't'):set('u', { type = 'mark' })"] = "table:set", ["nft.load('table inet u { }')"] = "nft.load",
      ["nft.table('inet', 't'):set('s'):add('10.0.0.2')"] = "set:add", ["nft.table('inet', 't'):set('s'):replace({})"] = "set:replace",
      ["nft.table('inet', 't'):set('s'):del('10.0.0.1')"] = "set:del", ["nft.table('inet', 't'):set('s'):follow(net.addrs {})"] = "set:follow",
      ["nft.table('inet', 't'):map('m'):add('1', '2')"] = "map:add", ["nft.attach('inet', 'a', 'b')"] = "nft.attach",
      ["rnm.block(function () end)"] = "rnm.block", ["rnm.each(net.links {}, function () end)"] = "rnm.each",
      ["rnm.on('start', function () end)"] = "rnm.on", ["rnm.after(1, function () end)"] = "rnm.after", ["rnm.every(1, function () end)"] = "rnm.every",
      ["rnm.emit('x')"] = "rnm.emit", ["rnm.state.x = 1"] = "rnm.state",
      ["b:refresh()"] = "block:refresh", ["b:cancel()"] = "handle:cancel", ["x = 1"] = "x", ["_G.x = 1"] = "x", ["function on_start() end"] = "on_start",
      ["pcall(function () rnm.state.x = 1 end) rnm.state.y = 1"] = "rnm.state",
    } do
      local ok, err = look(code, "p")
      assert.is_nil(ok, code)
      assert.matches(message .. ": this prompt is read-only", err, 1, true)
    end
    assert.equal(before, sim:ruleset())
    assert.equal(0, #sim.batches)
    assert.same({}, sim:evals())
    assert.equal("nil\nnil", eval("return x, rnm.state.x", "p"))
  end)

  it("shows what is behind a handle", function ()
    start [[ local t = nft.table("inet", "t") t:set("s", { type = "ipv4_addr", elements = { "10.0.0.1" } }) t:chain("c"):rule("accept") ]]
    assert.equal("set inet t s\ntable inet t {\n\tset s {\n\t\ttype ipv4_addr;\n\t\telements = { 10.0.0.1 }\n\t}\n}", eval "nft.table('inet', 't'):set('s')")
    assert.matches("^table inet t\ntable inet t {.*chain c {\n\t\taccept", eval "nft.table('inet', 't')")
    assert.equal("chain inet t new", eval "nft.table('inet', 't'):chain('new')")
    assert.equal("{ set inet t s }", eval "{ nft.table('inet', 't'):set('s') }")
  end)

  it("lets nothing through that would move a terminal", function ()
    start ""
    local bad = [["a\27[2Jb\7\u{9b}31m\xff\u{202e}c\u{e9}"]]
    assert.equal('{ "a\\x1b[2Jb\\x07\\xc2\\x9b31m\\xff\\xe2\\x80\\xaecé" }', eval("{ " .. bad .. " }"))
    local function tty(code) return assert(sim:eval(code, nil, { colours = true })) end
    for _, code in ipairs { bad, "{ " .. bad .. " }", "{ [" .. bad .. "] = " .. bad .. " }", "print(" .. bad .. ")", "rnm.state.x = { " .. bad .. " } return rnm.state" } do
      local shown = tty(code):gsub("\27%[%d*m", "")
      assert.not_matches("[%c]", (shown:gsub("[\n\t]", "")))
      assert.not_matches("\xc2\x9b", shown, 1, true)
    end
  end)

  it("has colours where it is asked for them", function ()
    start ""
    assert.equal('{ \27[36m1\27[m, a = \27[32m"x"\27[m, b = \27[33mtrue\27[m }\n', assert(sim:eval("{ 1, a = 'x', b = true }", nil, { colours = true })))
    assert.equal("\27[33mnil\27[m\n", assert(sim:eval("nil", nil, { colours = true })))
    assert.equal("text\n", assert(sim:eval("'text'", nil, { colours = true })))
    local plain = eval "local t = {} for i = 1, 20 do t['k' .. i] = i end return t"
    assert.equal(plain, (assert(sim:eval("local t = {} for i = 1, 20 do t['k' .. i] = i end return t", nil, { colours = true })):gsub("\27%[%d*m", ""):gsub("\n$", "")))
  end)
end)
