-- A chunk that calls itself a file of somebody else.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
load("error 'x'", "@/etc/rnm/policies.d/other.lua")()
