#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /etc/libvirt/hooks/qemu (GUEST OPERATION …, the domain's XML on standard input): tells rnm which machine is behind a tap. Its
# addresses are those of <filterref>'s <parameter name='IP' value='…'/>.
set -u
rnm=${RNM:-rnm}
[ "$2" = started ] || exit 0
awk -v RS='<' '
	function value(name) { return match($0, name "=[\"\x27][^\"\x27]*") ? substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2) : "" }
	/^interface/ { mac = tap = ips = "" }
	/^mac / { mac = value("address") }
	/^target / { tap = value("dev") }
	/^parameter / && value("name") == "IP" { ips = ips " " value("value") }
	/^\/interface/ && tap != "" && mac != "" { print tap, mac ips }' |
	while read -r tap mac ips; do
		$rnm emit vm tap="$tap" mac="$mac" address="$ips"
	done
