/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the target over the files of its corpus: seeds, and all inputs that ever broke it. With
 * arguments: over these files instead.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define LONGEST_INPUT (1024 * 1024)

static void run_file(const char *path)
{
    static unsigned char buffer[LONGEST_INPUT];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(buffer, 1, sizeof(buffer), f) : 0;
    unsigned char *input = malloc(len + 1);

    if (!f || ferror(f) || !input) {
        perror(path);
        exit(2);
    }
    fclose(f);
    memcpy(input, buffer, len);   /* on its own, so that AddressSanitizer sees its end */
    input = realloc(input, len > 0 ? len : 1);
    fprintf(stderr, "%s\n", path);   /* the last one is the one that crashed */
    LLVMFuzzerTestOneInput(input, len);
    free(input);
}

/* Hidden files are none of ours. */
static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Runs all files of a directory and tells how many there are. */
static int run_corpus(const char *dir)
{
    struct dirent **names = NULL;
    int count = chdir(dir) == 0 ? scandir(".", &names, is_input, alphasort) : -1;
    int i = 0;

    if (count < 0) {
        perror(dir);
        exit(2);
    }
    for (i = 0; i < count; i++) {
        run_file(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return count;
}

int main(int argc, char **argv)
{
    char dir[sizeof(SAMLC_FUZZ_CORPUS) + 64];
    int inputs = 0;
    int i = 0;

    LLVMFuzzerInitialize(&argc, &argv);
    for (i = 1; i < argc; i++) {
        run_file(argv[i]);
    }
    if (argc > 1) {
        return EXIT_SUCCESS;
    }
    snprintf(dir, sizeof(dir), "%s/%s", SAMLC_FUZZ_CORPUS, FUZZ_TARGET);
    inputs = run_corpus(dir);
    printf("%s: %d inputs, %d accepted\n", FUZZ_TARGET, inputs, fuzz_accepted);
    /* Some of both kinds, or the corpus proves nothing. */
    return fuzz_accepted > 0 && fuzz_accepted < inputs ? EXIT_SUCCESS : EXIT_FAILURE;
}
