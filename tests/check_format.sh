#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file is as clang-format lays it out, and no line of a script is too long. Prints TAP.

# shellcheck disable=SC1091 # is looked at by itself
. "$TOP_SRCDIR/tests/tap.sh"

# Another version lays out a few things differently.
version=14
formatter=

cd "$TOP_SRCDIR" || exit 99
trap 'rm -rf "$scratch"' EXIT
scratch=$(mktemp -d) || exit 99

for name in clang-format-$version clang-format; do
	if "$name" --version 2>/dev/null | grep -q "version $version\."; then
		formatter=$name
		break
	fi
done

# sound_format FILE...: clang-format would change nothing
sound_format() {
	"$formatter" --dry-run -Werror --style=file "$@" 2>"$scratch/problems" || {
		grep 'error:' "$scratch/problems" | sed 's/^/# /'
		false
	}
}

columns=120

# short_lines FILE...: no line has more columns, with tabs of 8
short_lines() {
	awk -v most="$columns" '
		{
			n = split($0, parts, "\t")
			width = length(parts[1])
			for (i = 2; i <= n; i++)
				width += 8 - width % 8 + length(parts[i])
			if (width > most) {
				printf "# %s:%d: %d columns\n", FILENAME, FNR, width
				bad = 1
			}
		}
		END { exit bad }' "$@"
}

# shellcheck disable=SC2046 # names without blanks
short_lines autogen.sh .ci/run etc/run tests/tap-unit tests/no-python $(find tests -name '*.py' -o -name '*.sh' | sort)
result "no line of a script has more than $columns columns"
printf '\t%0112d\n' 0 >"$scratch/short" && printf '\t%0113d\n' 0 >"$scratch/wide"
short_lines "$scratch/short"
result "a line of $columns columns is accepted"
short_lines "$scratch/wide" >/dev/null
[ $? -eq 1 ]
result "a line that is longer is seen"

if [ -n "$formatter" ]; then
	find client ctl daemon include modules tests \( -name '*.c' -o -name '*.h' \) | sort >"$scratch/files"
	[ "$(wc -l <"$scratch/files")" -gt 300 ]
	result "the C files are found"
	# shellcheck disable=SC2046 # names without blanks
	sound_format $(cat "$scratch/files")
	result "every C file is formatted (mend it with: $formatter -i FILE)"
	mkdir "$scratch/tree" && cp .clang-format "$scratch/tree" && printf 'int  x;\n' >"$scratch/tree/x.c"
	sound_format "$scratch/tree/x.c" >/dev/null
	[ $? -eq 1 ]
	result "a file that is not formatted is seen"
else
	skip "every C file is formatted" "clang-format $version is not installed"
fi

plan
