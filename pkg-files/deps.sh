#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh build|demo|check|torture|conformance|bench|lint|fuzz|all …: whatever is missing for these is installed when root runs
# this, and named otherwise. What is there is seen by its files and commands, so the answer is quick, and right on other distributions too.
set -eu

missing=

# need PACKAGE FILE|COMMAND …: a header is looked for below the include folders
need() {
	package=$1
	shift
	for what; do
		case $what in
		/*)
			test -e "$what" && continue
			;;
		*.h)
			for dir in /usr/include /usr/local/include; do
				test -e "$dir/$what" && continue 2
			done
			;;
		*)
			PATH=$PATH:/usr/sbin:/sbin command -v "$what" >/dev/null && continue
			;;
		esac
		missing="$missing $package"
		return
	done
}

build() {
	need build-essential cc make
	need pkg-config pkg-config
	need liblua5.4-dev lua5.4/lua.h
	need libmnl-dev libmnl/libmnl.h
	need libnftnl-dev libnftnl/rule.h
	need libev-dev ev.h
	need libyaml-dev yaml.h
}

demo() {
	build
	need nftables nft
	need iproute2 ip
	need util-linux unshare nsenter
	need netbase /etc/services /etc/protocols
}

check() {
	demo
	need lua5.4 lua5.4
	need lua-busted busted
	need dnsmasq-base dnsmasq
	need busybox busybox
	need socat socat
	need python3 python3
}

torture() {
	check
}

conformance() {
	check
}

bench() {
	demo
	need libnftables-dev nftables/libnftables.h
	need lua5.4 lua5.4
}

lint() {
	need clang-format clang-format
	need lua5.4 luac5.4
	need lua-check luacheck
}

fuzz() {
	build
	need clang clang
}

all() {
	check
	bench
	lint
	fuzz
}

for group; do
	"$group"
done
test -n "$missing" || exit 0
# shellcheck disable=SC2086
set -- $(printf '%s\n' $missing | sort -u)
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "missing: install these packages, or run make as root: $*" >&2
	exit 1
fi
echo "installing $*"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "$@" >/dev/null
