# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for rnm(8)

# What the daemon knows: nothing where there is none, or where it may not be asked.
_rnm_ask() {
	rnm "${at[@]}" "$@" 2>/dev/null
}

_rnm_packs() {
	_rnm_ask packs | awk 'NR > 1 && !/^ / { print $1 }'
}

# FAMILY TABLE NAME, as far as it goes: $1 is how many words stand already, from COMP_WORDS[$2] on.
_rnm_place() {
	_rnm_ask list --names | awk -v n="$1" -v family="${COMP_WORDS[$2]}" -v table="${COMP_WORDS[$2 + 1]}" '
		{ sub(/: [0-9]+ (element|rule)s?$/, "") }
		n == 0 { print $2; if (NF > 3) print $4 }
		n == 1 && $2 == family { print $3 }
		n == 2 && $2 == family && $3 == table && NF > 3 { print $4 }' | sort -u
}

_rnm() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' at=() i first
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket)
			at=(-s "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	((first = i + 1))
	while [[ $first -lt $COMP_CWORD && ${COMP_WORDS[first]} == -* ]]; do ((first++)); done
	COMPREPLY=()
	case $before in
	-s | --socket | -c | --config)
		if [[ $command != nft ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return
		fi
		;;
	esac
	case $command in
	'') mapfile -t COMPREPLY < <(compgen -W "-s --socket -h --help -V --version \
		ping status reload apply confirm eval delta undo metrics monitor plan list why packs adopt record replay emit check test nft help version" -- "$word") ;;
	status | reload | confirm | metrics | monitor | delta) mapfile -t COMPREPLY < <(compgen -W "--json" -- "$word") ;;
	list) mapfile -t COMPREPLY < <(compgen -W "--json --names $(_rnm_place $((COMP_CWORD - first)) $first)" -- "$word") ;;
	why) mapfile -t COMPREPLY < <(compgen -W "--json $(_rnm_place $((COMP_CWORD - first)) $first)" -- "$word") ;;
	apply) mapfile -t COMPREPLY < <(compgen -f -W "--json --confirm" -- "$word") ;;
	emit) mapfile -t COMPREPLY < <(compgen -W "--json" -- "$word") ;;
	record) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	replay) case $before in
		--policies) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -W "--all --policies -c --config" -- "$word") ;;
		esac ;;
	packs) case $before in
		packs | --json) mapfile -t COMPREPLY < <(compgen -W "--json show enable disable quarantine release" -- "$word") ;;
		show | enable | disable | quarantine | release) mapfile -t COMPREPLY < <(compgen -W "$(_rnm_packs)" -- "$word") ;;
		esac ;;
	adopt) case $before in
		adopt | --dry-run) mapfile -t COMPREPLY < <(compgen -W "--dry-run ip ip6 inet arp bridge netdev" -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -W "$(_rnm_ask nft list tables | awk -v family="$before" '$2 == family { print $3 }')" -- "$word") ;;
		esac ;;
	plan) mapfile -t COMPREPLY < <(compgen -W "--json --read" -- "$word") ;;
	eval) case $before in
		--pack) mapfile -t COMPREPLY < <(compgen -W "$(_rnm_packs)" -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -W "--dry-run --json --read-only --pack" -- "$word") ;;
		esac ;;
	undo) mapfile -t COMPREPLY < <(compgen -W "--json all" -- "$word") ;;
	check) mapfile -t COMPREPLY < <(compgen -W "-c --config --json" -- "$word") ;;
	nft) case $before in
		nft) mapfile -t COMPREPLY < <(compgen -W "load compile add create insert replace delete destroy flush rename reset list get \
			clone disable enable" -- "$word") ;;
		list) mapfile -t COMPREPLY < <(compgen -W "ruleset tables table chains chain sets set maps map counters quotas \
			flowtables disabled" -- "$word") ;;
		clone | disable | enable) mapfile -t COMPREPLY < <(compgen -W "rule" -- "$word") ;;
		-I | --includepath) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
		-D | --define) ;;
		*)
			if [[ $word == -* ]]; then
				mapfile -t COMPREPLY < <(compgen -W "-c -D -I --check --define --includepath" -- "$word")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
			fi
			;;
		esac ;;
	test) case $word in
		-*) mapfile -t COMPREPLY < <(compgen -W "-f -o -u --filter --output --update" -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
		esac ;;
	help) mapfile -t COMPREPLY < <(compgen -W "ping status reload apply confirm eval delta undo metrics monitor plan list why packs adopt record \
		replay emit check test nft version" -- "$word") ;;
	esac
}
complete -F _rnm rnm
