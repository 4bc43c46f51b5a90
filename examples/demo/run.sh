#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The real rnmd with the policy `wan` that comes with it and a hook, in a network namespace of its own. Addresses come, change and go;
# shown is what rnmd made of each, and checked that it is right. Nothing outside of the namespace is touched.
set -eu
if [ -z "${DEMO_NAMESPACE:-}" ]; then
	cd "$(dirname "$0")/../.."
	RNM_BUILD=$(realpath "${RNM_BUILD:-build}")
	PATH=$PATH:/usr/sbin:/sbin
	export PATH RNM_BUILD DEMO_NAMESPACE=1
	[ "$(id -u)" = 0 ] && exec unshare -n "$0"
	exec unshare -rn "$0"
fi

umask 077
dir=$(mktemp -d)
pids=
finish() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

bold='' dim='' red='' green='' plain=''
if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') red=$(printf '\033[31m') green=$(printf '\033[32m')
	plain=$(printf '\033[0m')
fi

say() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

fail() {
	printf '%sdemo failed: %s%s\n' "$red" "$*" "$plain" >&2
	cat "$dir/log" >&2
	exit 1
}

rnm() {
	"$RNM_BUILD/rnm" -s "$dir/rnm.sock" "$@"
}

# show: what the monitor told since the last time
seen=0
show() {
	sleep 0.2
	tail -c +$((seen + 1)) "$dir/monitor" | sed -e "s/^event.*/  $dim&$plain/" -e "s/^[a-z].*/  &/" \
		-e "s/^+.*/    $green&$plain/" -e "s/^[-!~].*/    $red&$plain/"
	seen=$(wc -c <"$dir/monitor")
}

# step COMMAND …: does it and shows what came of it
step() {
	say "# $*"
	"$@"
	show
}

# holds SET ELEMENT …: the set's content is exactly this
holds() {
	set=$1
	shift
	got=$(nft list set inet rnm "$set" | sed -n 's/.*elements = { \(.*\) }/\1/p')
	[ "$got" = "$*" ] || fail "$set holds '$got' instead of '$*'"
}

link() {
	ip link add "$1" type veth peer name "$1-peer"
	ip link set "$1" addrgenmode none up
	ip link set "$1-peer" addrgenmode none up
}

ip link set lo up
link wan0
link lan0
ip addr add 192.168.1.1/24 dev lan0

cat >"$dir/config.yaml" <<END
interfaces:
  - name: wan0
    nftables_zone: wan
  - name: lan0
    nftables_zone: lan
packs:
  wan: { config: { server: 192.168.1.10, ports: [80, 443] } }
policies:
  dirs: [$dir/policies.d]
END
mkdir "$dir/policies.d"
cp examples/demo/lost.lua "$dir/policies.d"
say "The configuration: two interfaces with their zones, and a policy that publishes a server"
sed -n '1,/wan:/s/^/  /p' "$dir/config.yaml"
say "policies/wan.lua states what follows from the addresses"
sed -n '2,$s/^/  /p' policies/wan.lua
say "examples/demo/lost.lua has a hook"
sed -n '2,$s/^/  /p' examples/demo/lost.lua

"$RNM_BUILD/rnmd" -c "$dir/config.yaml" -s "$dir/rnm.sock" 2>"$dir/log" &
pids=$!
for _ in $(seq 100); do
	[ "$(rnm ping 2>/dev/null)" = pong ] && break
	kill -0 "$pids" 2>/dev/null || fail "rnmd ended"
	sleep 0.05
done
rnm ping >/dev/null || fail "rnmd does not answer"
rnm monitor >"$dir/monitor" 2>&1 &
pids="$! $pids"
sleep 0.2
say "rnmd runs; at its start it made the whole ruleset in one batch"
sed -n 's/^info txn: start/  &/p' "$dir/log"

step ip addr add 203.0.113.7/24 dev wan0
holds wan4 203.0.113.7
step ip addr add 198.51.100.20/28 dev wan0
holds wan4 198.51.100.20, 203.0.113.7
step ip addr change 203.0.113.7/24 dev wan0 valid_lft 600 preferred_lft 600
holds wan4 198.51.100.20, 203.0.113.7
step ip addr del 203.0.113.7/24 dev wan0
holds wan4 198.51.100.20
step ip addr add 192.168.2.1/24 dev lan0
step ip link del wan0
holds wan4

say "# nft list ruleset"
nft list ruleset
say "$(rnm status | sed -n 's/^transactions: //p')"
