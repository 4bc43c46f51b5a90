#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# resolve.sh NAME …: asks for each name every INTERVAL seconds (60) and tells rnm the answer; a failure tells nothing.
# INTERVAL=0: once.
set -u
rnm=${RNM:-rnm} interval=${INTERVAL:-60}
while :; do
	for name; do
		addresses=$(getent ahosts "$name" | awk '{ print $1 }' | sort -u | paste -sd ' ')
		[ -z "$addresses" ] || $rnm emit dns name="$name" address="$addresses" ttl="${TTL:-300}"
	done
	[ "$interval" != 0 ] || exit 0
	sleep "$interval"
done
