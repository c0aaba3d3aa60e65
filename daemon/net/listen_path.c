/* SPDX-License-Identifier: MIT */
#include "net/listen_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "net/addr.h"
#include "net/diag.h"
#include "net/socket_options.h"

/* A descriptor (O_PATH) of the file at the path, if it is ours. Later changes of the path do not matter: the descriptor
 * stands for the inode. */
static int open_ours(const struct sockaddr_any *addr, const struct listen_path *path, struct stat *st, struct err *err)
{
	int fd = open(addr->un.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) == 0 && st->st_dev == path->dev && st->st_ino == path->ino)
		return fd;
	fd_close(&fd);
	return err_code(err, ESTALE, "unix:%s: the path is not ours any more", addr->un.sun_path);
}

/* The group of a new socket at PATH: our own, or that of the folder if it is set-group-ID. */
static gid_t find_group(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct stat st;
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;

	if (len >= sizeof(folder))
		return getegid();
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (stat(len > 0 ? folder : "/", &st) < 0 || (st.st_mode & S_ISGID) == 0)
		return getegid();
	return st.st_gid;
}

/* chmod(2) of a descriptor opened with O_PATH, which fchmod(2) does not take. */
static int set_mode(int fd, mode_t mode)
{
	char link[32];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return chmod(link, mode);
}

int listen_path_apply(const struct sockaddr_any *addr, const struct listen_path *path,
		      const struct socket_options *options, struct err *err)
{
	uid_t uid = options->owner != (uid_t)-1 ? options->owner : geteuid();
	gid_t gid = options->group != (gid_t)-1 ? options->group : find_group(addr->un.sun_path);
	mode_t mode = options->mode & 07777, before;
	struct stat st;
	int fd, rc = 0;

	if (path->ino == 0)
		return 0; /* abstract, or made by another process */
	fd = open_ours(addr, path, &st, err);
	if (fd < 0)
		return -1;
	before = st.st_mode & 07777;
	if (st.st_uid != uid || st.st_gid != gid) {
		/* First to the bits that both modes have, so that the new owner never has the rights of the old one. */
		if ((mode & before) != before)
			rc = set_mode(fd, mode & before);
		if (rc == 0)
			rc = fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
		if (rc < 0)
			(void)err_sys(err, "cannot change the owner of unix:%s", addr->un.sun_path);
		before = mode & before;
	}
	if (rc == 0 && before != mode) {
		rc = set_mode(fd, mode);
		if (rc < 0)
			(void)err_sys(err, "cannot set the mode of unix:%s", addr->un.sun_path);
	}
	fd_close(&fd);
	return rc;
}

static bool take_inode(const struct nlmsghdr *answer, void *arg)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(answer);
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	size_t left = answer->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	struct unix_diag_vfs vfs;

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(attr) < sizeof(vfs))
			continue;
		memcpy(&vfs, RTA_DATA(attr), sizeof(vfs));
		*(uint32_t *)arg = vfs.udiag_vfs_ino;
	}
	return false;
}

/* The inode of the file that the socket is bound to; 0: the kernel does not tell. */
static uint32_t find_bound_inode(int fd)
{
	struct unix_diag_req question = {
		.sdiag_family = AF_UNIX,
		.udiag_states = ~0U,
		.udiag_show = UDIAG_SHOW_VFS,
		.udiag_cookie = {UINT32_MAX, UINT32_MAX},
	};
	uint32_t inode = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return 0;
	question.udiag_ino = (uint32_t)st.st_ino;
	(void)diag_ask(&question, sizeof(question), false, take_inode, &inode);
	return inode;
}

int listen_path_find(int fd, const struct sockaddr_any *addr, struct listen_path *out)
{
	uint32_t inode;
	struct stat st;

	*out = (struct listen_path){.ino = 0};
	if (addr->sa.sa_family != AF_UNIX || addr->un.sun_path[0] == '\0')
		return 0;
	if (lstat(addr->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -1;
	inode = find_bound_inode(fd);
	if (inode != 0 && inode != (uint32_t)st.st_ino)
		return -1;
	*out = (struct listen_path){.dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

/* Where the last name of PATH begins, and in *FOLDER_OUT a descriptor of its folder; -1 and errno. */
static const char *open_folder(const char *path, int *folder_out)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(name - path), path);
	*folder_out = open(slash != NULL ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return name;
}

int listen_path_unlink(const struct sockaddr_any *addr, const struct listen_path *path)
{
	struct stat st;
	const char *name;
	int folder, rc;

	if (path->ino == 0)
		return 0;
	/* By its folder: the owner of a folder above cannot point the path at another one between these calls. */
	name = open_folder(addr->un.sun_path, &folder);
	rc = folder < 0 ? -1 : fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW);
	if (rc == 0 && st.st_ino == path->ino && st.st_dev == path->dev)
		rc = unlinkat(folder, name, 0);
	fd_close(&folder);
	return rc < 0 && errno != ENOENT ? -1 : 0;
}
