#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fetch-list.sh URL FILE [LEAST]: downloads a list of networks and puts it in FILE's place when it is one: at least LEAST
# lines (100), nothing but addresses and prefixes, and not less than half of what was there. Else FILE stays, and it fails.
set -eu
url=$1 file=$2 least=${3:-100}
new=$file.new
trap 'rm -f "$new"' EXIT

curl -fsSL --max-time 120 -o "$new" "$url"
sed -i -e 's/[[:space:]]*#.*//' -e '/^$/d' "$new"
if bad=$(grep -nvE '^[0-9a-fA-F.:]+(/[0-9]{1,3})?$' "$new"); then
	echo "$url: no list of networks, line $(echo "$bad" | head -n 1)" >&2
	exit 1
fi
n=$(wc -l <"$new")
had=$(wc -l <"$file" 2>/dev/null || echo 0)
if [ "$n" -lt "$least" ] || [ "$n" -lt $((had / 2)) ]; then
	echo "$url: only $n networks, $had before" >&2
	exit 1
fi
chmod 644 "$new"
mv "$new" "$file"
