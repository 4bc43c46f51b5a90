#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# probe.sh LINK GATEWAY TABLE TARGET: pings TARGET over the uplink; three failures in a row take the default route out of its
# table, two answers put it back. rnm sees the route come and go, this script does not need to know of it.
set -u
link=$1 gateway=$2 table=$3 target=$4
ip route replace "$target" via "$gateway" dev "$link" table "$table" # the way for the question stays
state=up against=0
while :; do
	if ping -q -c 1 -W 2 -I "$link" "$target" >/dev/null 2>&1; then now=up need=2; else now=down need=3; fi
	if [ $now = $state ]; then against=0; else against=$((against + 1)); fi
	if [ $against -ge $need ]; then
		state=$now against=0
		case $state in
		up) ip route replace default via "$gateway" dev "$link" table "$table" ;;
		down) ip route del default via "$gateway" dev "$link" table "$table" ;;
		esac
	fi
	sleep 2
done
