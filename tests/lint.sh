#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What `make lint` checks: format, who includes whom, licence lines, file sizes, Lua syntax. Tools that are not there are
# named and left out.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT

# complain MESSAGE: for the lines on standard input, if any
complain() {
	found=$(cat)
	[ -n "$found" ] || return 0
	echo "lint: $1"
	echo "$found" | sed 's/^/    /'
	echo 1 >"$bad" # it runs at the end of pipelines, in shells of their own
}

have() {
	command -v "$1" >/dev/null && return
	echo "lint: no $1 here, its check is left out"
	return 1
}

c_files() {
	find src tests -name '*.[ch]'
}

lua_files() { # tests/hostile holds attacks, not code
	find lua policies tests examples -name '*.lua' -not -path 'tests/hostile/*'
}

# only HEADERS FOLDERS: these system headers are for these places alone
only() {
	grep -rnE "#include <($1)" src | grep -vE "^src/($2)" | complain "<$1 is only for src/($2)"
}

# may MODULE OTHERS: besides base and itself
may() {
	grep -rnE '#include "[a-z_]+/' "src/$1" 2>/dev/null | grep -vE "\"(base|$1${2:+|$2})/" | complain "src/$1 must not include these"
}

only 'lua\.h|lauxlib\.h|lualib\.h' 'script|testing'
only 'ev\.h' 'rnmd/|control/|net/watch|nft/watch|testing/'
only 'libnftnl/' 'nft/|testing/'
may base
may net
may nft
may config
may control
may script 'net|nft'
may engine 'config|net|nft|script'
may rnmd 'config|net|nft|script|control|engine'
may rnm 'config|net|nft|script|control|engine'

words='TO''DO|FIX''ME|XX''X|HA''CK'
sources() {
	c_files
	lua_files
	find tests pkg-files examples .ci -name '*.sh' -o -path .ci/run
	echo Makefile
}
for f in $(sources); do
	head -n 2 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$f"
done | complain "no SPDX line"
for f in $(sources); do
	n=$(wc -l <"$f")
	[ "$n" -le 600 ] || echo "$f: $n lines"
done | complain "longer than 600 lines"
sources | xargs grep -nwE "$words" | complain "unfinished"
sources | xargs grep -nE '[[:space:]]+$' | complain "spaces at the end of a line"

have clang-format && c_files | xargs clang-format --dry-run -Werror 2>&1 | grep -E '(error|warning):' | cut -d: -f1 | uniq -c |
	complain "not as clang-format would have it"
have luac5.4 && lua_files | xargs -r -n 1 luac5.4 -p 2>&1 | complain "no valid Lua"
have luacheck && lua_files | xargs -r luacheck --no-color --codes -q 2>&1 | grep -E '^ +[^ ]+:[0-9]+' | complain "luacheck"
[ ! -s "$bad" ]
