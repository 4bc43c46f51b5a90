#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# keepalived's notify script (TYPE NAME STATE PRIORITY): a new master first takes over the connections that conntrackd knows
# of, and only then opens.
set -u
rnm=${RNM:-rnm}
if [ "$3" = MASTER ] && command -v conntrackd >/dev/null; then
	conntrackd -c && conntrackd -f && conntrackd -R || echo "notify: conntrackd could not commit" >&2
fi
exec $rnm emit vrrp state="$3"
