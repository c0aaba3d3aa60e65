#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sandbox.sh FOLDER MODE TREE PREPARE: the first process of new namespaces, which sandbox.py made. Builds a
# root of its own: this host's, with all that is written kept in memory; with TREE (what "make install DESTDIR="
# left) installed; without any unit that this host has enabled. Runs PREPARE (shell code) in it, and becomes
# systemd.

set -eu
folder=$1 mode=$2 tree=$3 prepare=$4
root=$folder/root

mount -n --make-rprivate /
mount -n -t tmpfs -o mode=755 sandbox "$folder"
mkdir "$folder/upper" "$folder/work" "$root"
mount -n -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" sandbox "$root"

# The kernel's knobs are the host's, but for those of our network.
mount -n -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -n --bind "$root/proc/sys" "$root/proc/sys"
mount -n --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -n -o remount,bind,ro "$root/proc/sys"
mount -n -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"

mount -n -t tmpfs -o mode=755,nosuid sandbox "$root/dev"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -n -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -n -t tmpfs -o mode=1777,nosuid,nodev sandbox "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -n -t tmpfs -o mode=755,nosuid,nodev sandbox "$root/run"

# cgroup MOUNT-POINT OPTION...
cgroup() {
	point=$root/sys/fs/cgroup$1
	shift
	mkdir -p "$point"
	mount -n -o nosuid,nodev,noexec "$@" cgroup "$point"
}
case $mode in
unified)
	cgroup "" -t cgroup2
	;;
hybrid)
	mount -n -t tmpfs -o mode=755,nosuid,nodev,noexec sandbox "$root/sys/fs/cgroup"
	cgroup /unified -t cgroup2
	cgroup /systemd -t cgroup -o none,name=systemd,xattr
	cgroup /memory -t cgroup -o memory
	cgroup /pids -t cgroup -o pids
	;;
esac

# Of units, only what is needed; nothing is configured.
rm -rf "$root/etc/systemd" "$root/var/log/journal"
for lib in "$root/lib" "$root/usr/lib" "$root/usr/local/lib"; do
	[ ! -e "$lib/systemd" ] || rm -rf "$lib"/systemd/system/*.wants "$lib/systemd/system-generators"
done
: >"$root/etc/fstab"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
wants=$root/etc/systemd/system/sysinit.target.wants
mkdir -p "$wants" "$root/etc/systemd/journald.conf.d"
for unit in systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket dbus.service; do
	ln -s "/lib/systemd/system/$unit" "$wants"
done
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' \
	>"$root/etc/systemd/journald.conf.d/sandbox.conf"

tar -C "$tree" -c . | tar -C "$root" -x --no-overwrite-dir --keep-directory-symlink

cd "$root"
pivot_root . .
umount -n -l .
cd /
mount -n --make-rshared /
SYSTEMD_OFFLINE=1 /bin/sh -euc "$prepare" </dev/null
exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm \
	env -i container=preforkd-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	LANG=C.UTF-8 /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
