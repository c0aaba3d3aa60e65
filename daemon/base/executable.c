/* SPDX-License-Identifier: MIT */
#include "base/executable.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/proc_folder.h"

#define FORMATS	     "/proc/sys/fs/binfmt_misc"
#define HEAD_MAX     256 /* what execve(2) reads */
#define SCRIPTS_MOST 5	 /* a script may be the interpreter of a script, so many times */
#define SEGMENTS_MAX 128

union head {
	char text[HEAD_MAX + 1]; /* terminated */
	unsigned char bytes[HEAD_MAX + 1];
	Elf32_Ehdr elf32;
	Elf64_Ehdr elf64;
};

struct name {
	char text[HEAD_MAX];
};

/* Machines whose programs a kernel for the first one runs, too. */
static const struct {
	unsigned native, compatible;
} pairs[] = {
	{EM_X86_64, EM_386},
	{EM_AARCH64, EM_ARM},
	{EM_PPC64, EM_PPC},
	{EM_SPARCV9, EM_SPARC},
};

static bool is_elf(const union head *head)
{
	return memcmp(head->bytes, ELFMAG, SELFMAG) == 0;
}

/* The first bytes of the file of FD, which may be -1. Returns FD; -1: it cannot be read, and FD is closed. */
static int read_head(int fd, union head *head)
{
	ssize_t n = -1;

	memset(head, 0, sizeof(*head));
	if (fd >= 0)
		n = pread(fd, head, HEAD_MAX, 0);
	if (n < 0)
		fd_close(&fd);
	return fd;
}

/* True: the kernel hands some formats to programs that were registered, and this file may be one of them. */
static bool has_other_formats(void)
{
	DIR *folder = opendir(FORMATS);
	const struct dirent *entry;
	bool found = false;

	while (folder != NULL && !found && (entry = readdir(folder)) != NULL)
		found = entry->d_name[0] != '.' && strcmp(entry->d_name, "register") != 0 &&
			strcmp(entry->d_name, "status") != 0;
	if (folder != NULL)
		(void)closedir(folder);
	return found;
}

/* ROOT: the folder that "/" stands for; -1: ours. */
static int open_in(int root, const char *file, int flags)
{
	const struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

	return root < 0 ? open(file, flags | O_CLOEXEC) : (int)syscall(SYS_openat2, root, file, &how, sizeof(how));
}

static int check_interpreter(int root, const char *what, const char *file, struct err *err)
{
	struct stat st;
	int fd, rc = 0;

	if (file[0] != '/')
		return 0; /* from the folder in which the program will run */
	fd = open_in(root, file, O_PATH);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = err_sys(err, "%s \"%.256s\"", what, file);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(err, "%s \"%.256s\" is no file", what, file);
	else if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
		rc = err_sys(err, "%s \"%.256s\"", what, file);
	fd_close(&fd);
	return rc;
}

/* ---- scripts ---- */

/* Takes the interpreter from the line "#! /bin/sh -e". */
static int read_script(const union head *head, struct name *interpreter, struct err *err)
{
	const char *line = head->text + 2, *name = line + strspn(line, " \t");
	size_t len = strcspn(name, " \t\n");

	if (len == 0)
		return err_set(err, "its #! line names no interpreter");
	if (name + len >= head->text + HEAD_MAX)
		return err_set(err, "its #! line is longer than %d characters", HEAD_MAX - 2);
	(void)snprintf(interpreter->text, sizeof(interpreter->text), "%.*s", (int)len, name);
	if (name[len - 1] != '\r')
		return 0;
	interpreter->text[len - 1] = '\0';
	return err_set(err,
		       "its interpreter would be \"%.240s\" with a carriage return at the end: the file has CRLF line "
		       "ends",
		       interpreter->text);
}

/* ---- programs of the machine ---- */

/* The machine of this process; EM_NONE: not known. */
static unsigned find_machine(unsigned char *order_out)
{
	union head head;
	int fd = read_head(proc_folder_open("self/exe", O_RDONLY), &head);

	fd_close(&fd);
	if (!is_elf(&head))
		return EM_NONE;
	*order_out = head.bytes[EI_DATA];
	return head.elf64.e_machine; /* at the same place in all classes */
}

static bool is_native(const union head *head)
{
	unsigned char order = ELFDATANONE;
	unsigned ours = find_machine(&order), theirs = head->elf64.e_machine;

	if (ours == EM_NONE || (ours == theirs && order == head->bytes[EI_DATA]))
		return true;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].native == ours && pairs[i].compatible == theirs)
			return order == head->bytes[EI_DATA];
	}
	return false;
}

/* The part of the file with the name of the loader; false: it needs none, or the file is damaged. */
static bool find_loader(int fd, const union head *head, off_t *at_out, size_t *len_out)
{
	bool wide = head->bytes[EI_CLASS] == ELFCLASS64;
	size_t n = wide ? head->elf64.e_phnum : head->elf32.e_phnum;
	off_t at = wide ? (off_t)head->elf64.e_phoff : (off_t)head->elf32.e_phoff;

	for (size_t i = 0; i < n && i < SEGMENTS_MAX; i++) {
		Elf64_Phdr segment;
		Elf32_Phdr narrow;
		ssize_t size = (ssize_t)(wide ? sizeof(segment) : sizeof(narrow));

		if (pread(fd, wide ? (void *)&segment : (void *)&narrow, (size_t)size, at + (off_t)i * size) != size)
			return false;
		if ((wide ? segment.p_type : narrow.p_type) != PT_INTERP)
			continue;
		*at_out = wide ? (off_t)segment.p_offset : (off_t)narrow.p_offset;
		*len_out = wide ? segment.p_filesz : narrow.p_filesz;
		return true;
	}
	return false;
}

static bool read_loader(int fd, const union head *head, struct name *loader)
{
	size_t len;
	off_t at;

	*loader = (struct name){.text = ""};
	return find_loader(fd, head, &at, &len) && len < sizeof(loader->text) &&
	       pread(fd, loader->text, len, at) == (ssize_t)len;
}

static int check_elf(int root, int fd, const union head *head, struct err *err)
{
	struct name loader;

	if (!is_native(head))
		return has_other_formats() ? 0 : err_set(err, "it is a program for another machine");
	return read_loader(fd, head, &loader) ? check_interpreter(root, "its loader", loader.text, err) : 0;
}

/* ---- */

static int check_file(int root, const char *path, struct name *interpreter, struct err *err)
{
	union head head;
	int fd = read_head(open_in(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY), &head), rc;

	interpreter->text[0] = '\0';
	if (fd < 0)
		return 0;
	if (is_elf(&head))
		rc = check_elf(root, fd, &head, err);
	else if (head.text[0] == '#' && head.text[1] == '!')
		rc = read_script(&head, interpreter, err);
	else if (has_other_formats())
		rc = 0;
	else
		rc = err_set(err, "it is no program of this machine, and as a script it needs a #! line");
	fd_close(&fd);
	return rc;
}

static int check_chain(int root, const char *path, struct err *err)
{
	struct name file, interpreter;
	const char *at = path;

	for (int i = 0; i < SCRIPTS_MOST; i++) {
		if (check_file(root, at, &interpreter, err) < 0)
			return at == path ? -1 : err_set(err, "its interpreter \"%.200s\" cannot be run", at);
		if (interpreter.text[0] == '\0')
			return 0;
		if (check_interpreter(root, "its interpreter", interpreter.text, err) < 0)
			return -1;
		file = interpreter;
		at = file.text;
	}
	return err_set(err, "its interpreter is a script, whose interpreter is a script, and so on");
}

int executable_check(const char *path, struct err *err)
{
	return check_chain(-1, path, err);
}

int executable_check_in(int root, const char *path, struct err *err)
{
	if (check_interpreter(root, "the file", path, err) < 0)
		return -1;
	return check_chain(root, path, err);
}

bool executable_interpreter(const char *path, char *out, size_t size)
{
	struct name interpreter;

	if (check_file(-1, path, &interpreter, NULL) < 0 || interpreter.text[0] == '\0')
		return false;
	(void)snprintf(out, size, "%s", interpreter.text);
	return true;
}

bool executable_loader(const char *path, char *out, size_t size)
{
	struct name loader = {.text = ""};
	union head head;
	int fd = read_head(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), &head);
	bool found = fd >= 0 && is_elf(&head) && read_loader(fd, &head, &loader);

	fd_close(&fd);
	(void)snprintf(out, size, "%s", loader.text);
	return found;
}

int executable_explain(const char *path, int code, struct err *err)
{
	struct err why;

	if ((code == ENOENT || code == ENOEXEC || code == EACCES) && executable_check(path, &why) < 0) {
		(void)err_set(err, "cannot run %.128s: %.350s", path, why.text);
		return -1;
	}
	return err_code(err, code, "cannot run %.256s", path);
}
