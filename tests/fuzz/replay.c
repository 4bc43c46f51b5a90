// SPDX-License-Identifier: GPL-2.0-or-later
/* A fuzz target without the fuzzer: each file, and each file of a folder, given to it once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static unsigned given;

static void give(const char *path, FILE *f)
{
	uint8_t *data = NULL;
	size_t n = 0, room = 0, got;

	do {
		if (n == room)
			data = realloc(data, room = room ? 2 * room : 4096);
		if (!data)
			abort();
		got = fread(data + n, 1, room - n, f);
		n += got;
	} while (got);
	/* at the end of a block of its own, so that one byte too far is seen */
	data = realloc(data, n ? n : 1);
	if (ferror(f) || !data || LLVMFuzzerTestOneInput(data, n))
		fprintf(stderr, "%s: not taken\n", path);
	free(data);
	given++;
}

static void walk(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	FILE *f;

	if (!dir) {
		f = fopen(path, "rb");
		if (!f) {
			perror(path);
			exit(1);
		}
		give(path, f);
		fclose(f);
		return;
	}
	while ((d = readdir(dir))) {
		char *sub;

		if (*d->d_name == '.' || asprintf(&sub, "%s/%s", path, d->d_name) < 0)
			continue;
		walk(sub);
		free(sub);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		walk(argv[i]);
	printf("%u\n", given);
	return !given;
}
