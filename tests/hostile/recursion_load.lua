-- Source that nests deeply.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
for _, s in ipairs { "(", "{", "function f() ", "do ", "if x then ", "- ", "not ", "a.", "a[", "[[" , "::a::", "x=", "((" } do
  local f = load(s:rep(100000))
  assert(not f)
end
assert(not load("return " .. ("("):rep(50000) .. "1" .. (")"):rep(50000)))
