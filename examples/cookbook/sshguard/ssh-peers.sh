#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tells rnm who has an SSH session to this host now. For a timer (each two minutes), and for each log-in in /etc/pam.d/sshd:
#   session optional pam_exec.so /usr/local/bin/ssh-peers.sh
set -u
rnm=${RNM:-rnm}
peers=$(ss -Htn state established "sport = :${PORT:-22}" | awk '{
	sub(/:[0-9]+$/, "", $4); gsub(/[][]/, "", $4); sub(/^::ffff:/, "", $4); sub(/%.*/, "", $4); print $4 }')
# The session that is being opened is among them; pam_exec says it too.
peers=$(printf '%s\n' "${PAM_RHOST:-}" "$peers" | grep -E '^[0-9a-fA-F.:]+$' | sort -u | paste -sd ' ')
[ -z "$peers" ] || exec $rnm emit ssh address="$peers"
