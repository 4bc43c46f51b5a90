-- Values that are no values.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() end
local deep = {}
for _ = 1, 10000 do deep = { deep } end
local loop = {}
loop[1] = loop
for _, v in ipairs { true, f, deep, loop, 0/0, 1/0, "", "\0", ("x"):rep(1 << 20), { { { { {} } } } }, { [{}] = 1 }, setmetatable({}, { __index = f, __len = f, __pairs = f }),
  coroutine.create(f), print } do
  for _, text in ipairs { "table ip t { set s { type ipv4_addr; elements = { $x } } }", "table ip t { set s { type ipv4_addr; elements = $x } }",
    "table ip t { map m { type ipv4_addr : verdict; elements = { 1.1.1.1 : jump $x } } }", "table ip t { chain c { ip saddr $x } }", "table ip t { chain c { tcp dport vmap $x } }",
    "table netdev t { chain c { type filter hook ingress device $x priority 0; } }", "table ip t { chain c { type filter hook input priority $x; } }",
    "table ip t { set s { type ipv4_addr; size $x; } }", "table ip t { limit l { rate $x/second } }", "include $x", "$x", "define y = $x", "table $x { }" } do
    pcall(nft.load, text, { x = v })
    pcall(nft.load, text, v)
  end
end
nft.load("$x", { x = true })
