/* SPDX-License-Identifier: MIT */
#include "base/proc_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../suite.h"
#include "base/err.h"

/* The first number of the file is the pid of the reader. */
static void check_own_process(void)
{
	FILE *f = proc_folder_stream("self/stat");
	int pid, fd;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	ck_assert_int_eq(pid, getpid());
	ck_assert_int_eq(fclose(f), 0);

	fd = proc_folder_open("self", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(close(fd), 0);
}

static void check_missing(void)
{
	errno = 0;
	ck_assert_int_eq(proc_folder_open("no-such-file", O_RDONLY), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(proc_folder_stream("no-such-file"));
}

START_TEST(opens_below_proc)
{
	check_own_process();
	check_missing();
}
END_TEST

START_TEST(does_so_when_it_is_kept)
{
	struct err err;

	ck_assert_int_eq(proc_folder_keep(&err), 0);
	check_own_process();
	check_missing();
	ck_assert_int_eq(proc_folder_keep(&err), 0);
	check_own_process();
}
END_TEST

int main(void)
{
	return SUITE_RUN("proc_folder", NULL, opens_below_proc, does_so_when_it_is_kept);
}
