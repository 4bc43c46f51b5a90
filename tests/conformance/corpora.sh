#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# corpora.sh FOLDER: the reference corpora there, loaded by $RNM_BUILD/rnm; prints the score by kind, then "N passed, N failed".
# LIMIT=N takes a random N of each. KEEP=DIR keeps each record's verdict there.
set -u
folder=$(realpath "$1") || exit 1
rnm=$(realpath "${RNM_BUILD:-build}")/rnm
keep=${KEEP:-$(mktemp -d)}
mkdir -p "$keep"
[ -n "${KEEP:-}" ] || trap 'rm -rf "$keep"' EXIT

# Text in, the ruleset out and in again: what is compared at the end went through rnm's own listing.
cat >"$keep/round" <<END2
#!/bin/sh
set -e
t=\$(mktemp)
trap 'rm -f "\$t"' EXIT
"$rnm" nft load -
{ echo flush ruleset; echo list ruleset | "$rnm" nft load -; } >"\$t"
"$rnm" nft load "\$t"
END2
chmod +x "$keep/round"

rule='{ printf "add rule %s %s %s " "$ORACLE_FAMILY" "$ORACLE_TABLE" "$ORACLE_CHAIN"; cat; echo; }'
load="exec '$rnm' nft load -"
back="exec '$keep/round'"

# score KIND CORPUS LOADER [OPTION …]
score() {
	kind=$1 corpus=$2 loader=$3
	shift 3
	[ -e "$folder/$corpus.jsonl" ] || return 0
	python3 "$folder/score.py" "$folder/$corpus.jsonl" ${LIMIT:+--limit "$LIMIT"} --out "$keep/$kind.jsonl" "$@" \
		--loader "$loader" >"$keep/$kind.out" 2>&1 || cat "$keep/$kind.out"
}

score open open "$rule | $load" --sandbox
score wild wild "$rule | $load" --sandbox
score rulesets rulesets "$load" --rulesets --sandbox
score negatives negatives "$rule | $load" --negative --sandbox
score open-round open "$rule | $back" --sandbox
score wild-round wild "$rule | $back" --sandbox
score rulesets-round rulesets "$back" --rulesets --sandbox
lua5.4 "$(dirname "$0")/corpora.lua" "$folder" "$rnm" "$keep" "${LIMIT:-0}"
