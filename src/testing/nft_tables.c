// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft.selectors() → every field and key of the compiler's tables: { text = "tcp dport", of = "tcp", type
 * = "inet_service", base = "integer", bits = 16, host = false, set = true, symbols = { … } }. */
#include "nft/datatype.h"
#include "nft/field.h"
#include "testing/nft_env.h"

static void add(lua_State *L, const char *of, const char *text, const struct datatype *dt, unsigned bits,
	bool host, bool set)
{
	static const char *const bases[] = { "none", "integer", "bitmask", "string" };

	lua_newtable(L);
	lua_pushstring(L, of);
	lua_setfield(L, -2, "of");
	lua_pushstring(L, text);
	lua_setfield(L, -2, "text");
	lua_pushstring(L, dt->name);
	lua_setfield(L, -2, "type");
	lua_pushstring(L, bases[dt->base]);
	lua_setfield(L, -2, "base");
	lua_pushinteger(L, bits);
	lua_setfield(L, -2, "bits");
	lua_pushboolean(L, host);
	lua_setfield(L, -2, "host");
	lua_pushboolean(L, set);
	lua_setfield(L, -2, "set");
	lua_newtable(L);
	for (lua_Integer i = 0; dt->syms && dt->syms[i].name; i++) {
		lua_pushstring(L, dt->syms[i].name);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "symbols");
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void add_fields(lua_State *L, const char *prefix, const struct proto *p, bool set)
{
	for (const struct field *f = p->fields; f->name; f++) {
		_buf_ struct buf b = BUF_INIT;

		buf_printf(&b, "%s%s %s", prefix, p->name, f->name);
		add(L, p->name, buf_str(&b), datatype_by_id((enum dt_id)f->type), f->bits, false, set);
	}
}

static void add_options(lua_State *L, const char *prefix, enum proto_kind kind, const char *of)
{
	const struct proto *p;

	for (size_t i = 0; (p = proto_option_at(kind, i)); i++) {
		_buf_ struct buf b = BUF_INIT;

		if (kind != PROTO_EXTHDR6)
			add_fields(L, prefix, p, kind == PROTO_TCPOPT);
		buf_printf(&b, "%s%s", prefix, p->name);
		add(L, of, buf_str(&b), datatype_by_id(DT_BOOLEAN), 1, false, false);
	}
}

static void add_key(lua_State *L, const char *of, const char *prefix, const struct selkey *k, unsigned type,
	unsigned bits)
{
	_buf_ struct buf b = BUF_INIT;

	buf_printf(&b, "%s%s", prefix, k->name);
	add(L, of, buf_str(&b), datatype_by_id((enum dt_id)type), bits, k->order == ORDER_HOST,
		k->flags & SK_SET);
}

static void add_keys(lua_State *L, const char *of, const char *const *prefixes, const struct selkey *k)
{
	for (; k->name; k++)
		for (int i = 0; prefixes[i]; i++) {
			bool dir = i > 0;
			_buf_ struct buf b = BUF_INIT;

			if (dir ? !(k->flags & SK_DIR) : k->flags & SK_NEEDDIR)
				continue;
			if (k->type != DT_INVALID) {
				add_key(L, of, prefixes[i], k, k->type, k->bits);
				continue;
			}
			buf_printf(&b, "%sip ", prefixes[i]);
			add_key(L, of, buf_str(&b), k, DT_IPADDR, 32);
			buf_clear(&b);
			buf_printf(&b, "%sip6 ", prefixes[i]);
			add_key(L, of, buf_str(&b), k, DT_IP6ADDR, 128);
		}
}

static int selectors(lua_State *L)
{
	static const char *const meta[] = { "meta ", NULL }, *const rt[] = { "rt ", NULL },
				 *const ct[] = { "ct ", "ct original ", "ct reply ", NULL };
	static const char *const sock[] = { "socket ", NULL }, *const xfrm[] = { "ipsec in ", NULL };
	const struct proto *p;

	lua_newtable(L);
	for (size_t i = 0; (p = proto_at(i)); i++)
		add_fields(L, "", p, p->kind == PROTO_HEADER);
	add_options(L, "exthdr ", PROTO_EXTHDR6, "exthdr");
	add_options(L, "tcp option ", PROTO_TCPOPT, "tcp option");
	add_options(L, "ip option ", PROTO_IPOPT, "ip option");
	add_options(L, "sctp chunk ", PROTO_SCTP_CHUNK, "sctp chunk");
	add_keys(L, "meta", meta, meta_keys);
	add_keys(L, "ct", ct, ct_keys);
	add_keys(L, "rt", rt, rt_keys);
	add_keys(L, "socket", sock, socket_keys);
	add_keys(L, "ipsec", xfrm, xfrm_keys);
	return 1;
}

void testing_nft_tables(lua_State *L)
{
	static const luaL_Reg fns[] = { { "selectors", selectors }, { NULL, NULL } };

	luaL_setfuncs(L, fns, 0);
}
