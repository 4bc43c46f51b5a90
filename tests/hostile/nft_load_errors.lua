-- A text in which everything is wrong.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
nft.load("table ip t {" .. ("chain c { acept; tcp dprt 1; ip saddr $x; ip saddr {;}\nset s { type x; }\nfoo\n"):rep(50000) .. "}")
