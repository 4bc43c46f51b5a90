#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh [SPEC|RING …]: runs specs (default: all), with the normal and with the sanitizer build below $RNM_BUILD, and
# ends with one line that counts them all. A ring is a folder of specs. Each spec has a process of its own; one that crashes,
# hangs or runs nothing counts as a failure, and so does each report of a sanitizer. Those of tests/integration also get a
# network namespace of their own. RNM_TORTURE=1: with the normal build only, and with hours for each.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${RNM_BUILD:-build}")
PATH=$PATH:/usr/sbin:/sbin
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
passed=0 failed=0 skipped=0

# The sanitizers report to files, as some specs catch what is written to stderr.
export RNM_COUNTS="$tmp/counts" RNM_SANITIZER_LOG="$tmp/sanitizer"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$RNM_SANITIZER_LOG"
asan="LD_PRELOAD=$(cc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0:log_path=$RNM_SANITIZER_LOG"
busted=$(command -v busted)

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
ns=$(namespace) || ns=

# spec FILE [COMMAND …]
spec() {
	file=$1
	shift
	rm -f "$RNM_COUNTS"
	began=$(date +%s)
	timeout -k 5 "${RNM_TORTURE:+36}300" "$@" lua5.4 "$busted" -o tests/support/report.lua "$file" </dev/null >"$tmp/out" 2>&1
	status=$?
	read -r p f s 2>/dev/null <"$RNM_COUNTS" || p=0 f=0 s=0
	for report in "$tmp"/sanitizer.*; do
		[ -e "$report" ] || continue
		cat "$report" >>"$tmp/out"
		rm "$report"
		f=$((f + 1))
	done
	if [ $((p + f + s)) = 0 ] || [ $status != 0 -a "$f" = 0 ]; then
		echo "failed to run, status $status" >>"$tmp/out"
		f=$((f + 1))
	fi
	[ "$f$s" = 00 ] || cat "$tmp/out"
	printf '%5d passed %3d failed %3d skipped %4d s  %s\n' "$p" "$f" "$s" $(($(date +%s) - began)) "$file"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

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

for RNM_BUILD in "$build" "$build/san"; do
	[ -n "${RNM_TORTURE:-}" ] && [ "$RNM_BUILD" != "$build" ] && continue
	export RNM_BUILD LUA_CPATH="$RNM_BUILD/lua/?.so;;"
	export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;$PWD/tests/support/?.lua;;"
	case $RNM_BUILD in
	*/san) san="env $asan" && echo "== with sanitizers" ;;
	*) san= ;;
	esac
	# shellcheck disable=SC2046,SC2016,SC2086
	for file in $(specs "$@"); do
		# What these try is policies and packets; rnmd itself is tried with sanitizers by the others.
		case $san$file in
		env*/cookbook_*) continue ;;
		esac
		case $file in
		tests/integration* | tests/torture*)
			if [ -n "$ns" ]; then
				spec "$file" $ns sh -c 'ip link set lo up; exec "$@"' sh $san
			else
				echo "    skipped, neither root nor a user namespace to be root in: $file"
				skipped=$((skipped + 1))
			fi
			;;
		*) spec "$file" $san ;;
		esac
	done
done

line="$passed passed, $failed failed"
[ $skipped = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed = 0 ] && [ $passed -gt 0 ]
