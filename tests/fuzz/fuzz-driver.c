/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Runs a fuzzer where clang's libFuzzer is not to be had, with those of its
 * options that our tests use:
 *
 *     FUZZER [-seed=N] [-runs=N] [-max_total_time=SECONDS] FILE|FOLDER...
 *
 * It gives the fuzzer each of the files, and then inputs made of parts of two
 * of them and some random bytes: -runs of them, or for -max_total_time, or for
 * ever.  Unlike libFuzzer, it neither looks at what the inputs reach nor keeps
 * any, but for the last one, in the file "last-input". */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "packet.h"
#include "util.h"

/* The longest input. */
#define MAX_BYTES 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input {
    uint8_t *data;
    size_t size;
} *corpus;
static size_t n_corpus;

static void
add_file(const char *name)
{
    static uint8_t buf[MAX_BYTES];
    FILE *f = fopen(name, "rb");
    size_t size = f ? fread(buf, 1, sizeof buf, f) : 0;

    if (!f) {
        ovs_fatal(errno, "%s", name);
    }
    fclose(f);
    corpus = xrealloc(corpus, (n_corpus + 1) * sizeof *corpus);
    corpus[n_corpus].data = xmemdup(buf, size);
    corpus[n_corpus++].size = size;
}

/* Adds the file 'name' or, if it is a folder, those in it. */
static void
add(const char *name)
{
    DIR *dir = opendir(name);
    struct dirent *entry;

    if (!dir) {
        add_file(name);
        return;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            char *file = xasprintf("%s/%s", name, entry->d_name);

            add_file(file);
            free(file);
        }
    }
    closedir(dir);
}

/* Makes 'input', which has room for MAX_BYTES, of parts of two files. */
static void
make_input(struct input *input, uint32_t *state)
{
    input->size = 0;
    for (int i = 0; i < 2 && n_corpus; i++) {
        const struct input *part = &corpus[packet_random(state) % n_corpus];
        size_t from = i && part->size ? packet_random(state) % part->size : 0;
        size_t n = part->size - from;

        if (!i && packet_random(state) % 2) {
            n = packet_random(state) % (n + 1);
        }
        if (n > MAX_BYTES - input->size) {
            n = MAX_BYTES - input->size;
        }
        memcpy(input->data + input->size, part->data + from, n);
        input->size += n;
    }
    if (!input->size) {
        input->size = packet_random(state) % 256 + 1;
        memset(input->data, 0, input->size);
    }
    for (int n = packet_random(state) % 8; n > 0; n--) {
        input->data[packet_random(state) % input->size] = packet_random(state);
    }
}

/* Gives the fuzzer 'input'.  If the process dies of it, it is to be found. */
static void
run(const struct input *input)
{
    static int fd = -1;

    if (fd < 0) {
        fd = open("last-input", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    }
    if (fd < 0 || ftruncate(fd, input->size)
        || pwrite(fd, input->data, input->size, 0) != input->size) {
        ovs_fatal(errno, "last-input");
    }
    LLVMFuzzerTestOneInput(input->data, input->size);
}

int
main(int argc, char *argv[])
{
    unsigned long long int n_runs = 0, max_runs = UINT64_MAX;
    uint32_t state = time(NULL) | 1;
    time_t end = 0;

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "-max_total_time=", 16)) {
            end = time(NULL) + atoll(argv[i] + 16);
        } else if (!strncmp(argv[i], "-runs=", 6)) {
            max_runs = atoll(argv[i] + 6);
        } else if (!strncmp(argv[i], "-seed=", 6)) {
            state = atoi(argv[i] + 6) | 1;
        } else if (argv[i][0] != '-') {
            add(argv[i]);
        }
    }

    for (size_t i = 0; i < n_corpus; i++) {
        run(&corpus[i]);
    }
    for (; n_runs < max_runs && (!end || time(NULL) < end); n_runs++) {
        static uint8_t data[MAX_BYTES];
        struct input input = { .data = data };

        make_input(&input, &state);
        run(&input);
    }
    printf("Done %llu runs\n", n_runs + n_corpus);
    return 0;
}
