# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion for preforkctl: commands, options, and the services of the daemon that runs.

# The names of the services, one a line; nothing if the daemon does not answer quickly. Names that
# the shell would have to quote are left out.
_preforkctl_services() {
	local socket=() i
	for ((i = 1; i < ${#COMP_WORDS[@]} - 1; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			socket=(-s "${COMP_WORDS[i + 1]}")
			;;
		esac
	done
	# Six spaces deep, "name" belongs to a service and to nothing else.
	timeout 1 "${COMP_WORDS[0]}" "${socket[@]}" --json status </dev/null 2>/dev/null |
		sed -n 's/^ \{6\}"name": "\([A-Za-z0-9_.-]*\)",\{0,1\}$/\1/p'
}

# Sets command to the command that is on the line already, or to nothing.
_preforkctl_command() {
	local i word
	command=
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket | -d | --delay)
			((i++))
			[[ ${COMP_WORDS[i]} == = ]] && ((i++))
			;;
		-*) ;;
		*)
			[[ -n $command ]] && arguments=$((arguments + 1))
			[[ -z $command ]] && command=$word
			;;
		esac
	done
}

_preforkctl() {
	local commands="status workers explain top reload upgrade stop pause resume drain undrain resize"
	local options="-s --socket --json --no-color -h --help -V --version"
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command arguments=0 words=

	# --socket=PATH comes as three words, and the current one may be the = itself
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	COMPREPLY=()
	case $previous in
	-s | --socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	-d | --delay) return ;;
	esac
	_preforkctl_command
	case $command in
	stop) options+=" --now" ;;
	top) options+=" -d --delay" ;;
	esac
	if [[ $current == -* ]]; then
		words=$options
	elif [[ -z $command ]]; then
		words=$commands
	elif ((arguments == 0)); then
		case $command in
		status | workers | pause | resume | resize) words=$(_preforkctl_services) ;;
		esac
	elif ((arguments == 1)) && [[ $command == explain ]]; then
		words=$(_preforkctl_services)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _preforkctl preforkctl
