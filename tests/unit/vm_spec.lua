-- SPDX-License-Identifier: GPL-2.0-or-later
local core = require "rnm.core"

local EDQUOT, ETIME, ENOMEM, ENOEXEC, EBUSY = -122, -62, -12, -8, -16
local MIB = 1 << 20
local sanitized = (os.getenv "RNM_BUILD" or ""):match "/san$"

local vm

local function make(limits)
  if vm then vm:free() end
  vm = core.script.vm {
    trusted = limits.trusted, memory = limits.memory or 64 * MIB, instructions = limits.instructions or 10000000,
    wall_ms = limits.wall_ms or 10000,
  }
  return vm
end

local function fails(want, code, name)
  local ok, errno, message = vm:run(code, name)
  assert.is_nil(ok, "it did not fail")
  assert.equal(want, errno, message)
  return message
end

local function gives(want, code)
  local r = table.pack(vm:run(code))
  assert.is_true(r[1], r[3])
  assert.same(want, { table.unpack(r, 2, r.n) })
end

describe("a Lua state", function ()
  before_each(function () make {} end)
  teardown(function () vm:free() end)

  describe("limits", function ()
    it("names the instruction budget and the place", function ()
      make { instructions = 3000000 }
      local m = fails(EDQUOT, "local x\n\nwhile true do x = 1 end", "wan.lua")
      assert.matches("^wan.lua:3: instruction budget of 3M used up\nstack traceback:\n\twan.lua:3: in main chunk$", m)
      make { instructions = 250000 }
      assert.matches("budget of 250k used up", fails(EDQUOT, "while true do end"))
      make { instructions = 1234 }
      assert.matches("budget of 1234 used up", fails(EDQUOT, "while true do end"))
    end)

    it("names the time", function ()
      make { instructions = 10000000000, wall_ms = 20 }
      assert.matches("^test.lua:1: ran longer than 20 ms\n", fails(ETIME, "while true do end"))
    end)

    it("names the memory", function ()
      make { memory = 4 * MIB }
      assert.matches("^test.lua:2: memory limit of 4 MiB reached\n", fails(ENOMEM, "local t = {}\nfor i = 1, 1e9 do t[i] = { i } end"))
      make { memory = 100000 }
      assert.matches("^test.lua:1: memory limit of 100000 bytes reached\n", fails(ENOMEM, "local t = {} for i = 1, 1e9 do t[i] = { i } end"))
    end)

    it("guesses at endless recursion", function ()
      make { memory = 16 * MIB }
      assert.matches("endless recursion?", fails(ENOMEM, "local function f() return f() + 1 end f()"))
    end)

    it("hold for each entry anew", function ()
      make { instructions = 1000000 }
      for _ = 1, 10 do gives({ "ok" }, "for i = 1, 200000 do end return 'ok'") end
      fails(EDQUOT, "for i = 1, 1e9 do end")
      for _ = 1, 10 do gives({ "ok" }, "for i = 1, 200000 do end return 'ok'") end
    end)

    it("charge equal entries equally", function ()
      -- The least budget that one program needs is the same each time.
      local function enough(n)
        make { instructions = n }
        return (vm:run "local t = {} for i = 1, 3000 do t[i] = i .. 'x' end return #table.concat(t)") == true
      end
      local function least()
        local lo, hi = 1000, 1000000
        while lo < hi do
          local mid = (lo + hi) // 2
          if enough(mid) then hi = mid else lo = mid + 1 end
        end
        return lo
      end
      local first = least()
      assert.is_true(first > 10000)
      assert.equal(first, least())
    end)

    it("count what bindings charge", function ()
      make { instructions = 1000000 }
      gives({}, "charge(900000)")
      fails(EDQUOT, "charge(600000) charge(600000)")
      fails(EDQUOT, "charge(math.maxinteger) charge(math.maxinteger)")
      fails(EDQUOT, "pcall(charge, -1) return 1")
    end)

    it("count long work in library functions", function ()
      make { instructions = 1000000 }
      fails(EDQUOT, "for _ = 1, 1000 do (('x'):rep(100000)):reverse() end")
      fails(EDQUOT, "for _ = 1, 1000 do (('x'):rep(10000)):find 'y*z' end")
      fails(EDQUOT, "local s = ('x'):rep(100000) for _ = 1, 1000 do local _ = s .. 'y' end")
    end)

    it("let memory be used again after a failure", function ()
      make { memory = 8 * MIB }
      for _ = 1, 5 do
        fails(ENOMEM, "local t = {} for i = 1, 1e9 do t[i] = { i } end")
        gives({ "1000000" }, "return #('x'):rep(1000000)")
      end
      for _ = 1, 3000 do vm:gc() end
      assert.is_true(vm:info().memory < 1 * MIB)
    end)

    it("collect garbage between entries, but not in vain", function ()
      make { memory = 16 * MIB, instructions = 100000000 }
      gives({}, "keep {} local t = kept() for i = 1, 13 * 16 do t[i] = ('x'):rep(65000) .. i end")
      assert.is_true(vm:info().memory > 13 * MIB)
      local start = os.clock()
      for _ = 1, 2000 do vm:gc() end
      assert.is_true(os.clock() - start < (sanitized and 10 or 1))
      gives({}, "keep(nil)")
      for _ = 1, 20000 do vm:gc() end
      assert.is_true(vm:info().memory < 2 * MIB)
    end)

    it("refuse a long string as an ordinary error, and a giant one of the core as the end", function ()
      gives({ "false", "resulting string too large" }, "local ok, e = pcall(string.rep, 'x', 1 << 30) return ok, e")
      assert.matches("test.lua:1: a string longer than 8 MiB", fails(ENOMEM, "pcall(function () return ('x'):rep(8000000) .. ('y'):rep(8000000) end)"))
    end)

    it("end well wherever memory runs out", function ()
      local made, ran = 0, 0
      for memory = 1000, 40000, 61 do
        local ok, tight = pcall(core.script.vm, { memory = memory, instructions = 1000000 })
        if ok then
          made = made + 1
          local done, errno = tight:run [[
            local t = {}
            for i = 1, 20 do t[i] = { ("x"):rep(i * 3), function () return t[i] end } end
            for k, v in pairs { a = 1, b = 2, c = 3 } do t[k] = v .. k end
            local ok, e = pcall(string.format, "%s %q", "a", ("b"):rep(50))
            local co = coroutine.wrap(function () local x <close> = setmetatable({}, { __close = function () t.x = {} end }) coroutine.yield(1) end)
            co() co()
            table.sort(t, function (a, b) return #a[1] > #b[1] end)
            return (("abc"):rep(30):gsub("b", "xyz")) ]]
          assert(done or errno == ENOMEM, errno)
          ran = ran + (done and 1 or 0)
          tight:gc()
          tight:free()
        end
      end
      assert.is_true(made > 300 and ran > 100)
    end)

    it("allow a state without limits", function ()
      vm:free()
      vm = core.script.vm { memory = 0 }
      gives({ "20000000" }, "local n = 0 for i = 1, 2e7 do n = n + 1 end return n")
    end)
  end)

  describe("the end of a budget", function ()
    local function stays_dead(code)
      make { instructions = 200000 }
      fails(EDQUOT, "escaped = nil " .. code .. " escaped = true")
      gives({ "nil" }, "return escaped")
    end

    it("can not be caught by pcall, xpcall or coroutines", function ()
      stays_dead "pcall(function () while true do end end)"
      stays_dead "xpcall(function () while true do end end, function () escaped = true end)"
      stays_dead "coroutine.resume(coroutine.create(function () while true do end end))"
      stays_dead "pcall(coroutine.wrap(function () while true do end end))"
      stays_dead "coroutine.wrap(function () pcall(function () coroutine.yield() while true do end end) escaped = true end)()  while true do end"
      stays_dead "local co = coroutine.wrap(function () pcall(function () coroutine.yield() while true do end end) escaped = true end) co() co()"
      stays_dead "load(function () while true do end end)"
      stays_dead "pcall(table.sort, { 2, 1 }, function () while true do end end)"
      stays_dead "pcall(charge, 1000000)"
    end)

    it("can not be caught by __close", function ()
      stays_dead [[
        local c = setmetatable({}, { __close = function () escaped = true end })
        pcall(function () local x <close> = c while true do end end)]]
    end)

    it("is known where it happened, through coroutines", function ()
      make { instructions = 200000 }
      local m = fails(EDQUOT, "local co = coroutine.wrap(function ()\n  while true do end\nend)\nlocal function f()\n  co()\n  return 1\nend\nf()")
      assert.matches("^test.lua:2: instruction budget", m)
      assert.matches("resumed by", m)
      assert.matches("test.lua:5: in local 'f'", m)
    end)

    it("leaves coroutines that other entries can not make loop", function ()
      make { instructions = 200000 }
      fails(EDQUOT, [[
        co = coroutine.create(function ()
          local x <close> = setmetatable({}, { __close = function () while true do end end })
          while true do end
        end)
        coroutine.resume(co)]])
      gives({ "dead", "false", "coroutine ran out of its budget" }, "return coroutine.status(co), coroutine.close(co)")
      gives({ "false", "cannot resume dead coroutine" }, "return coroutine.resume(co)")
    end)

    it("leaves suspended coroutines that go on under the next budget", function ()
      make { instructions = 200000 }
      fails(EDQUOT, [[
        co = coroutine.wrap(function () local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
        co()
        while true do end]])
      gives({ "2", "3" }, "return co(), co()")
      fails(EDQUOT, "while true do co() end")
    end)

    it("also ends what memory ran out in", function ()
      make { memory = 4 * MIB }
      fails(ENOMEM, "pcall(function () local s = 'x' while true do s = s .. s end end) escaped = true")
      gives({ "nil" }, "return escaped")
    end)
  end)

  describe("errors", function ()
    it("come with a traceback", function ()
      local m = fails(ENOEXEC, "local function f()\n  error 'boom'\nend\n\nf()", "x.lua")
      assert.matches("^x.lua:2: boom\nstack traceback:\n\t%[C%]: in global 'error'\n\tx.lua:2: in local 'f'\n\tx.lua:5: in main chunk$", m)
    end)

    it("may be any value", function ()
      assert.matches("^%(error object is a nil value%)\n", fails(ENOEXEC, "error()"))
      assert.matches("^%(error object is a table value%)\n", fails(ENOEXEC, "error(setmetatable({}, { __tostring = function () return 'x' end }))"))
      assert.matches("^42\n", fails(ENOEXEC, "error(42)"))
      assert.matches("^1.5\n", fails(ENOEXEC, "error(1.5)"))
      assert.matches("^%(error object is a boolean value%)\n", fails(ENOEXEC, "error(true)"))
    end)

    it("are cut when they are long", function ()
      local m = fails(ENOEXEC, "error(('x'):rep(100000), 0)")
      assert.is_true(#m > 4000 and #m < 8000)
    end)

    it("of syntax have a place", function ()
      assert.matches("^bad.lua:2: ", fails(ENOEXEC, "local x\nlocal = 1", "bad.lua"))
    end)

    it("leave the stack balanced and the state outside", function ()
      for _ = 1, 100 do
        fails(ENOEXEC, "local function f(n) if n == 0 then error 'x' end return f(n - 1) + 1 end f(100)")
      end
      gives({ "1" }, "return 1")
    end)

    it("of nested entries are refused", function ()
      gives({ tostring(EBUSY) }, "return reenter()")
    end)
  end)

  describe("loading", function ()
    it("skips a script's first line and a byte order mark", function ()
      gives({ "2" }, "#!/usr/bin/lua\nreturn select(2, where())")
      gives({ "1" }, "\xef\xbb\xbfreturn select(2, where())")
      gives({}, "#only this")
    end)

    it("takes no bytecode", function ()
      assert.matches("binary", fails(ENOEXEC, "\27Lua"))
      make { trusted = true }
      assert.matches("binary", fails(ENOEXEC, "\27Lua"))
    end)

    it("is charged by length", function ()
      make { instructions = 1000000 }
      gives({}, ("x = 1 "):rep(1000))
      fails(EDQUOT, ("x = 1 "):rep(100000))
      fails(EDQUOT, "load(('x = 1 '):rep(100000))")
    end)

    it("knows the pack's place, not that of compiled code", function ()
      local ok, file, line = vm:run("\n\nreturn where()", "dir/a.lua")
      assert.same({ true, "dir/a.lua", "3" }, { ok, file, line })
      gives({ "test.lua", "1" }, "local file, line = load('return where()', '@other.lua')() return file, line")
      gives({ "test.lua", "2" }, "local function f()\n  return (function () local f, l = where() return f, l end)()\nend\nreturn f()")
      gives({ "test.lua", "1" }, "return coroutine.wrap(where)()")
    end)

    it("gives load's own environment", function ()
      gives({ "5", "nil", "true" }, "local e = { x = 5 } local f = load('y = 1 return x', 'c', 't', e) return f(), y, e.y == 1")
      gives({ "nil" }, "local ok, e = load('return +') return ok")
      gives({ "7" }, "local parts, i = { 'return ', '3', '+4' }, 0 return load(function () i = i + 1 return parts[i] end)()")
      gives({ "nil", "test.lua:1: oops" }, "return load(function () error 'oops' end)")
      gives({ "nil", "reader function must return a string" }, "local ok, e = load(function () return {} end) return ok, e")
      gives({ "nil", "attempt to load a text chunk (mode is 'b')" }, "return load('return 1', 'x', 'b')")
    end)
  end)

  describe("pairs", function ()
    local function keys(code)
      return select(2, vm:run("local t = " .. code .. [[
        local out = {}
        for k, v in pairs(t) do out[#out + 1] = math.type(k) == "float" and ("%.1f"):format(k) or tostring(k) end
        return table.concat(out, " ")]]))
    end

    it("goes in order", function ()
      assert.equal("", keys "{}")
      assert.equal("1 2 3", keys "{ 'a', 'b', 'c' }")
      assert.equal("1 2 3 a b c", keys "{ c = 1, 'x', b = 1, 'y', a = 1, 'z' }")
      assert.equal("1 2 -1 0 1.5 5 1e a", keys "{ [5] = 1, [2] = 1, [1] = 1, [0] = 1, [-1] = 1, [1.5] = 1, a = 1, ['1e'] = 1 }")
      assert.equal("-3 7 false true", keys "{ [true] = 1, [false] = 1, [7] = 1, [-3] = 1 }")
      assert.equal("-inf -9223372036854775808 9223372036854775807 inf",
        keys "{ [math.maxinteger] = 1, [math.mininteger] = 1, [math.huge] = 1, [-math.huge] = 1 }")
      assert.equal("A B Z a aa ab b \xc3\xa4", keys "{ b = 1, a = 1, ab = 1, aa = 1, Z = 1, B = 1, A = 1, ['\xc3\xa4'] = 1 }")
    end)

    it("does not depend on how the table came to be", function ()
      gives({ "true" }, [[
        local function walk(t) local o = {} for k in pairs(t) do o[#o + 1] = k end return table.concat(o, " ") end
        local function shuffled(n, seed)
          local ks = {}
          for i = 1, n do ks[i] = i % 3 == 0 and i or "k" .. i end
          for i = n, 2, -1 do local j = (seed * i) % i + 1 ks[i], ks[j] = ks[j], ks[i] end
          local t = {}
          for _, k in ipairs(ks) do t[k] = true end
          for i = 1, 5 do t[i] = true end
          return t
        end
        local first = walk(shuffled(300, 7))
        for seed = 8, 40 do if walk(shuffled(300, seed)) ~= first then return false end end
        return first:sub(1, 9) == "1 2 3 4 5"]])
    end)

    it("allows assignments and removals on the way", function ()
      gives({ "210", "nil" }, [[
        local t, n = {}, 0
        for i = 1, 20 do t[i <= 10 and i or "k" .. i] = i end
        for k, v in pairs(t) do n = n + v t[k] = nil end
        return n, next(t)]])
      gives({ "c" }, "local t, o = { a = 1, b = 2, c = 3 }, '' for k in pairs(t) do t.a, t.b = nil, nil o = k end return o")
      gives({ "a1 b7" }, "local t, o = { a = 1, b = 2 }, {} for k, v in pairs(t) do t.b = 7 o[#o + 1] = k .. v end return table.concat(o, ' ')")
    end)

    it("respects __pairs and checks its argument", function ()
      gives({ "1", "2", "3" }, "return pairs(setmetatable({}, { __pairs = function () return 1, 2, 3, 4 end }))")
      assert.matches("bad argument #1 to 'pairs' %(table expected, got nil%)", fails(ENOEXEC, "pairs(nil)"))
      gives({ "yielded" }, [[return coroutine.wrap(function ()
        pairs(setmetatable({}, { __pairs = function () coroutine.yield "yielded" end }))
      end)()]])
    end)

    it("can be begun again and walked by hand", function ()
      gives({ "1", "a", "b", "nil", "1" }, [[
        local f, t = pairs { "x", b = 1, a = 2 }
        local r = {}
        local k = nil
        for i = 1, 4 do k = f(t, k) r[i] = tostring(k) end
        r[5] = f(t, nil)
        return table.unpack(r)]])
    end)

    it("is the same in a trusted state", function ()
      make { trusted = true }
      assert.equal("1 2 a b c", keys "{ c = 1, 1, b = 1, 2, a = 1 }")
    end)
  end)

  describe("coroutines", function ()
    it("behave as Lua's", function ()
      gives({ "true", "1", "2", "true", "3", "false", "cannot resume dead coroutine" }, [[
        local co = coroutine.create(function (a, b) local c = coroutine.yield(a, b) return c end)
        local r = { coroutine.resume(co, 1, 2) }
        local s = { coroutine.resume(co, 3) }
        return r[1], r[2], r[3], s[1], s[2], coroutine.resume(co)]])
      gives({ "suspended", "running", "normal", "dead" }, [[
        local outer, inner
        local seen = {}
        outer = coroutine.create(function ()
          seen[2] = coroutine.status(outer)
          inner = coroutine.create(function () seen[3] = coroutine.status(outer) end)
          coroutine.resume(inner)
        end)
        seen[1] = coroutine.status(outer)
        coroutine.resume(outer)
        seen[4] = coroutine.status(outer)
        return table.unpack(seen)]])
      gives({ "false", "true", "false" }, "return coroutine.isyieldable(), coroutine.wrap(coroutine.isyieldable)(), select(2, coroutine.wrap(coroutine.running)())")
      gives({ "false", "test.lua:1: x" }, "return coroutine.resume(coroutine.create(function () error 'x' end))")
      gives({ "false", "cannot resume non-suspended coroutine" }, "return coroutine.resume(coroutine.running())")
      assert.matches("attempt to yield from outside a coroutine", fails(ENOEXEC, "coroutine.yield()"))
      assert.matches("coroutine expected", fails(ENOEXEC, "coroutine.resume(1)"))
    end)

    it("yield through pcall, xpcall and metamethods", function ()
      gives({ "y", "true", "r" }, [[
        local co = coroutine.create(function () return pcall(function () return coroutine.yield "y" end) end)
        local _, y = coroutine.resume(co)
        local _, ok, r = coroutine.resume(co, "r")
        return y, ok, r]])
      gives({ "y", "false", "handled oops" }, [[
        local co = coroutine.create(function ()
          return xpcall(function (a) coroutine.yield(a) error("oops", 0) end, function (m) return "handled " .. m end, "y")
        end)
        local _, y = coroutine.resume(co)
        local _, ok, r = coroutine.resume(co)
        return y, ok, r]])
      gives({ "k" }, "return coroutine.wrap(function () return setmetatable({}, { __index = function (_, k) return coroutine.yield(k) end }).k end)()")
    end)

    it("close", function ()
      gives({ "true", "closed", "dead" }, [[
        local log
        local co = coroutine.create(function () local x <close> = setmetatable({}, { __close = function () log = "closed" end }) coroutine.yield() end)
        coroutine.resume(co)
        return coroutine.close(co), log, coroutine.status(co)]])
      gives({ "false", "first" }, [[
        local co = coroutine.create(function () error("first", 0) end)
        coroutine.resume(co)
        return coroutine.close(co)]])
      gives({ "false", "second", "first" }, [[
        local got
        local co = coroutine.create(function ()
          local x <close> = setmetatable({}, { __close = function (_, e) got = e error("second", 0) end })
          error("first", 0)
        end)
        coroutine.resume(co)
        local ok, e = coroutine.close(co)
        return ok, e, got]])
      assert.matches("cannot close a running coroutine", fails(ENOEXEC, "coroutine.close(coroutine.running())"))
      gives({ "false", "from close" }, [[
        return pcall(coroutine.wrap(function ()
          local x <close> = setmetatable({}, { __close = function () error("from close", 0) end })
          error { "an object" }
        end))]])
    end)
  end)

  describe("the sandbox", function ()
    it("has exactly these names", function ()
      local want = {
        _G = "_G _VERSION assert charge coroutine error getmetatable ipairs keep kept load math next os pairs pcall print rawequal rawget rawlen "
          .. "rawset reenter select setmetatable string table tonumber tostring type utf8 where xpcall",
        coroutine = "close create isyieldable resume running status wrap yield",
        math = "abs acos asin atan ceil cos deg exp floor fmod huge log max maxinteger min mininteger modf pi rad random randomseed sin sqrt tan "
          .. "tointeger type ult",
        os = "clock date difftime time",
        string = "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper",
        table = "concat insert move pack remove sort unpack",
        utf8 = "char charpattern codepoint codes len offset",
      }
      for name, names in pairs(want) do
        gives({ names }, "local o = {} for k in pairs(" .. name .. ") do o[#o + 1] = k end return table.concat(o, ' ')")
      end
    end)

    it("refuses finalizers and keeps what weak tables hold", function ()
      assert.matches("a pack can not have '__gc' finalizers", fails(ENOEXEC, "setmetatable({}, { __gc = function () end })"))
      gives({ "1", "1" }, [[
        local k, v, n, m = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "v" }), 0, 0
        k[{}], v[1] = 1, {}
        for i = 1, 300000 do local _ = { i } end
        for _ in next, k do n = n + 1 end
        for _ in next, v do m = m + 1 end
        return n, m]])
    end)

    it("closes the metatable of strings", function ()
      gives({ "false", "false" }, "return getmetatable '', (pcall(setmetatable, '', {}))")
      gives({ "3", "15", "abc" }, "return ('abc'):len(), '10' + 5, ('%s'):format 'abc'")
    end)

    it("shows objects, but not where they are", function ()
      gives({ "true", "true", "true" }, [[
        local t, u = {}, {}
        return tostring(t) == tostring(t), tostring(t) ~= tostring(u), ("%p"):format(t) == tostring(t):match "0x%x+"]])
      gives({ "Thing: ", "custom", "nil", "1.0" }, [[
        return tostring(setmetatable({}, { __name = "Thing" })):match "^Thing: ", tostring(setmetatable({}, { __tostring = function () return "custom" end })),
          tostring(nil), tostring(1.0)]])
    end)

    it("prints to the log, a line a call", function ()
      local log = core.script.logged(function () gives({}, "print('a', 1, nil, true) print(('x'):rep(5000))") end)
      assert.matches("^lua: test: a\t1\tnil\ttrue\nlua: test: x+%.%.%.\n$", log)
    end)

    it("keeps its states apart", function ()
      local other = core.script.vm { memory = MIB }
      gives({}, "string.rep = nil x = 1 math.pi = 3")
      assert.same({ true, "nil", "aa", "false" }, { other:run "return x, ('a'):rep(2), math.pi == 3" })
      other:free()
    end)

    it("lets xpcall's handler see ordinary errors", function ()
      gives({ "false", "test.lua:1: x!" }, "return xpcall(function () error 'x' end, function (m) return m .. '!' end)")
      gives({ "true", "3", "4" }, "return xpcall(function (...) return ... end, print, 3, 4)")
      gives({ "true" }, "return pcall(function () end)")
      assert.matches("bad argument #1 to 'pcall' %(value expected%)", fails(ENOEXEC, "pcall()"))
    end)
  end)

  describe("a trusted state", function ()
    before_each(function () make { trusted = true } end)

    it("has the whole library", function ()
      gives({ "table", "table", "table", "function", "function", "table" },
        "return type(io), type(debug), type(package), type(require), type(dofile), type(getmetatable '')")
      gives({ "true" }, "return require 'coroutine' == coroutine")
    end)

    it("has limits all the same", function ()
      assert.matches("budget of 10M", fails(EDQUOT, "while true do pcall(function () while true do end end) end"))
      fails(EDQUOT, "while true do coroutine.wrap(function () while true do end end)() end")
      fails(ENOMEM, "local t = {} for i = 1, 1e9 do t[i] = { i } end")
      fails(ENOMEM, "local s = 'x' while true do s = s .. s end")
      assert.matches("memory limit of 64 MiB", fails(ENOMEM, "return (' '):rep(100 << 20)"))
    end)

    it("logs warnings", function ()
      local log = core.script.logged(function ()
        gives({}, "warn('@on') warn('two ', 'pieces') setmetatable({}, { __gc = function () error 'late' end }) collectgarbage()")
      end)
      assert.matches("^lua: test: two pieces\nlua: test: error in __gc", log)
    end)

    it("may have weak tables and finalizers", function ()
      gives({ "nil" }, "local t = setmetatable({ {} }, { __mode = 'v' }) collectgarbage() return t[1]")
    end)
  end)

  it("keeps values for C", function ()
    gives({}, "keep { 'kept' }")
    gives({ "kept" }, "return kept()[1]")
    for i = 1, 1000 do gives({}, "keep(" .. i .. ")") end
    gives({ "1000" }, "return kept()")
    gives({}, "keep(nil)")
    gives({ "nil" }, "return kept()")
  end)

  it("counts calls, time and memory", function ()
    local before = vm:info()
    gives({}, "x = ('x'):rep(1000000) for i = 1, 1e6 do end")
    local after = vm:info()
    assert.equal(before.calls + 1, after.calls)
    assert.is_true(after.time_ns - before.time_ns > 100000)
    assert.is_true(after.memory - before.memory >= 1000000)
    gives({}, "x = nil")
  end)

  it("does not grow with entries", function ()
    for _ = 1, 2000 do vm:run "local t = {} for i = 1, 10 do t[i] = { i } end return #t" vm:gc() end
    local before = vm:info().memory
    for _ = 1, 5000 do vm:run "local t = {} for i = 1, 10 do t[i] = { i } end return #t" vm:gc() end
    assert.is_true(vm:info().memory < before + 20000)
  end)

  it("is small and cheap to enter", function ()
    assert.is_true(vm:info().memory < 20000)
    local entry, call = core.script.enter_ns(20000)
    assert.is_true(entry - call < (sanitized and 20000 or 2000))
  end)
end)
