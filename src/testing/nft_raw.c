// SPDX-License-Identifier: GPL-2.0-or-later
/* nf_tables over a bare netlink socket, for specs that must not trust the code under test: no libnftnl, no
 * libmnl, no nft. What is in the messages is tests/support/nfcanon.lua's business. */
#include <errno.h>
#include <lauxlib.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "base/err.h"
#include "testing/testing.h"

static int fail(lua_State *L, int err)
{
	lua_pushnil(L);
	lua_pushstring(L, strerror(err));
	lua_pushinteger(L, err);
	return 3;
}

/* netns() → true: this process, and what it starts from now on, is in a network namespace of its own. */
static int l_netns(lua_State *L)
{
	if (unshare(CLONE_NEWNET) < 0)
		return fail(L, errno);
	lua_pushboolean(L, true);
	return 1;
}

/* One datagram's messages appended to the list at index 2. 1: the end was among them; -errno. */
static int take(lua_State *L, const char *buf, size_t n)
{
	while (n >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr h;
		size_t len;

		memcpy(&h, buf, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n)
			return -EBADMSG;
		if (h.nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (h.nlmsg_type == NLMSG_ERROR) {
			int err = -EBADMSG;

			if (h.nlmsg_len >= sizeof(h) + sizeof(err))
				memcpy(&err, buf + sizeof(h), sizeof(err));
			return err ? err : 1;
		}
		if (h.nlmsg_type == NLMSG_DONE)
			return 1;
		lua_pushlstring(L, buf + sizeof(h), h.nlmsg_len - sizeof(h));
		lua_rawseti(L, 2, luaL_len(L, 2) + 1);
		len = NLMSG_ALIGN(h.nlmsg_len);
		if (len >= n)
			break;
		buf += len;
		n -= len;
	}
	return 0;
}

/* ask(MESSAGE) → what follows the header of each message of the answer, or nil, text, errno */
static int l_ask(lua_State *L)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	static char buf[1 << 16];
	size_t len;
	const char *msg = luaL_checklstring(L, 1, &len);
	int fd, ret = 0;

	lua_settop(L, 1);
	lua_newtable(L);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return fail(L, errno);
	if (sendto(fd, msg, len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		ret = -errno;
	while (!ret) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_TRUNC);

		if (n < 0)
			ret = -errno;
		else if ((size_t)n > sizeof(buf))
			ret = -EMSGSIZE;
		else
			ret = take(L, buf, (size_t)n);
	}
	close(fd);
	return ret < 0 ? fail(L, -ret) : 1;
}

int testing_nft_raw(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "netns", l_netns }, { "ask", l_ask }, { NULL, NULL } };

	luaL_newlib(L, funcs);
	return 1;
}
