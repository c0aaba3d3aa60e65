/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libFuzzer where there is none: feeds each file named on the command line to the
 * fuzz target once. A finding is a crash or a sanitizer's report, so success is exit status 0.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *in = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, room = 0;

	if (in == NULL) {
		perror(path);
		return -1;
	}
	for (;;) {
		if (size == room) {
			uint8_t *grown = realloc(data, room = room * 2 + 4096);

			if (grown == NULL)
				abort();
			data = grown;
		}
		size_t n = fread(data + size, 1, room - size, in);

		if (n == 0)
			break;
		size += n;
	}
	int bad = ferror(in);

	(void)fclose(in);
	if (bad) {
		(void)fprintf(stderr, "%s: cannot read\n", path);
	} else {
		/* an exact copy, so that a sanitizer sees a read beyond the end */
		uint8_t *exact = malloc(size);

		if (size > 0 && exact == NULL)
			abort();
		for (size_t i = 0; i < size; i++)
			exact[i] = data[i];
		(void)LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	}
	free(data);
	return bad ? -1 : 0;
}

int main(int argc, char **argv)
{
	int status = EXIT_SUCCESS;

	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			status = EXIT_FAILURE;
	return status;
}
