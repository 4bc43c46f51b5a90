#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [FOLDER]: the project's own cases, and the reference corpora of FOLDER; the last line is the count of both.
set -u
cd "$(dirname "$0")/../.." || exit 1
RNM_BUILD=$(realpath "${RNM_BUILD:-build}")
export RNM_BUILD LUA_CPATH="$RNM_BUILD/lua/?.so;;" LUA_PATH="$PWD/tests/support/?.lua;;"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ns="unshare -n"
[ "$(id -u)" = 0 ] || ns="unshare -rn"

echo "== own cases"
$ns lua5.4 tests/conformance/run.lua 2>&1 | tee "$tmp/own"
if [ -n "${1:-}" ]; then
	echo "== reference corpora of $1"
	tests/conformance/corpora.sh "$1" 2>&1 | tee "$tmp/corpora"
fi
# What ended without its count has failed.
for part in "$tmp"/*; do
	tail -n 1 "$part" | grep -E '^[0-9]+ passed, [0-9]+ failed$' || echo "0 passed, 1 failed"
done | {
	passed=0 failed=0
	while read -r p _ f _; do
		passed=$((passed + p)) failed=$((failed + f))
	done
	echo "$passed passed, $failed failed"
	[ $failed = 0 ] && [ $passed -gt 0 ]
}
