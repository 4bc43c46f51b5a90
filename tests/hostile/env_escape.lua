-- Ways out of the sandbox.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
for _, name in ipairs { "io", "debug", "package", "require2", "dofile", "loadfile", "collectgarbage", "loadstring", "setfenv", "getfenv", "module",
  "newproxy", "unpack", "warn" } do
  assert(rawget(_G, name) == nil, name)
end
for _, name in ipairs { "execute", "exit", "getenv", "remove", "rename", "setlocale", "tmpname" } do assert(os[name] == nil, name) end
assert(string.dump == nil)
assert(load "return _G"() == _G)
assert(load("return _ENV", "x", "t", 5)() == 5)
local co = coroutine.create(function () return _G end)
assert(select(2, coroutine.resume(co)) == _G)
for _, lib in ipairs { string, table, math, os, utf8, coroutine } do assert(getmetatable(lib) == nil) end
assert(getmetatable(_G) == nil)
