-- utf8 functions over long strings.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = ("é"):rep(3 << 20)
while true do utf8.len(s) utf8.offset(s, 1000000) for _ in utf8.codes(s) do break end end
