#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tells rnm of each failed log-in that sshd writes to the journal.
set -u
rnm=${RNM:-rnm}
journalctl -f -n 0 -o cat -u ssh -u sshd | sed -un \
	-e 's/^Failed [a-z/-]* for .* from \([0-9a-fA-F.:]*\) port [0-9]* ssh2.*$/\1/p' \
	-e 's/^Invalid user .* from \([0-9a-fA-F.:]*\) port [0-9]*$/\1/p' |
	while read -r address; do
		$rnm emit failure address="$address"
	done
