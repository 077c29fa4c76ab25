/* SPDX-License-Identifier: MIT */
/* Copyright 2026 the Hermod authors */
/*
 * Replays a corpus through a fuzz target: the main() of tests/fuzz/fuzz_NAME
 * when it is not linked with libFuzzer.  Without arguments it takes the files
 * of tests/fuzz/corpus/NAME below $HERMOD_SRCDIR (or the present folder), else
 * the files and folders that are named.  Output is TAP, one point per file:
 * a point passes when the target comes back.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned points, failures;

static void
report(bool passed, const char *path, const char *why)
{
	const char *corpus = strstr(path, "/corpus/");

	if (corpus)
		path = corpus + 1;
	points++;
	if (!passed)
		failures++;
	printf("%sok %u - %s%s%s\n", passed ? "" : "not ", points, path, *why ? ": " : "", why);
	fflush(stdout);
}

static void
replay_file(const char *path)
{
	struct stat st;
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &st) != 0) {
		report(false, path, strerror(errno));
		if (file)
			fclose(file);
		return;
	}
	/* Of the exact size, so that the address sanitizer sees a read beyond the end. */
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	size = data ? fread(data, 1, (size_t)st.st_size, file) : 0;
	fclose(file);
	/* Should the target crash, this line says on what. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	report(true, path, "");
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
replay(const char *path)
{
	struct dirent **entries;
	char child[PATH_MAX];
	struct stat st;
	int n;

	if (stat(path, &st) != 0) {
		report(false, path, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &entries, is_visible, alphasort);
	if (n <= 0)
		report(false, path, "the corpus is empty");
	for (int i = 0; i < n; i++) {
		snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
		replay(child);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* tests/fuzz/fuzz_NAME has its corpus in tests/fuzz/corpus/NAME. */
static void
replay_own_corpus(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	const char *srcdir = getenv("HERMOD_SRCDIR");
	char path[PATH_MAX];

	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
	replay(path);
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		replay_own_corpus(argv[0]);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("1..%u\n", points);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
