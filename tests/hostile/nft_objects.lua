-- More objects than anybody needs, with specs that are none.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = nft.table("ip", "t")
for _, kind in ipairs { "counter", "quota", "limit", "ct_helper", "ct_timeout", "ct_expectation", "synproxy", "secmark", "flowtable" } do
  for _, spec in ipairs { ("x"):rep(1 << 20), ("{"):rep(10000), "packets " .. ("9"):rep(1000), "\0", "", { [1] = 1 }, { comment = ("x"):rep(1000) }, { policy = { [("x"):rep(1000)] = 1 } },
    { rate = "1/second; }", burst = -1 }, { devices = { {} } }, { type = "a\"b" }, 5, true, print } do
    pcall(t[kind], t, "x", spec)
  end
end
while true do t:counter("c" .. math.random(1 << 40)) end
