-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm.config, rnm.state, rnm.file, rnm.log, rnm.pack, require.
local simulate = require "rnm.testing".simulate

local sim
local function start(source, opts)
  opts = opts or {}
  opts.packs = type(source) == "table" and source or { p = source }
  sim = simulate(opts)
  return sim
end
local function eval(code, pack) return (assert(sim:eval(code, pack or "p")):gsub("\n$", "")) end
local function write(path, text)
  local f = assert(io.open(path, "w"))
  f:write(text)
  f:close()
end
local function read(path)
  local f = io.open(path)
  local text = f and f:read "a"
  if f then f:close() end
  return text
end
local function tmpdir()
  local p = io.popen "mktemp -d /tmp/rnm-spec-XXXXXX"
  local dir = p:read "l"
  p:close()
  return dir
end

describe("rnm.config", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("lays the YAML over the defaults, deep", function ()
    start([[ cfg = rnm.config { a = 1, b = "x", f = 1.5, on = true, list = { 1 }, free = {}, sub = { x = 1, y = 2 } } ]],
      { config = { p = { b = "y", f = 2, list = { 7, 8 }, sub = { y = 3 }, free = { any = { 1, "two" } } } } })
    assert.equal([[
{
  a = 1,
  b = "y",
  f = 2,
  free = { any = { 1, "two" } },
  list = { 7, 8 },
  on = true,
  sub = { x = 1, y = 3 },
}]], eval "cfg")
    assert.equal("7 8 2", eval "local t = {} for i, v in ipairs(cfg.list) do t[i] = v end return t[1] .. ' ' .. t[2] .. ' ' .. #cfg.list")
    assert.equal("a b f free list on sub", eval "local t = {} for k in pairs(cfg) do t[#t + 1] = k end return table.concat(t, ' ')")
  end)

  it("is read-only", function ()
    start([[ cfg = rnm.config { a = 1, sub = { x = 1 }, list = { 1 } } ]])
    for _, code in ipairs { "cfg.a = 2", "cfg.sub.x = 2", "cfg.new = 1", "cfg.list[1] = 5", "cfg.list[2] = 5" } do
      assert.matches("read%-only", select(2, sim:eval(code, "p")))
    end
    assert.equal("{ a = 1, list = { 1 }, sub = { x = 1 } }", eval "cfg")
  end)

  it("tells every mistake with its place", function ()
    start([[ rnm.config { server = "x", ports = { 80 }, n = 5, sub = { deep = true } } ]],
      { config = { p = { sever = "y", ports = { 80, "http" }, n = 1.5, sub = { deep = "no", deeep = 1 } } } })
    local err = sim:packs().p.last_error
    for _, want in ipairs {
      'packs.p.config.sever: unknown key; did you mean "server"?', "packs.p.config.ports[2]: expected an integer, got a string",
      "packs.p.config.n: expected an integer, got a number", "packs.p.config.sub.deep: expected true or false, got a string",
      'packs.p.config.sub.deeep: unknown key; did you mean "deep"?',
    } do assert.matches(want, err, 1, true) end
    assert.matches("rnm%.yaml:%d+:%d+: packs%.p%.config%.sever", err)
  end)
end)

describe("rnm.state", function ()
  local dir
  before_each(function () dir = tmpdir() end)
  after_each(function ()
    if sim then sim:close() sim = nil end
    os.execute("rm -rf " .. dir)
  end)

  it("keeps strings, numbers, booleans and tables", function ()
    start("")
    eval [[ rnm.state.s = "a\0b" rnm.state.i = 5 rnm.state.f = 0.1 rnm.state.b = false rnm.state.t = { 1, 2, x = { y = "z" } } ]]
    assert.equal("true", eval [[ rnm.state.s == "a\0b" and rnm.state.i == 5 and math.type(rnm.state.i) == "integer" and rnm.state.f == 0.1 and rnm.state.b == false ]])
    assert.equal("2 z 1 2", eval [[ #rnm.state.t .. " " .. rnm.state.t.x.y .. " " .. rnm.state.t[1] .. " " .. rnm.state.t[2] ]])
    assert.equal("b f i s t", eval [[ local k = {} for key in pairs(rnm.state) do k[#k + 1] = key end return table.concat(k, " ") ]])
    eval [[ rnm.state.t.x.y = nil rnm.state.i = nil ]]
    assert.equal("nil\nnil", eval [[ return rnm.state.t.x.y, rnm.state.i ]])
    assert.equal("true", eval [[ rnm.state.t == rnm.state.t ]])
  end)

  it("refuses the rest, and circles, and what is too much", function ()
    start("")
    for code, message in pairs {
      ["rnm.state.x = function () end"] = "a function can not be kept", ["rnm.state.x = net.links {}"] = "can not be kept", ["rnm.state.x = 0/0"] = "nan",
      ["local t = {} t.t = t rnm.state.x = t"] = "nested deeper", ["rnm.state[1.5] = 1"] = "a key must be", ["rnm.state.x = ('a'):rep(2e6)"] = "more than 1048576 bytes",
      ["local t = rnm.state for i = 1, 100 do t.x = {} t = t.x end"] = "nested deeper", ["rnm.state[('k'):rep(300)] = 1"] = "at most 255",
    } do
      local ok, err = sim:eval(code, "p")
      assert.is_nil(ok, code)
      assert.matches(message, err, 1, true)
    end
    assert.equal("nil", eval "next { rnm.state.x }")
  end)

  it("copies what is put elsewhere in it", function ()
    start("")
    eval "rnm.state.a = { v = 1 } rnm.state.b = rnm.state.a rnm.state.b.v = 2"
    assert.equal("1 2", eval "rnm.state.a.v .. ' ' .. rnm.state.b.v")
    eval "rnm.state.a.self = rnm.state.a"
    assert.equal("1 nil", eval "rnm.state.a.self.v .. ' ' .. tostring(rnm.state.a.self.self)")
  end)

  it("is part of the transaction", function ()
    start([[ function on_message(ev) rnm.state.n = (rnm.state.n or 0) + 1 rnm.state.t = { n = 1 } if ev.topic == "bad" then error("x") end end ]])
    sim:emit "ok"
    sim:emit "bad"
    assert.equal("1", eval "rnm.state.n")
    assert.is_nil(sim:eval("rnm.state.n = 9 rnm.state.t.n = 5 error('no')", "p"))
    assert.equal("1 1", eval "rnm.state.n .. ' ' .. rnm.state.t.n")
  end)

  it("binds blocks to the entries that they read", function ()
    start([[
      runs = 0
      local c = nft.table("inet", "t"):chain("c")
      rnm.block(function ()
        runs = runs + 1
        for i, port in ipairs(rnm.state.ports or {}) do c:rule("tcp dport $p accept", { p = port }) end
      end)
      function on_message(ev) if ev.topic == "open" then local t = rnm.state.ports or {} rnm.state.ports = { 22, 80 } else rnm.state.other = 1 end end
    ]])
    sim:emit "open"
    assert.equal(1, #sim.batches)
    assert.matches("tcp dport 22 accept", sim:ruleset())
    sim:emit "other"
    assert.equal("2", eval "runs")
    eval "rnm.state.ports[3] = 443"
    assert.matches("tcp dport 443 accept", sim:ruleset())
  end)

  it("is not written by a block that reads the same", function ()
    start([[ rnm.block(function () rnm.state.n = (rnm.state.n or 0) + 1 end) ]])
    assert.matches("rnm.state.n: this block reads it and may not write it", sim:packs().p.last_error, 1, true)
    sim:close()
    start([[ rnm.block(function () rnm.state.n = 1 local x = rnm.state.n end) ]])
    assert.matches("rnm.state.n: this block wrote it and may not read it", sim:packs().p.last_error, 1, true)
    sim:close()
    start([[ rnm.block(function () rnm.state.a = rnm.state.b end) ]])
    assert.equal("running", sim:packs().p.state)
  end)

  it("survives reload, replay and restart, written at most once a second", function ()
    start("", { state = dir })
    eval [[ rnm.state.a = "line\nquote\"\\\1" ]]
    assert.matches("rnm%-state 1\n.*\nend\n$", read(dir .. "/p.state"))
    eval [[ rnm.state.b = 2^53 ]]
    assert.not_matches('"b"', read(dir .. "/p.state"))
    sim:advance(1.1)
    assert.matches('"b"', read(dir .. "/p.state"))
    assert(sim:reload())
    assert.equal("true", eval [[ rnm.state.a == "line\nquote\"\\\1" ]])
    eval [[ rnm.state.c = { 1, { deep = true } } ]]
    sim:close()                                   -- what was not written yet is written at the end
    start("", { state = dir })
    assert.equal("true true true", eval [[ tostring(rnm.state.a == "line\nquote\"\\\1") .. " " .. tostring(rnm.state.b == 2^53) .. " " .. tostring(rnm.state.c[2].deep) ]])
  end)

  it("keeps a file that it can not read, and begins anew", function ()
    local bad = { "", "rnm-state 1\n", "rnm-state 1\n\"a\" = 1\n", "rnm-state 2\nend\n", "rnm-state 1\n\"a\" = 1\n\"a\" = 2\nend\n", "rnm-state 1\n\"a\" = {\nend\n",
      "rnm-state 1\n\"a = 1\nend\n", "rnm-state 1\n\"a\" = \"\\xzz\"\nend\n", "rnm-state 1\n\"a\" = nan\nend\n", "rnm-state 1\nend\nmore\n", "\0\0\0\n",
      "rnm-state 1\n" .. ("\"a\" = {\n"):rep(100) .. ("}\n"):rep(100) .. "end\n", "rnm-state 1\n1 = 99999999999999999999999999x\nend\n" }
    for i, text in ipairs(bad) do
      write(dir .. "/p.state", text)
      start("x = rnm.state.a == nil", { state = dir })
      assert.equal("true", eval "rnm.state.a == nil", tostring(i))
      assert.matches("rnm.state begins empty", sim:errors()[1], 1, true)
      assert.equal(text, read(dir .. "/p.state.bad"))
      sim:close()
      os.remove(dir .. "/p.state")
    end
    sim = nil
  end)
end)

describe("rnm.file", function ()
  local dir, path
  before_each(function () dir = tmpdir() path = dir .. "/list.txt" end)
  after_each(function ()
    if sim then sim:close() sim = nil end
    os.execute("rm -rf " .. dir)
  end)
  local function with_set(spec)
    start('f = rnm.file("' .. path .. '") nft.table("inet", "t"):set("s", { ' .. spec .. ', elements = f })', { files = { p = { path } } })
  end

  it("is a list, one element a line, with comments", function ()
    write(path, "10.0.0.0/8 # ten\n\n  192.0.2.1\n192.0.2.5-192.0.2.9\r\n# none\n10.0.0.0/8\n")
    with_set "type = 'ipv4_addr', flags = 'interval'"
    assert.same({ "10.0.0.0/8", "192.0.2.1", "192.0.2.5-192.0.2.9" }, sim:set "inet t s")
    assert.equal("3 10.0.0.0/8 192.0.2.1", eval "#f .. ' ' .. f:first() .. ' ' .. f[2]")
    assert.equal("10.0.0.0/8,192.0.2.1,192.0.2.5-192.0.2.9", eval "local t = {} for i, l in ipairs(f) do t[i] = l end return table.concat(t, ',')")
  end)

  it("sends only what changed", function ()
    local lines = {}
    for i = 1, 2000 do lines[i] = ("10.1.%d.%d"):format(i // 250, i % 250) end
    write(path, table.concat(lines, "\n"))
    with_set "type = 'ipv4_addr'"
    assert.equal(2000, #sim:set "inet t s")
    lines[7] = "10.9.9.9"
    write(path, table.concat(lines, "\n"))
    sim:file_changed(path)
    assert.equal("- delete element inet t s { 10.1.0.7 }\n+ add element inet t s { 10.9.9.9 }\n", sim.batches[1].text)
  end)

  it("keeps the last good list", function ()
    write(path, "10.0.0.1\n")
    with_set "type = 'ipv4_addr'"
    for text, message in pairs { ["10.0.0.2\nbogus\n"] = "bogus", ["10.0.0.2\0\n"] = "NUL", [("x"):rep(300)] = "no element", ["10.0.0.0/8"] = "10.0.0.0/8" } do
      write(path, text)
      sim:file_changed(path)
      assert.same({ "10.0.0.1" }, sim:set "inet t s")
      local log = sim:errors()
      assert.matches("the last good list stays", log[#log], 1, true)
      assert.matches(message, log[#log], 1, true)
      write(path, "10.0.0.1\n")
      sim:file_changed(path)
    end
    os.remove(path)
    sim:file_changed(path)
    assert.same({ "10.0.0.1" }, sim:set "inet t s")
    write(path, "10.0.0.3\n")
    sim:file_changed(path)
    assert.same({ "10.0.0.3" }, sim:set "inet t s")
  end)

  it("may be missing at first", function ()
    with_set "type = 'ipv4_addr'"
    assert.equal("running", sim:packs().p.state)
    write(path, "10.0.0.3\n")
    sim:file_changed(path)
    assert.same({ "10.0.0.3" }, sim:set "inet t s")
  end)

  it("binds a block that reads it", function ()
    write(path, "eth0\n")
    start('local c = nft.table("inet", "t"):chain("c") rnm.block(function () for _, l in ipairs(rnm.file("' .. path ..
      '")) do c:rule("iifname $l accept", { l = l }) end end)', { files = { p = { path } } })
    assert.matches('iifname "eth0" accept', sim:ruleset())
    write(path, "eth0\neth1\n")
    sim:file_changed(path)
    assert.matches('iifname "eth1" accept', sim:ruleset())
  end)

  it("may only be one that the pack is allowed to read", function ()
    for _, p in ipairs { "/etc/passwd", path, "/etc/../etc/passwd", "x.txt", "" } do
      start('rnm.file("' .. p .. '")')
      assert.equal("failed", sim:packs().p.state, p)
      assert.matches("rnm.file", sim:packs().p.last_error, 1, true)
      sim:close()
    end
    start({ p = { ["init.lua"] = 'f = rnm.file "own.txt"', ["own.txt"] = "a\nb\n" } })
    assert.equal("2", eval "#f")
    sim:close()
    write(path, "z\n")
    start('f = rnm.file("' .. path .. '")', { state = dir })     -- the state folder
    assert.equal("1", eval "#f")
    os.execute("ln -s /etc/passwd " .. dir .. "/link")
    assert.is_nil(sim:eval('rnm.file("' .. dir .. '/link")', "p"))
  end)
end)

describe("what else packs have", function ()
  after_each(function () if sim then sim:close() sim = nil end end)

  it("is rnm.pack and rnm.log", function ()
    start { ["07-p"] = 'rnm.log.warn("x", 5, nil, { } ~= nil) rnm.log.debug("not shown")' }
    assert.equal("p 7", eval "rnm.pack.name .. ' ' .. rnm.pack.order")
    assert.matches("/07%-p%.lua$", eval "rnm.pack.path")
    assert.same({ "warn pack: p: x 5 nil true" }, sim:errors())
    assert.matches("can not be set", select(2, sim:eval("rnm.pack.new = 'x'", "p")))
    assert.matches('rnm: unknown field "blok"; did you mean "block"', select(2, sim:eval("rnm.blok()", "p")), 1, true)
  end)

  it("is, for a trusted pack, the whole of Lua as well", function ()
    sim = simulate { packs = { p = { ["init.lua"] = 'm = require "m" io = require "io" x = io.open("/dev/null") ~= nil', ["m.lua"] = "return 7" } }, trusted = { p = true } }
    assert.equal("running", sim:packs().p.state)
    assert.equal("7\ntrue\ntrue", eval "return m, x, require 'm' == m")
    assert.matches("gone", select(2, sim:eval("require 'gone'", "p")))
  end)

  it("is require, from the pack's folder only", function ()
    start { p = { ["init.lua"] = 'local m = require "lib.m" x = m.x y = require "lib.m" == m z = require "other"', ["other.lua"] = 'return ...',
      ["m.lua"] = "" } }
    assert.equal("failed", sim:packs().p.state)
    sim:close()
    start { p = { ["init.lua"] = 'local m = require "m" x = m.x y = require "m" == m z = require "other"', ["other.lua"] = "return ...", ["m.lua"] = "return { x = 42 }" } }
    assert.equal("42 true other", eval "x .. ' ' .. tostring(y) .. ' ' .. z")
    for name, message in pairs { ["../p/m"] = "no name of a module", ["/etc/passwd"] = "no name of a module", ["..x"] = "no name", gone = "no gone.lua", ["rnm.gone"] = "rnm/gone" } do
      assert.matches(message, select(2, sim:eval('require "' .. name .. '"', "p")), 1, true)
    end
    sim:close()
    start { p = 'require "x"' }
    assert.matches("single file has no folder", sim:packs().p.last_error, 1, true)
    sim:close()
    start { p = { ["init.lua"] = 'require "a"', ["a.lua"] = 'require "b"', ["b.lua"] = 'require "a"' } }
    assert.matches("requires itself", sim:packs().p.last_error, 1, true)
  end)
end)
