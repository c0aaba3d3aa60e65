#!/bin/sh
# SPDX-License-Identifier: MIT
# Feeds each fuzz target its stored corpus: one TAP case for each target.

n=0
set -f
# shellcheck disable=SC2086 # a list of words
set -- $FUZZ_PROGRAMS
set +f
if [ "$#" -eq 0 ]; then
	echo "1..0 # SKIP there are no fuzz targets"
	exit 0
fi
echo "1..$#"
for program; do
	n=$((n + 1))
	name=${program##*/fuzz_}
	files=0
	bad=
	for file in "$TOP_SRCDIR/tests/fuzz/corpus/$name"/*; do
		[ -e "$file" ] || continue
		files=$((files + 1))
		"$TOP_BUILDDIR/$program" "$file" >&2 || bad="$bad ${file##*/}"
	done
	if [ "$files" -eq 0 ]; then
		echo "not ok $n - $name: there is no corpus"
	elif [ -n "$bad" ]; then
		echo "not ok $n - $name:$bad"
	else
		echo "ok $n - $name: $files inputs"
	fi
done
