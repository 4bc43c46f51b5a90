-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta
-- luacheck: ignore
-- What the prompt of `rnm eval` has besides. For editors; never run.

---Tells of a function, an event, or the fields of a record: help "nft.table", help "on_addr_change", help "net.link". Without a
---topic: what there is. Only at the prompt.
---@param topic? string
---@return string
function help(topic) end
