#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/run.sh [load|sets|runtime|events]: what rnmd costs beside the least that an address change can cost, and beside libnftables;
# what loading a file costs beside the kernel's own part, and beside nft; what big sets and the policy runtime cost. ROUNDS, ADDRS, STORMS, STARTS, LOADS, RULES, ELEMENTS and
# COPIES set how much is measured.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "${RNM_BUILD:-build}")
[ "$(id -u)" = 0 ] || exec unshare -r "$0"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
umask 077

# pack FORM TEXT
pack() {
	mkdir -p "$dir/$1"
	cat >"$dir/$1/bench.lua"
	cat >"$dir/$1.yaml" <<-END
		interfaces:
		  - name: wan0
		    nftables_zone: wan
		policies:
		  dirs: [$dir/$1]
	END
}

rnmd() {
	echo "$1=$build/rnmd -c $dir/${1#rnmd-}.yaml -s $dir/${1#rnmd-}.sock 2>$dir/$1.log"
}

pack hook <<'END'
local wan4 = nft.table("inet", "bench"):set("wan4", { type = "ipv4_addr" })
function on_addr_change()
	wan4:replace(net.addrs { zone = "wan", family = "ipv4" })
end
END
pack query <<'END'
nft.table("inet", "bench"):set("wan4", { type = "ipv4_addr", elements = net.addrs { zone = "wan", family = "ipv4" } })
END

failed=0
if [ "${1:-load}" = load ]; then
	echo "== a file is loaded into an empty ruleset"
	"$build/bench/load" "$build/rnm" "${LOADS:-9}" "${RULES:-10000}" "${ELEMENTS:-100000}" || failed=1
	echo "== four times the text costs four times as much"
	lua5.4 tests/bench/linear.lua "$build/rnm" "${COPIES:-4000}" || failed=1
fi
if [ "${1:-sets}" = sets ]; then
	echo "== big sets: rnmd's own time, and its memory"
	unshare -n lua5.4 tests/bench/sets.lua "$build/rnmd" "$build/rnm" "${ELEMENTS:-100000}" || failed=1
fi
if [ "${1:-runtime}" = runtime ]; then
	echo "== the policy runtime"
	LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$build/lua/?.so;;" lua5.4 tests/bench/runtime.lua || failed=1
fi
[ "${1:-events}" = events ] || exit $failed
echo "== an address changes: latency from the request to the new generation"
"$build/bench/observer" "${ROUNDS:-2000}" "floor=$build/bench/floor" "$(rnmd rnmd-hook)" "$(rnmd rnmd-query)" \
	"nftlib=$build/bench/nftlib" || failed=1
echo "== ${ADDRS:-10000} addresses are added, then removed"
"$build/bench/storm" "${ADDRS:-10000}" "${STORMS:-3}" none= "floor=$build/bench/floor" "$(rnmd rnmd-hook)" \
	"$(rnmd rnmd-query)" || failed=1
echo "== from exec to ready, and resident memory then, with one pack"
"$build/bench/start" "${STARTS:-10}" "$(rnmd rnmd-query)" || failed=1
[ $failed = 0 ] || cat "$dir"/*.log
exit $failed
