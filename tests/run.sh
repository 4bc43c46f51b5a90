#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh [SPEC|RING …]: runs specs (default: all), with the normal and with the sanitizer build below $RNM_BUILD, and
# ends with one line that counts them all. A ring is a folder of specs. RNM_JOBS (default: a processor's each) run at a time.
# RNM_TORTURE=1: with the normal build only, one at a time, with hours for each, and from the seed that it tells first.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${RNM_BUILD:-build}")
PATH=$PATH:/usr/sbin:/sbin
RNM_SPECS=$(mktemp -d)
if [ -n "${RNM_TORTURE:-}" ]; then
	export RNM_SEED="${RNM_SEED:-$(date +%s)}"
	echo "== RNM_SEED=$RNM_SEED"
fi
trap 'rm -rf "$RNM_SPECS"' EXIT
trap 'exit 1' INT TERM

# The command that gives a namespace; fails where there is none.
namespace() {
	for ns in "unshare -n" "unshare -rn"; do
		if $ns ip link set lo up 2>/dev/null; then
			echo "$ns"
			return
		fi
	done
	return 1
}
RNM_NS=$(namespace) || RNM_NS=
export RNM_SPECS RNM_NS

# specs FOLDER|FILE …: the specs there; a folder that should have some and has none stands for itself, and will fail
specs() {
	if [ $# = 0 ]; then
		set -- tests/unit tests/policies tests/golden tests/integration
		find policies examples -name '*_spec.lua' | sort
	fi
	for place; do
		found=$(find "$place" -name '*_spec.lua' | sort)
		echo "${found:-$place}"
	done
}

for b in "$build" "$build/san"; do
	[ -n "${RNM_TORTURE:-}" ] && [ "$b" != "$build" ] && continue
	specs "$@" | while read -r file; do
		# What these try is policies and packets; rnmd itself is tried with sanitizers by the others.
		case $b$file in
		*/santests/*/cookbook_*) continue ;;
		esac
		printf '%s\n%s\n' "$b" "$file"
	done
done | xargs -d '\n' -n 2 -P "${RNM_JOBS:-${RNM_TORTURE:-$(nproc)}}" tests/spec.sh

awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed%s\n", p, f, s ? ", " s " skipped" : ""; exit f > 0 || p == 0 }' "$RNM_SPECS/counts"
