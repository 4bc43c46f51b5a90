#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# probe.sh URL-PATTERN BACKEND …: asks each backend every INTERVAL seconds (2) and tells rnm when it changed its mind: down after
# three failures in a row, up after two successes.   probe.sh http://%s:80/health 10.0.0.11 10.0.0.12
set -u
rnm=${RNM:-rnm} interval=${INTERVAL:-2}
pattern=$1
shift
good() {
	# shellcheck disable=SC2059
	curl -fsS -m "$interval" -o /dev/null "$(printf "$pattern" "$1")" 2>/dev/null
}

# watch BACKEND
watch() {
	state=up against=0
	while :; do
		if good "$1"; then now=up need=2; else now=down need=3; fi
		if [ $now = $state ]; then against=0; else against=$((against + 1)); fi
		if [ $against -ge $need ]; then
			state=$now against=0
			$rnm emit backend address="$1" state=$state
		fi
		sleep "$interval"
	done
}

pids=
trap 'kill $pids; exit' INT TERM
for backend; do
	watch "$backend" &
	pids="$pids $!"
done
wait
