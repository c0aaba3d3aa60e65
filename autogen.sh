#!/bin/sh
# SPDX-License-Identifier: MIT
#
# ./autogen.sh            makes ./configure, nothing else
# ./autogen.sh TARGET...  installs the Debian packages that are missing, configures into build/, and
#                         makes TARGET there: run, check, all, ...
#
# Environment for TARGET: BUILD_DIR (default: build, seen from this folder), CONFIGURE_FLAGS,
# EXTRA_PACKAGES (installed too), JOBS (default: one a processor; three for check, since tests mostly wait).

set -eu
cd "$(dirname "$0")"

build_packages="autoconf automake gcc libc6-dev make pkg-config
	libcap-ng-dev libconfig-dev libjansson-dev libseccomp-dev libsystemd-dev uthash-dev libsqlite3-dev check"
test_packages="clang-format g++ python3 gunicorn perl-base netcat-openbsd curl git rsync strace procps groff shellcheck
	systemd dbus rsyslog mount tar
	iproute2 util-linux
	haproxy nginx-light libnginx-mod-stream
	tftp-hpa tftpd-hpa ucspi-tcp vsftpd popa3d dropbear-bin"
# Of these the tests start their own: the installation shall start none, now or with the machine.
quiet_services="haproxy nginx tftpd-hpa vsftpd popa3d"
# What the benchmarks measure beside preforkd. Superservers would start on this machine and exclude each
# other: they are only unpacked.
bench_packages="python3 gnuplot-nox wrk ucspi-tcp socat systemd perl apache2-bin haproxy
	nginx-light libnginx-mod-stream"
unpacked_packages="rinetd xinetd openbsd-inetd libnet-server-perl libwrap0 libtirpc3"

say() {
	echo "autogen.sh: $*"
}

die() {
	say "$*" >&2
	exit 1
}

# missing PACKAGE...: those of them that are not installed
missing() {
	for package; do
		status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
		[ "$status" = installed ] || printf ' %s' "$package"
	done
}

apt_get() {
	# shellcheck disable=SC2086 # $as_root is a command with its arguments, or nothing
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

# install PACKAGE...: as root, or through sudo; else says the line and ends
install() {
	if [ "$(id -u)" -eq 0 ]; then
		as_root=
	elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		as_root=sudo
	else
		die "packages are missing, and this is not root. Run this, then start again:
  apt-get update && apt-get install --no-install-recommends -y $*"
	fi
	say "installing $*"
	# shellcheck disable=SC2086 # a list of words
	quiet=$(missing $quiet_services)
	hush
	trap unhush EXIT
	trap 'exit 1' HUP INT TERM
	install_packages "$@"
	trap - EXIT HUP INT TERM
	unhush
	for service in $quiet; do
		$as_root update-rc.d "$service" disable >/dev/null 2>&1 || :
	done
}

# hush: what is installed starts no services, unless somebody here has decided about that already
hush() {
	policy=/usr/sbin/policy-rc.d
	hushed=
	[ ! -e "$policy" ] || return 0
	hushed=$policy
	printf '#!/bin/sh\n# autogen.sh: while it installs\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
}

unhush() {
	[ -z "$hushed" ] || $as_root rm -f "$hushed"
	hushed=
}

# install_packages PACKAGE...
install_packages() {
	# A fresh container has no package lists; old ones name files that are gone.
	if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null)" ]; then
		apt_get update
	elif apt_get install -y --no-install-recommends "$@"; then
		return
	else
		apt_get update
	fi
	apt_get install -y --no-install-recommends "$@" || die "apt-get could not install: $*"
}

# install_for TARGET...: sets installed_some
install_for() {
	wanted="$build_packages ${EXTRA_PACKAGES:-}"
	installed_some=no
	for target; do
		case $target in
		*check*) wanted="$wanted $test_packages" ;;
		bench) wanted="$wanted $bench_packages" ;;
		coverage) wanted="$wanted $test_packages lcov" ;;
		esac
	done
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "this is not a Debian system: no packages are installed"
		return
	fi
	# shellcheck disable=SC2086 # lists of words
	absent=$(missing $wanted)
	if [ -n "$absent" ]; then
		# shellcheck disable=SC2086
		install $absent
		installed_some=yes
	fi
}

# unpack_peers: into peers/ in the build folder. What cannot be had is named by the benchmarks.
unpack_peers() {
	command -v apt-get >/dev/null && [ ! -e "$build/peers" ] || return 0
	mkdir -p "$build/peers"
	for package in $unpacked_packages; do
		(cd "$build/peers" && apt-get -qq download "$package" && dpkg -x "$package"_*.deb . &&
			rm -f "$package"_*.deb) || say "cannot unpack $package"
	done
}

generate() {
	for tool in autoreconf automake pkg-config; do
		command -v "$tool" >/dev/null || die "$tool is missing. On Debian:
  apt-get install --no-install-recommends -y autoconf automake pkg-config"
	done
	autoreconf --install --warnings=all
}

generated() {
	[ -e configure ] && [ -e Makefile.in ] &&
		[ -z "$(find configure.ac m4 -newer configure -print -quit)" ]
}

# configured: is the build folder ready, and with the flags that are asked for?
configured() {
	[ "$installed_some" = no ] && [ -e "$build/config.status" ] && [ -e "$build/Makefile" ] &&
		[ -z "$(find configure -newer "$build/config.status")" ] || return 1
	[ -z "${CONFIGURE_FLAGS+set}" ] || [ "$CONFIGURE_FLAGS" = "$(cat "$build/.flags")" ]
}

make_build() {
	: "${CONFIGURE_FLAGS=$(cat "$build/.flags" 2>/dev/null)}"
	mkdir -p "$build"
	# eval: a flag may be quoted, as in CONFIGURE_FLAGS="CFLAGS='-O0 -g'"
	(cd "$build" && eval "\"$OLDPWD/configure\" $CONFIGURE_FLAGS")
	printf '%s\n' "$CONFIGURE_FLAGS" >"$build/.flags"
}

if [ $# -eq 0 ]; then
	generate
	say "now: mkdir -p build && cd build && ../configure && make   (or: ./autogen.sh check)"
	exit 0
fi

case $1 in
-*) die "usage: ./autogen.sh [TARGET...]" ;;
esac

build=${BUILD_DIR:-build}
jobs=${JOBS:-$(nproc)}
case " $* " in
*check*) jobs=${JOBS:-$(($(nproc) * 3))} ;;
esac
install_for "$@"
generated || generate
configured || make_build
case " $* " in
*" bench "*) unpack_peers ;;
esac

# Ctrl-C is for the daemon alone: make would call it an error. So "run" is made last, with SIGINT
# ignored in make; the rule gives it back to the daemon.
run=no
for target; do
	shift
	case $target in
	run) run=yes ;;
	*) set -- "$@" "$target" ;;
	esac
done
if [ $# -gt 0 ] || [ "$run" = no ]; then
	make --no-print-directory -C "$build" -j"$jobs" "$@"
fi
if [ "$run" = yes ]; then
	make --no-print-directory -C "$build" -j"$jobs" all
	trap '' INT
	exec make --no-print-directory -s -C "$build" run
fi
