#!/bin/sh
# SPDX-License-Identifier: MIT
# make install into an empty DESTDIR: what arrives, what a second time leaves alone, and that make
# uninstall takes back its own. Prints TAP.

dest=$(mktemp -d) || exit 99
trap 'rm -rf "$dest" "$dest.root" "$dest.log" "$dest.conf"' EXIT
trap 'exit 99' HUP INT TERM
# The make that runs this test says nothing to the make that it tests.
unset MAKEFLAGS MFLAGS MAKELEVEL
# shellcheck disable=SC1091 # is looked at by itself
. "$TOP_SRCDIR/tests/tap.sh"

installed() {
	find "$dest" -path "*$1" | grep -q .
}

run_make() {
	make -s -C "$TOP_BUILDDIR" DESTDIR="$dest" "$@" >"$dest.log" 2>&1 || {
		sed 's/^/# /' "$dest.log"
		rm -f "$dest.log"
		return 1
	}
	rm -f "$dest.log"
}

run_make install
result "make install"
for file in sbin/preforkd sbin/preforkctl man8/preforkd.8 man8/preforkctl.8 \
	bash-completion/completions/preforkctl include/preforkd/module.h \
	man3/preforkd-module.3 man7/preforkd-programs.7 pkgconfig/preforkd.pc preforkd/hello.so preforkd/preforkd.conf \
	preforkd/conf.d; do
	installed "/$file"
	result "installs $file"
done

unit=$(find "$dest" -name preforkd.service)
unit_folder=${unit%/*}
if [ -z "$unit" ]; then
	skip "the units" "configured without a folder for units"
else
	! grep -n '@[a-z]*@' "$unit_folder"/*
	result "the paths in the units are filled in"
	if command -v systemd-analyze >/dev/null; then
		# Looked at as if it were in /: the program must be where the unit says. The targets
		# that the units name are systemd's own; empty ones will do.
		cp -R "$dest" "$dest.root"
		search=$dest.root/etc/systemd/system
		mkdir -p "$search"
		cp "$unit_folder"/* "$search"
		for target in sysinit basic shutdown network nss-lookup sockets multi-user; do
			printf '[Unit]\nDescription=%s\n' "$target" >"$search/$target.target"
		done
		cat >"$dest.conf" <<-'END'
			user = "nobody";
			services: { cat: { handler = "exec"; command = [ "/bin/cat" ]; user = "root";
			                   listen = [ "*:7", "unix:/srv/cat", "unix:/tmp/cat" ]; }; };
		END
		for when in "" " with a drop-in"; do
			said=$(systemd-analyze verify --root="$dest.root" --man=no preforkd.service \
				preforkd@web.service preforkd.socket 2>&1)
			[ -z "$said" ]
			result "systemd-analyze has nothing to say about the units$when"
			[ -z "$said" ] || echo "$said" | sed 's/^/# /'
			for name in preforkd preforkd@; do
				mkdir -p "$search/$name.service.d"
				"$TOP_BUILDDIR/preforkd" --unit-dropin -c "$dest.conf" \
					>"$search/$name.service.d/needs.conf" || echo "# no drop-in"
			done
		done
		rm -rf "$search/"*.service.d
		for name in preforkd preforkd@web; do
			# 2.0, in tenths
			systemd-analyze security --root="$dest.root" --offline=true --threshold=20 \
				--no-pager "$name.service" >"$dest.log" 2>&1
			result "systemd-analyze gives $name.service 2.0 or less"
			sed -n '/✗/s/^/# /p; $s/^/# /p' "$dest.log"
		done
		rm -rf "$dest.root" "$dest.log"
	else
		skip "systemd-analyze" "systemd-analyze is not installed"
	fi
fi

conf=$(find "$dest" -name preforkd.conf -path '*/preforkd/preforkd.conf' | grep -v 'share\|lib')
echo "# mine" >"$conf"
run_make install
[ "$(cat "$conf")" = "# mine" ]
result "a second make install leaves the configuration alone"

run_make uninstall
result "make uninstall"
left=$(find "$dest" -type f)
[ "$left" = "$conf" ]
result "make uninstall leaves the changed configuration, and nothing else"
[ "$left" = "$conf" ] || echo "$left" | sed 's/^/# /'

rm -f "$conf"
run_make install && run_make uninstall
left=$(find "$dest" -type f)
[ -z "$left" ]
result "make uninstall takes back an untouched configuration"
[ -z "$left" ] || echo "$left" | sed 's/^/# /'
prefix=$(sed -n 's/^prefix = //p' "$TOP_BUILDDIR/Makefile")
left=$(find "$dest" -type d -name 'preforkd*' | while read -r folder; do
	case $dest$prefix/ in
	"$folder"/*) ;; # the prefix itself is in it
	*) echo "$folder" ;;
	esac
done)
[ -z "$left" ]
result "make uninstall leaves no folder of its own"
[ -z "$left" ] || echo "$left" | sed 's/^/# /'

plan
