#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tells rnm which addresses the containers have, by their label rnm.role: all of them at once, at the start and after every
# event, so that none that was missed matters. RUNTIME=podman for Podman.
set -u
runtime=${RUNTIME:-docker}
rnm=${RNM:-rnm}

# ROLE=ADDRESS … for each role
roles() {
	ids=$($runtime ps -q) || return
	# shellcheck disable=SC2086
	[ -z "$ids" ] || $runtime inspect -f \
		'{{index .Config.Labels "rnm.role"}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' $ids |
		awk '$1 ~ /^[a-z0-9_-]+$/ { r = $1; $1 = ""; all[r] = all[r] $0 } END { for (r in all) print r "=" all[r] }'
}

tell() {
	found=$(roles) || return
	set --
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "$line"
	done <<-END
		$found
	END
	$rnm emit containers "$@"
}

while :; do
	since=$(date +%s)
	tell
	$runtime events --since "$since" --filter type=container --filter event=start --filter event=die --format '{{.ID}}' |
		while read -r _; do tell; done
	sleep 1 # the runtime is not there, or restarts
done
