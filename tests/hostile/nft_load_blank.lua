-- Eight megabytes of nothing, over and over.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local text = "table ip t {" .. ("\n"):rep((8 << 20) - 100) .. "}"
while true do nft.load(text) end
