#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/spec.sh BUILD SPEC: one spec for tests/run.sh, in a process of its own; those of tests/integration and tests/torture also
# get a network namespace of their own. A spec that crashes, hangs or runs nothing counts as a failure, and so does each report
# of a sanitizer. Adds "PASSED FAILED SKIPPED" to $RNM_SPECS/counts.
set -u
build=$1 file=$2
tmp=$(mktemp -d "$RNM_SPECS/XXXXXX")

# With both builds at a time a spec would meet itself.
exec 8>"$RNM_SPECS/lock.$(echo "$file" | tr / .)"
flock 8

export RNM_BUILD="$build" RNM_COUNTS="$tmp/counts" LUA_CPATH="$build/lua/?.so;;"
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;$PWD/tests/support/?.lua;;"
# The sanitizers report to files, as some specs catch what is written to stderr.
export RNM_SANITIZER_LOG="$tmp/sanitizer" UBSAN_OPTIONS="print_stacktrace=1:log_path=$tmp/sanitizer"
set -- lua5.4 "$(command -v busted)" -o tests/support/report.lua "$file"
name=$file
case $build in
*/san)
	set -- env LD_PRELOAD="$(cc -print-file-name=libasan.so)" ASAN_OPTIONS="detect_leaks=0:log_path=$RNM_SANITIZER_LOG" "$@"
	name="$file, with sanitizers"
	;;
esac

done_with() {
	echo "$1 $2 $3" >>"$RNM_SPECS/counts"
	exec 9>"$RNM_SPECS/output"
	flock 9
	[ "$2$3" = 00 ] || cat "$tmp/out"
	printf '%5d passed %3d failed %3d skipped %4d s  %s\n' "$1" "$2" "$3" $(($(date +%s) - began)) "$name"
	exit 0
}

began=$(date +%s)
case $file in
tests/integration* | tests/torture*)
	if [ -z "$RNM_NS" ]; then
		echo "    neither root nor a user namespace to be root in" >"$tmp/out"
		done_with 0 0 1
	fi
	# shellcheck disable=SC2016,SC2086
	set -- $RNM_NS sh -c 'ip link set lo up; exec "$@"' sh "$@"
	;;
esac
timeout -k 5 "${RNM_TORTURE:+36}300" "$@" </dev/null >"$tmp/out" 2>&1 8>&-
status=$?
read -r p f s 2>/dev/null <"$RNM_COUNTS" || p=0 f=0 s=0
for report in "$tmp"/sanitizer.*; do
	[ -e "$report" ] || continue
	cat "$report" >>"$tmp/out"
	f=$((f + 1))
done
if [ $((p + f + s)) = 0 ] || { [ $status != 0 ] && [ "$f" = 0 ]; }; then
	echo "failed to run, status $status" >>"$tmp/out"
	f=$((f + 1))
fi
done_with "$p" "$f" "$s"
