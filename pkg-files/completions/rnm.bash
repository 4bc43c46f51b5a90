# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for rnm(8)

_rnm() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	COMPREPLY=()
	case $before in
	-s | --socket | -c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	case $command in
	'') mapfile -t COMPREPLY < <(compgen -W "--socket --help --version \
		ping status reload apply confirm eval delta undo metrics monitor plan list why packs adopt record replay emit check test nft help version" -- "$word") ;;
	list | status | monitor) mapfile -t COMPREPLY < <(compgen -W "--json" -- "$word") ;;
	apply) mapfile -t COMPREPLY < <(compgen -f -W "--confirm" -- "$word") ;;
	record) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	replay) case $before in
		--policies) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -W "--all --policies -c --config" -- "$word") ;;
		esac ;;
	packs) case $before in
		packs) mapfile -t COMPREPLY < <(compgen -W "--json show enable disable quarantine release" -- "$word") ;;
		show | enable | disable | quarantine | release)
			mapfile -t COMPREPLY < <(compgen -W "$(rnm packs 2>/dev/null | awk 'NR > 1 && !/^ / { print $1 }')" -- "$word") ;;
		esac ;;
	adopt) mapfile -t COMPREPLY < <(compgen -W "--dry-run ip ip6 inet arp bridge netdev" -- "$word") ;;
	plan) mapfile -t COMPREPLY < <(compgen -W "--json --read" -- "$word") ;;
	eval) mapfile -t COMPREPLY < <(compgen -W "--dry-run --json --read-only --pack" -- "$word") ;;
	delta) mapfile -t COMPREPLY < <(compgen -W "--json" -- "$word") ;;
	undo) mapfile -t COMPREPLY < <(compgen -W "all" -- "$word") ;;
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
	test)
		case $word in
		-*) mapfile -t COMPREPLY < <(compgen -W "--filter --output --update" -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
		esac ;;
	esac
}
complete -F _rnm rnm
