-- SPDX-License-Identifier: GPL-2.0-or-later
-- The sandbox has its own string, table and utf8 functions. Here the same program runs in the sandbox and in the Lua that
-- runs this file, and both must say the same.
local core = require "rnm.core"

local vm

-- Runs code (which returns one string) in both; the results must be equal, line by line.
local function same(code)
  local ok, got, message = vm:run(code)
  assert.is_true(ok, message or tostring(got))
  local want = assert(load(code))()
  if got ~= want then
    local g, w = {}, {}
    for line in (got .. "\n"):gmatch "(.-)\n" do g[#g + 1] = line end
    for line in (want .. "\n"):gmatch "(.-)\n" do w[#w + 1] = line end
    for i = 1, math.max(#g, #w) do assert.equal(w[i], g[i]) end
  end
end

-- What every program below starts with: a generator of its own (the same numbers on both sides) and an exact printer.
local prelude = [[
local seed = SEED
local function rnd(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n + 1
end
local function show(...)
  local out = {}
  for i = 1, select("#", ...) do
    local v = (select(i, ...))
    if type(v) == "string" then
      out[i] = '"' .. v:gsub("[^%w%p ]", function (c) return "\\" .. c:byte() end) .. '"'
    else
      out[i] = (math.type(v) or "") .. tostring(v)
    end
  end
  return table.concat(out, " ")
end
local lines = {}
local function report(label, ...) lines[#lines + 1] = label .. " -> " .. show(...) end
-- An error's text without position, function name and argument number, in which the two differ.
local function try(f, ...)
  local r = table.pack(pcall(f, ...))
  if r[1] then return table.unpack(r, 1, r.n) end
  return false, (tostring(r[2]):gsub("^[^:]*:%d+: ", ""):gsub("'[%w_.?]+'%)?", "F"):gsub("argument #%d", "argument"))
end
local function finish() return table.concat(lines, "\n") end
]]

local function program(seed, body)
  return prelude:gsub("SEED", tostring(seed)) .. body .. "\nreturn finish()"
end

describe("the sandbox's own library functions", function ()
  before_each(function ()
    vm = core.script.vm { memory = 64 << 20, instructions = 1000000000, wall_ms = 60000 }
  end)
  after_each(function () vm:free() end)

  local generator = [==[
local pieces = { "a", "b", "%a", "%d", "%s", "%w", "%W", "%x", "%p", "%l", "%u", "%g", "%c", "[ab]", "[^a]", "[a-c]", "[%d_]",
  "[]]", "[^]]", "[a-]", "[%a-z]", "[-a]", ".", "%.", "%%", "%-", "%(", "%b()", "%b[]", "%bab", "%f[%w]", "%f[^a]", "%f[%z]", "()",
  "(", ")", "$", "^", "\0", "\xff", "%1", "%2", "(a*)", "(.-)", "(%w+)", "[", "%", "]", "-", "x*", "%f", "%b", "[^", "[a-%]", "[%]",
  "(()", "%0" }
local quantifiers = { "", "", "", "*", "+", "-", "?" }
local letters = { "a", "b", "c", "ab", " ", "1", "_", "(", ")", "[x]", "(a(b)c)", "\0", "\xff", ".", "-", "A", "aaa", "\n", "%" }
local function pattern()
  local p = {}
  if rnd(6) == 1 then p[1] = "^" end
  for _ = 1, rnd(5) do
    p[#p + 1] = pieces[rnd(#pieces)]
    if rnd(2) == 1 then p[#p + 1] = quantifiers[rnd(#quantifiers)] end
  end
  return table.concat(p)
end
local function subject()
  local s = {}
  for _ = 1, rnd(12) do s[#s + 1] = letters[rnd(#letters)] end
  return table.concat(s)
end
]==]

  for seed = 1, 8 do
    it("find, match, gmatch and gsub agree with Lua's (" .. seed .. ")", function ()
      same(program(seed * 7919, generator .. [[
for n = 1, 1500 do
  local p, s, init = pattern(), subject(), rnd(9) - 4
  local label = show(s, p, init)
  report("find " .. label, try(string.find, s, p, init))
  report("plain " .. label, try(string.find, s, p, init, true))
  report("match " .. label, try(string.match, s, p, init))
  report("gmatch " .. label, try(function ()
    local all = {}
    for a, b, c in string.gmatch(s, p) do
      all[#all + 1] = show(a, b, c)
      if #all > 40 then break end
    end
    return table.concat(all, ";")
  end))
  report("gsub " .. label, try(string.gsub, s, p, "<%0>"))
  report("gsub1 " .. label, try(string.gsub, s, p, "%1%%%2", rnd(4) - 1))
  report("gsubf " .. label, try(string.gsub, s, p, function (a, b) if rnd(2) == 1 then return tostring(b) .. tostring(a) end end))
  report("gsubt " .. label, try(string.gsub, s, p, { a = "x", b = false, ab = 7 }))
end]]))
    end)
  end

  it("agree on malformed calls", function ()
    same(program(1, [[
for _, r in ipairs { "%", "%x", "a%", "%9" } do report(r, try(string.gsub, "abc", "b", r)) end
report("repl", try(string.gsub, "abc", "b", function () return {} end))
report("nil", try(string.gsub, "abc", "b"))
report("true", try(string.gsub, "abc", "b", true))
report("init", try(string.gmatch("abcabc", "b()", 4)))
report("deep", try(string.find, ("a"):rep(300), (".-"):rep(250) .. "b"))
report("captures", try(string.find, "a", ("()"):rep(33)))
report("captures", select("#", string.find("a", ("()"):rep(32))))
report("number", try(string.find, 12345, 3))
report("number", try(string.gsub, 12321, 2, 7))]]))
  end)

  it("byte, char, sub, rep, reverse, upper, lower agree", function ()
    same(program(5, generator .. [[
for _ = 1, 2000 do
  local s, i, j = subject(), rnd(15) - 7, rnd(15) - 7
  report(show(s, i, j), s:sub(i, j), s:byte(i, j))
  report("1", s:sub(i), s:byte(i), s:rep(i), s:rep(j, "ab"), s:reverse(), s:upper(), s:lower(), #s)
end
for _, i in ipairs { math.mininteger, math.mininteger + 1, math.maxinteger, -1, 0, 1 } do
  for _, j in ipairs { math.mininteger, math.maxinteger, -1, 0, 1 } do
    report(show(i, j), ("hello"):sub(i, j), ("hello"):byte(i, j))
    report(show(i, j), try(string.find, "hello", "l", i))
  end
end
report("char", try(string.char, 0, 65, 255), try(string.char, 256), try(string.char, -1), try(string.char, "66"), string.char())]]))
  end)

  it("format agrees", function ()
    same(program(6, [[
local specs = { "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%x", "%X", "%#x", "%o", "%i", "%u", "%c", "%5c", "%-3c|", "%e", "%E",
  "%.3e", "%f", "%.0f", "%10.2f", "%-10.2f|", "%+.1f", "%g", "%G", "%.14g", "%a", "%A", "%s", "%10s", "%-10s|", "%.2s", "%5.1s", "%q",
  "%%", "%", "%y", "%100d", "%.100f", "%5q", "%#s", "%0s", "%+s", "%.3c", "%-+ #0d", "%#d", "%5", "%-", "%l", "%ld", "%*d" }
local values = { 0, 1, -1, 42, 65, 255, 1.5, -0.0, 1e15, 1e300, 2^53, 0.1, math.maxinteger, math.mininteger, math.huge, -math.huge, "10",
  "0x10", "abc", "a\0b", "q\"\\\n\r\t\0001\1\127", true, false, "1.5", "", ("x"):rep(150) }
for _, spec in ipairs(specs) do
  for _, v in ipairs(values) do
    local ok, r = pcall(string.format, "<" .. spec .. ">", v)
    report(spec .. show(v), ok, ok and r)
  end
  report(spec .. " none", (pcall(string.format, spec)))
end
report("tostring", string.format("%s|%5s", setmetatable({}, { __tostring = function () return "obj" end }), nil))
report("bad", try(string.format, "%s", setmetatable({}, { __tostring = function () return 1 end })))]]))
  end)

  it("tonumber and arithmetic on strings agree", function ()
    same(program(7, [[
local values = { "10", " 10 ", "0x10", "1e1", "1.5", "-7", "- 7", "abc", "", " ", "1 2", "0x", "1e", "inf", "nan", "9223372036854775808",
  "0x8000000000000000", "10\0", 3, 2.5, true, {} , "zz", "-ff", "1_0" }
for _, v in ipairs(values) do
  local s = type(v) == "table" and "table" or show(v)
  report(s, try(tonumber, v))
  for _, base in ipairs { 2, 8, 10, 16, 36, 1, 37 } do report(s .. base, try(tonumber, v, base)) end
  for _, w in ipairs { 3, "4", 2.0, "x" } do
    for i, op in ipairs { function (x, y) return x + y end, function (x, y) return x - y end, function (x, y) return x * y end,
      function (x, y) return x / y end, function (x, y) return x // y end, function (x, y) return x % y end, function (x, y) return x ^ y end } do
      local ok, r = pcall(op, v, w)
      report(i .. s .. show(w), ok, ok and r)
    end
  end
  report("-" .. s, (pcall(function () return -v end)))
end
report("mixed", try(function () return "a" + setmetatable({}, { __add = function (a, b) return a .. "+" end }) end))
report("mixed", try(function () return setmetatable({}, { __add = function (a, b) return b .. "+" end }) + "1" end))]]))
  end)

  it("concat, insert, remove, move, pack and unpack agree", function ()
    same(program(8, [[
for _ = 1, 400 do
  local t = {}
  for i = 1, rnd(8) - 1 do t[i] = rnd(2) == 1 and rnd(99) or "s" .. rnd(9) end
  local i, j, k = rnd(10) - 2, rnd(10) - 2, rnd(10) - 2
  report("concat", try(table.concat, t, ",", i, j))
  report("concat", try(table.concat, t, "--"))
  report("insert", try(table.insert, t, i, "new"), table.unpack(t, 1, 10))
  report("insert", try(table.insert, t, "end"), table.unpack(t, 1, 10))
  report("remove", try(table.remove, t, j), table.unpack(t, 1, 10))
  report("remove", try(table.remove, t), table.unpack(t, 1, 10))
  report("move", (try(table.move, t, i, j, k)), table.unpack(t, 1, 10))
  report("move", #table.move(t, 1, #t, 2, {}), table.unpack(table.move(t, 1, #t, 3, { 1 }), 1, 10))
  report("unpack", try(table.unpack, t, i, j))
  report("pack", table.pack(table.unpack(t, 1, j)).n)
end
report("nil", try(table.concat, { 1, {}, 3 }))
report("args", try(table.insert, {}, 1, 2, 3), try(table.insert, {}))
report("pos", try(table.insert, { 1 }, 5, 0), try(table.insert, { 1 }, 0, 0), try(table.remove, { 1, 2 }, 7))
report("empty", try(table.remove, {}), try(table.remove, {}, 0), try(table.remove, {}, #{}))
report("move", try(table.move, {}, 1, math.maxinteger, 2), try(table.move, {}, -1, math.maxinteger, 2))
report("move", try(table.move, {}, 1, 2, math.maxinteger))
report("edge", try(table.concat, setmetatable({}, { __index = function (_, k) return k end }), ",", math.maxinteger - 1, math.maxinteger))
report("edge", try(table.unpack, {}, math.maxinteger, math.maxinteger))
report("edge", try(table.unpack, {}, math.mininteger, math.maxinteger))
-- through metamethods
local log = {}
local p = setmetatable({}, { __len = function () return 3 end, __index = function (_, k) log[#log + 1] = "r" .. k return k * 10 end,
  __newindex = function (_, k, v) log[#log + 1] = "w" .. k .. "=" .. tostring(v) end })
report("proxy", table.concat(p, " "), table.unpack(p))
table.insert(p, "x") table.insert(p, 2, "y") report("proxy", table.remove(p, 1), table.remove(p))
table.move(p, 1, 3, 2) table.move(p, 1, 2, 5, p)
report("log", table.concat(log, " "))]]))
  end)

  it("sort gives what Lua's gives", function ()
    same(program(9, [[
for n = 0, 120 do
  local a, b, c, d = {}, {}, {}, {}
  for i = 1, n do a[i], b[i], c[i], d[i] = rnd(50), "k" .. rnd(50) .. ("\0"):rep(rnd(2)), rnd(100) / 7, rnd(1000) end
  table.sort(a) table.sort(b) table.sort(c)
  table.sort(d, function (x, y) return x > y end)
  report("n" .. n, table.concat(a, ","), table.concat(b, ","), table.concat(c, ","), table.concat(d, ","))
end
local m = { 3, 1.5, -2, 2^53, 2^53 + 1, math.maxinteger, math.mininteger, -math.huge, math.huge, 0 }
table.sort(m) report("mixed", table.unpack(m))
report("bad", try(table.sort, { 1, "x", 2 }), try(table.sort, { {}, {} }), try(table.sort, { 1, 2 }, 5))
local o = {}
for i = 1, 50 do o[i] = setmetatable({ v = rnd(1000) }, { __lt = function (x, y) return x.v < y.v end }) end
table.sort(o)
for i = 2, 50 do report("o", o[i - 1].v <= o[i].v) end]]))
  end)

  it("sort is stable and survives orders that contradict themselves", function ()
    local ok, out = vm:run [[
local t = {}
for i = 1, 500 do t[i] = { k = i * 7 % 10, i = i } end
table.sort(t, function (a, b) return a.k < b.k end)
for i = 2, #t do
  if t[i - 1].k > t[i].k or (t[i - 1].k == t[i].k and t[i - 1].i > t[i].i) then return "unstable" end
end
local n = {}
for i = 1, 300 do n[i] = i end
table.sort(n, function () return true end)
table.sort(n, function () return math.random(2) == 1 end)
local sum = 0
for _, v in ipairs(n) do sum = sum + v end
return sum == 300 * 301 // 2 and #n == 300 and "ok" or "lost"]]
    assert.is_true(ok)
    assert.equal("ok", out)
  end)

  it("utf8 agrees", function ()
    same(program(10, [[
local parts = { "a", "é", "€", "😀", "\xff", "\xc3", "\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\xe0\x80\x80", "z", "\xfd\xbf\xbf\xbf\xbf\xbf",
  "\0", "ß" }
for _ = 1, 3000 do
  local s = ""
  for _ = 1, rnd(6) - 1 do s = s .. parts[rnd(#parts)] end
  local i, j, n, lax = rnd(14) - 6, rnd(14) - 6, rnd(9) - 4, rnd(3) == 1
  report("len" .. show(s, i, j), try(utf8.len, s), try(utf8.len, s, i, j, lax))
  report("cp", try(utf8.codepoint, s, i, j, lax))
  report("off" .. show(s, n, i), try(utf8.offset, s, n), try(utf8.offset, s, n, i))
end
for _ = 1, 1000 do
  local v = rnd(2) == 1 and rnd(0x7fff) or rnd(0x7fff) * rnd(0x7fff)
  report("char", utf8.char(v, rnd(200)))
end
report("char", try(utf8.char, 0x7fffffff), try(utf8.char, -1), try(utf8.char, 0x80000000), utf8.char())
local good = "añ€😀\0z"
for p, c in utf8.codes(good) do report("codes", p, c) end
report("codes", try(function () for p, c in utf8.codes "ab\xff" do report("c", p, c) end end))
report("pattern", utf8.charpattern, good:gsub(utf8.charpattern, "."))]]))
  end)

  it("pack and unpack agree", function ()
    same(program(11, [[
for _, f in ipairs { "i4", "<i2>i8", "s1", "z", "!8 b Xi8 i8", "d", "f", "c5", "j", "n", "I3", "=Bx", "i17", "c", "y", "!3 i4" } do
  report(f, try(string.packsize, f), try(string.pack, f, 7, 8, 9), try(string.pack, f, "ab", "c"))
  report(f, try(string.unpack, f, "\1\2\3\4\5\6\7\8\9abc\0def\0\0\0\0\0\0"))
end]]))
  end)

  it("select, assert, error, rawequal, math and os.time agree", function ()
    same(program(12, [[
report("select", select("#"), select("#", nil, nil), select(2, "a", "b", "c"), select(-1, "a", "b"))
report("assert", try(assert, false), try(assert, nil, "why"), try(assert, 1, 2), try(assert))
report("error", try(error), try(error, "x", 0), try(error, { 1 } and "t", 2))
report("max", math.max(1, 2.5, 2), math.min(3, 1, 2), try(math.max), try(math.min, 1, "x"), math.max(-0.0, 0.0))
report("math", math.floor(1.7), math.tointeger "8", 7 // 2, math.fmod(7, 3), math.ult(1, -1), math.type(1), math.abs(-3), math.pi)
report("time", os.time { year = 2024, month = 2, day = 30, hour = 12 }, os.date("!%Y-%m-%d %H:%M:%S", 86400), os.difftime(5, 3))
local d = os.date("!*t", 1000000000)
report("date", d.year, d.month, d.day, d.hour, d.min, d.sec, d.isdst)
report("date", try(os.date, "%Ez", 0), try(os.date, "%Q", 0))]]))
  end)
end)
