# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For shell tests that print TAP.

n=0

# result DESCRIPTION: the last command's status
result() {
	status=$?
	n=$((n + 1))
	if [ "$status" -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# plan: the last line, which says how many there were
plan() {
	echo "1..$n"
}
