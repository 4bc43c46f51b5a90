#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Asks the resolver on this host every 30 seconds and tells rnm whether it answers.
set -u
rnm=${RNM:-rnm}
while :; do
	if dig +time=2 +tries=1 @127.0.0.1 "${NAME:-.}" NS >/dev/null; then state=up; else state=down; fi
	$rnm emit resolver state=$state
	sleep "${INTERVAL:-30}"
done
