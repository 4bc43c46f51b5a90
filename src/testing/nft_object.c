// SPDX-License-Identifier: GPL-2.0-or-later
/* Fields of Lua tables; objects out of them. */
#include <stdio.h>

#include "testing/nft_type.h"

const char *testing_str(lua_State *L, int i, const char *name)
{
	const char *s;

	lua_getfield(L, i, name);
	s = lua_tostring(L, -1);
	lua_pop(L, 1);
	return s;
}

lua_Integer testing_num(lua_State *L, int i, const char *name)
{
	lua_Integer v;

	lua_getfield(L, i, name);
	v = lua_tointeger(L, -1);
	lua_pop(L, 1);
	return v;
}

bool testing_flag(lua_State *L, int i, const char *name)
{
	bool on;

	lua_getfield(L, i, name);
	on = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return on;
}

void testing_object(lua_State *L, int i, struct object_want *o)
{
	const char *name = testing_str(L, i, "helper"), *secmark = testing_str(L, i, "secmark");

	o->type = (uint32_t)testing_num(L, i, "obj_type");
	o->comment = testing_str(L, i, "comment");
	switch (o->type) {
	case NFT_OBJECT_COUNTER:
		o->counter.packets = (uint64_t)testing_num(L, i, "packets");
		o->counter.bytes = (uint64_t)testing_num(L, i, "bytes");
		break;
	case NFT_OBJECT_QUOTA:
		o->quota.bytes = (uint64_t)testing_num(L, i, "bytes");
		o->quota.used = (uint64_t)testing_num(L, i, "used");
		o->quota.over = testing_flag(L, i, "over");
		break;
	case NFT_OBJECT_LIMIT:
		o->limit.rate = (uint64_t)testing_num(L, i, "rate");
		o->limit.unit = (uint64_t)testing_num(L, i, "unit");
		o->limit.burst = (uint32_t)testing_num(L, i, "burst");
		o->limit.bytes = testing_flag(L, i, "bytes");
		o->limit.over = testing_flag(L, i, "over");
		break;
	case NFT_OBJECT_CONNLIMIT:
		o->connlimit.count = (uint32_t)testing_num(L, i, "count");
		o->connlimit.over = testing_flag(L, i, "over");
		break;
	case NFT_OBJECT_CT_HELPER:
		snprintf(o->helper.name, sizeof(o->helper.name), "%s", name ? name : "");
		o->helper.l3proto = (uint16_t)testing_num(L, i, "l3proto");
		o->helper.l4proto = (uint8_t)testing_num(L, i, "l4proto");
		break;
	case NFT_OBJECT_CT_TIMEOUT:
		o->timeout.l3proto = (uint16_t)testing_num(L, i, "l3proto");
		o->timeout.l4proto = (uint8_t)testing_num(L, i, "l4proto");
		lua_getfield(L, i, "policy");
		for (int k = 1; lua_istable(L, -1) && k < CT_TIMEOUT_MAX; k++) {
			if (lua_rawgeti(L, -1, k) == LUA_TNUMBER) {
				o->timeout.given |= 1u << k;
				o->timeout.seconds[k] = (uint32_t)lua_tointeger(L, -1);
			}
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
		break;
	case NFT_OBJECT_CT_EXPECT:
		o->expect.l3proto = (uint16_t)testing_num(L, i, "l3proto");
		o->expect.l4proto = (uint8_t)testing_num(L, i, "l4proto");
		o->expect.size = (uint8_t)testing_num(L, i, "size");
		o->expect.dport = (uint16_t)testing_num(L, i, "dport");
		o->expect.timeout_ms = (uint32_t)testing_num(L, i, "timeout");
		break;
	case NFT_OBJECT_SYNPROXY:
		o->synproxy.mss = (uint16_t)testing_num(L, i, "mss");
		o->synproxy.wscale = (uint8_t)testing_num(L, i, "wscale");
		o->synproxy.flags = (uint32_t)testing_num(L, i, "flags");
		break;
	case NFT_OBJECT_SECMARK:
		snprintf(o->secmark, sizeof(o->secmark), "%s", secmark ? secmark : "");
		break;
	default: break;
	}
}
