/* SPDX-License-Identifier: MIT */
#include "sandbox/private_tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/empty_folder.h"
#include "base/err.h"
#include "base/fds.h"
#include "sandbox/state.h"

#define TMPFS_MAGIC 0x01021994 /* of linux/magic.h, which some systems lack */
#define STICKY	    (S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO)

static struct folder {
	const char *path;
	const char *name; /* in the new file system */
	int fd;		  /* -1: it is not ours */
} folders[] = {
	/* the one over which the file system is mounted first is covered last */
	{"/var/tmp", "var", -1},
	{"/tmp", "tmp", -1},
};

#define N_FOLDERS (sizeof(folders) / sizeof(folders[0]))

static uint64_t free_files; /* when the folders are empty */
static bool is_of_the_user; /* programs may change the mode of the folders */

/* The place where the file system is put before its folders go to theirs. NULL: there is none. */
static const char *find_place(void)
{
	for (size_t i = N_FOLDERS; i-- > 0;)
		if (access(folders[i].path, F_OK) == 0)
			return folders[i].path;
	return NULL;
}

/* /var/tmp may be a link to /tmp. */
static bool is_another_name(int top, const char *place, const char *path)
{
	struct stat a, b;

	return strcmp(path, place) != 0 && fstat(top, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int make_folder(int top, const char *name)
{
	int fd, rc;

	if (mkdirat(top, name, STICKY) < 0)
		return -1;
	fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd >= 0 ? fchmod(fd, STICKY) : -1; /* mkdir(2) has obeyed the umask */
	fd_close(&fd);
	return rc;
}

static int cover(int top, const char *place, const struct folder *folder, struct err *err)
{
	char from[64];

	if (access(folder->path, F_OK) < 0 || is_another_name(top, place, folder->path))
		return 0;
	(void)snprintf(from, sizeof(from), "%s/%s", place, folder->name);
	if (make_folder(top, folder->name) < 0)
		return err_sys(err, "cannot create %s", from);
	if (mount(from, folder->path, NULL, MS_BIND, NULL) < 0)
		return err_sys(err, "cannot mount a folder on %s", folder->path);
	return 0;
}

static int cover_all(const char *place, struct err *err)
{
	int top = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (top < 0)
		return err_sys(err, "cannot open %s", place);
	for (size_t i = 0; rc == 0 && i < N_FOLDERS; i++)
		rc = cover(top, place, &folders[i], err);
	fd_close(&top);
	return rc;
}

/* For private_tmp_clean(): descriptors of the folders as they are seen now. */
static int keep_folders(uid_t user, struct err *err)
{
	struct statfs room;
	struct stat info;

	for (size_t i = 0; i < N_FOLDERS; i++) {
		if (access(folders[i].path, F_OK) < 0)
			continue;
		folders[i].fd = fd_above_stdio(open(folders[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err);
		if (folders[i].fd < 0)
			return -1;
		if (fstatfs(folders[i].fd, &room) < 0 || fstat(folders[i].fd, &info) < 0)
			return err_sys(err, "%s", folders[i].path);
		free_files = room.f_ffree;
		is_of_the_user = info.st_uid == user;
	}
	return 0;
}

int private_tmp_mount(struct sandbox *sandbox, struct err *err)
{
	const struct identity *who = &sandbox->service->identity;
	const char *place = find_place();
	char options[64];

	if (place == NULL)
		return err_set(err, "there is neither /tmp nor /var/tmp");
	(void)snprintf(options, sizeof(options), "mode=0755,size=%s,nr_inodes=%d", PRIVATE_TMP_BYTES,
		       PRIVATE_TMP_FILES);
	if (mount("preforkd", place, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return err_sys(err, "cannot mount a file system on %s", place);
	if (cover_all(place, err) < 0)
		return -1;
	if (!sandbox->runs_programs || sandbox->service->program.runs)
		return 0;
	return keep_folders(who->set ? who->uid : geteuid(), err);
}

int private_tmp_verify(const struct sandbox *sandbox, struct err *err)
{
	struct statfs room;

	(void)sandbox;
	for (size_t i = 0; i < N_FOLDERS; i++) {
		if (statfs(folders[i].path, &room) < 0 && errno == ENOENT)
			continue;
		if (room.f_type != TMPFS_MAGIC || (room.f_flags & ST_RDONLY) != 0 || room.f_files != PRIVATE_TMP_FILES)
			return err_set(err, "%s is not the folder that was put there", folders[i].path);
	}
	return 0;
}

/* Nothing was made that is still there: files, links and extended attributes count. */
static bool is_empty(int fd)
{
	struct statfs room;

	return fstatfs(fd, &room) == 0 && room.f_ffree == free_files;
}

static bool reset_mode(int fd)
{
	struct stat info;

	if (!is_of_the_user)
		return true;
	return fstat(fd, &info) == 0 && ((info.st_mode & ~(mode_t)S_IFMT) == STICKY || fchmod(fd, STICKY) == 0);
}

static bool clean_one(int fd)
{
	if (fd < 0)
		return true;
	return reset_mode(fd) && (is_empty(fd) || empty_folder(fd, 2 * PRIVATE_TMP_FILES) == 0);
}

bool private_tmp_clean(void)
{
	bool clean = true;

	for (size_t i = 0; i < N_FOLDERS; i++) /* both: the first may seem full because of the second */
		clean = clean_one(folders[i].fd) && clean;
	for (size_t i = 0; clean && i < N_FOLDERS; i++)
		clean = folders[i].fd < 0 || is_empty(folders[i].fd);
	return clean;
}
