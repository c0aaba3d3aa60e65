#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual is well-formed and complete, the scripts are sound. Prints TAP.

# shellcheck disable=SC1091 # is looked at by itself
. "$TOP_SRCDIR/tests/tap.sh"

cd "$TOP_SRCDIR" || exit 99
trap 'rm -f "$scratch"' EXIT
scratch=$(mktemp) || exit 99

# sound_page FILE: groff has nothing to say about it
sound_page() {
	groff -man -t -ww -z -Tutf8 "$1" >"$scratch" 2>&1
	[ ! -s "$scratch" ] || {
		sed 's/^/# /' "$scratch"
		false
	}
}

# options_in_page PAGE: every option that standard input names is in PAGE
options_in_page() {
	page=$1
	grep -oE '(^|[ ,[])--?[A-Za-z][a-z-]*' | sed 's/^[ ,[]//' | sort -u >"$scratch"
	[ -s "$scratch" ] || {
		echo "# there are no options"
		return 1
	}
	bad=0
	while read -r option; do
		sed 's/\\-/-/g' "$page" | grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" || {
			echo "# $option is not in $page"
			bad=1
		}
	done <"$scratch"
	return $bad
}

# commands_in_page PAGE: every command that standard input, a help, lists has a paragraph in PAGE
commands_in_page() {
	page=$1
	sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort -u >"$scratch"
	[ -s "$scratch" ] || {
		echo "# there are no commands"
		return 1
	}
	bad=0
	while read -r command; do
		grep -qE "^\.(B|BR|BI) $command( |\$)" "$page" || {
			echo "# $command is not in $page"
			bad=1
		}
	done <"$scratch"
	return $bad
}

# paths_exist FILE: every path of the source that FILE has between backticks is there
paths_exist() {
	# shellcheck disable=SC2016 # these backticks are only characters
	grep -oE '`(client|ctl|daemon|doc|etc|include|man|modules|systemd|tests)/[^` ]*`' "$1" | tr -d '`' | sort -u \
		>"$scratch"
	[ -s "$scratch" ] || {
		echo "# there are no paths"
		return 1
	}
	bad=0
	while read -r path; do
		[ -e "$path" ] || {
			echo "# $1 names $path, which is not there"
			bad=1
		}
	done <"$scratch"
	return $bad
}

paths_exist HACKING
result "the files that HACKING names are there"
# shellcheck disable=SC2016
printf '%s\n' '`daemon/nosuch.c`' | paths_exist /dev/stdin >/dev/null
[ $? -eq 1 ]
result "a path that is not there is seen"

if command -v groff >/dev/null; then
	for page in man/*.[0-9]; do
		sound_page "$page"
		result "$page is well-formed"
	done
	printf '.TH X 1\n.nosuchmacro\n' | sound_page - >/dev/null
	[ $? -eq 1 ]
	result "a page that is not is seen"
else
	skip "the manual is well-formed" "groff is not installed"
fi

if [ -x "$PREFORKD" ] && [ -x "$PREFORKC" ] && [ -x "$PREFORKCTL" ]; then
	"$PREFORKD" --help </dev/null | options_in_page man/preforkd.8
	result "the manual has every option of preforkd --help"
	"$PREFORKC" --help </dev/null | options_in_page man/preforkc.1
	result "the manual has every option of preforkc --help"
	"$PREFORKC" load --help </dev/null | options_in_page man/preforkc.1
	result "the manual has every option of preforkc load --help"
	"$PREFORKCTL" --help </dev/null | options_in_page man/preforkctl.8
	result "the manual has every option of preforkctl --help"
	"$PREFORKCTL" --help </dev/null | commands_in_page man/preforkctl.8
	result "the manual has every command of preforkctl --help"
	echo "  -Z --no-such-option" | options_in_page man/preforkd.8 >/dev/null
	[ $? -eq 1 ]
	result "an option that is missing there is seen"
	echo "  nosuch [COMMAND]  does nothing" | commands_in_page man/preforkctl.8 >/dev/null
	[ $? -eq 1 ]
	result "a command that is missing there is seen"
else
	skip "the manuals have every option" "the programs are not built"
fi

if command -v shellcheck >/dev/null; then
	for script in autogen.sh .ci/run etc/run tests/tap-unit tests/no-python tests/*.sh tests/*/*.sh tests/*/*/*.sh \
		ctl/*.bash; do
		[ -e "$script" ] || continue
		shellcheck "$script" >"$scratch" 2>&1
		result "shellcheck accepts $script" || true
		sed 's/^/# /' "$scratch"
	done
else
	skip "the scripts are sound" "shellcheck is not installed"
fi

plan
