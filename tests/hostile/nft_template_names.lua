-- Names of files elsewhere.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
for _, name in ipairs { "/etc/passwd", "../../../../etc/passwd", "/proc/self/mem", "/dev/zero", "a/../../../../etc/shadow", "*", "[", ("x"):rep(10000), ("x/"):rep(1000), "",
  ".", "..", "./", "a\0b", "a\nb" } do
  assert(not pcall(nft.template, name), name)
end
nft.template "/dev/zero"
