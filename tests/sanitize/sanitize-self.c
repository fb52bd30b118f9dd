/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* Makes one error on purpose, so that it can be seen that the sanitizers tell
 * of it: "sanitize-self ERROR", where the errors, and how they are called in a
 * report, are for each kind of build
 *
 * address: use-after-free AddressSanitizer: heap-use-after-free
 * address: leak LeakSanitizer: direct leak
 * address: overflow UndefinedBehaviorSanitizer
 * thread: race ThreadSanitizer: data race
 *
 * The process ends by SIGKILL where that may be: a report is there all the
 * same. */

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int shared;
static char *volatile kept;

static void *
count(void *unused)
{
    for (int i = 0; i < 1000; i++) {
        shared++;
    }
    return unused;
}

int
main(int argc, char *argv[])
{
    const char *error = argc == 2 ? argv[1] : "";

    if (!strcmp(error, "use-after-free")) {
        kept = malloc(10);
        free(kept);
        kept[0] = 1;
    } else if (!strcmp(error, "leak")) {
        kept = malloc(10);
        kept = NULL;
        return 0;                       /* Leaks are looked for at the end. */
    } else if (!strcmp(error, "overflow")) {
        volatile int max = INT_MAX;

        max = max + 1;
        kill(getpid(), SIGKILL);
    } else if (!strcmp(error, "race")) {
        pthread_t threads[2];

        for (int i = 0; i < 2; i++) {
            pthread_create(&threads[i], NULL, count, NULL);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        kill(getpid(), SIGKILL);
    }
    fprintf(stderr, "usage: sanitize-self ERROR\n");
    return 2;
}
