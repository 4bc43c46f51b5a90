-- SPDX-License-Identifier: GPL-2.0-or-later
std = "lua54"
max_line_length = false
self = false
files["tests"] = { std = "+busted" }
files["**/*_spec.lua"] = { std = "+busted" }
-- What a pack sees, and the hooks that it defines as globals.
local pack = {
	read_globals = { rnm = { fields = { state = { read_only = false, other_fields = true } }, other_fields = true }, "nft", "net" },
	globals = {
		"on_start", "on_reload", "on_resync", "on_stop", "on_link_change", "on_addr_change", "on_route_change", "on_rule_change",
		"on_neigh_change", "on_lease_change", "on_nft_change", "on_message",
	},
}
files["policies"] = pack
files["examples"] = pack
files["tests/bench"] = pack
