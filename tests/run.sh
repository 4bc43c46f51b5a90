#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh [RING …]: runs the specs of the rings (default: all), with the normal and with the sanitizer build below
# $RNM_BUILD, and ends with one line that counts over all of them. A ring is a folder with specs; one that crashes, hangs or
# runs nothing counts as failed. tests/integration gets a network namespace of its own.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${RNM_BUILD:-build}")
PATH=$PATH:/usr/sbin:/sbin
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;$PWD/tests/support/?.lua;;" RNM_COUNTS="$tmp/counts"
passed=0 failed=0 skipped=0

rings() {
	printf '%s\n' tests/unit tests/golden tests/integration
	find tests policies examples -name '*_spec.lua' 2>/dev/null | sed 's|/[^/]*$||' | sort
}

# The command that gives the integration ring its namespace; fails where there is none.
namespace() {
	for ns in "unshare -n" "unshare -rn"; do
		if $ns ip link set lo up 2>/dev/null; then
			echo "$ns"
			return
		fi
	done
	return 1
}

# ring FOLDER [COMMAND …]
ring() {
	dir=$1
	shift
	rm -f "$RNM_COUNTS"
	LUA_CPATH="$RNM_BUILD/lua/?.so;;" timeout -k 5 600 "$@" lua5.4 "$(command -v busted)" \
		-o tests/support/report.lua --no-recursive -p _spec "$dir" </dev/null
	status=$?
	read -r p f s 2>/dev/null <"$RNM_COUNTS" || p=0 f=0 s=0
	if [ $((p + f + s)) = 0 ] || [ $status != 0 -a "$f" = 0 ]; then
		echo "$dir: failed to run (status $status)"
		f=$((f + 1))
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

asan=$(cc -print-file-name=libasan.so)
export UBSAN_OPTIONS=print_stacktrace=1
for RNM_BUILD in "$build" "$build/san"; do
	export RNM_BUILD
	case $RNM_BUILD in
	*/san) name=" with sanitizers" preload="env LD_PRELOAD=$asan ASAN_OPTIONS=detect_leaks=0" ;;
	*) name="" preload="" ;;
	esac
	for dir in ${*:-$(rings | awk '!seen[$0]++')}; do
		echo "== ${dir#tests/}$name"
		if [ "$dir" != tests/integration ]; then
			# shellcheck disable=SC2086
			ring "$dir" $preload
		elif ns=$(namespace); then
			# The programs under test have their sanitizers built in; nft and ip need none.
			# shellcheck disable=SC2016
			ring "$dir" $ns sh -c 'ip link set lo up; exec "$@"' sh
		else
			echo "skipped: neither root nor a user namespace to be root in"
			skipped=$((skipped + 1))
		fi
	done
done

line="$passed passed, $failed failed"
[ $skipped = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed = 0 ] && [ $passed -gt 0 ]
