# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Bash completion for preforkctl: commands, options, and the names of the running daemon's services.

# Prints the names of the services, one a line; nothing if the daemon does not answer within a second.
# Names that the shell would have to quote are left out.
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
	# Only the name of a service is indented by six spaces.
	timeout 1 "${COMP_WORDS[0]}" "${socket[@]}" --json status </dev/null 2>/dev/null |
		sed -n 's/^ \{6\}"name": "\([A-Za-z0-9_.-]*\)",\{0,1\}$/\1/p'
}

# Sets command to the command that is on the line already, or to the empty string; adds to arguments
# the number of its arguments before the cursor.
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
	local commands="status workers explain top reload restart upgrade cancel stop pause resume drain undrain resize"
	local options="-s --socket --json --no-color -h --help -V --version"
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command arguments=0 words=

	# bash splits --socket=PATH into three words, and the current word may be the = itself
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
	reload) options+=" --quiet" ;;
	stop) options+=" --now" ;;
	top) options+=" -d --delay" ;;
	esac
	if [[ $current == -* ]]; then
		words=$options
	elif [[ -z $command ]]; then
		words=$commands
	elif ((arguments == 0)); then
		case $command in
		status | workers | restart | pause | resume | resize) words=$(_preforkctl_services) ;;
		esac
	elif ((arguments == 1)) && [[ $command == explain ]]; then
		words=$(_preforkctl_services)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _preforkctl preforkctl
