/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A test of lib/vhost/memory.c: several threads read memory from which the
 * file is taken away, all at once and again and again. */

#include "vhost/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_THREADS 4
#define N_ROUNDS 500
#define SIZE 65536

static pthread_barrier_t barrier;
static uint8_t *memory;

/* Reads one byte of each round's memory. */
static void *
read_memory(void *nothing)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        assert(!*(volatile uint8_t *) &memory[SIZE / 2]);
        pthread_barrier_wait(&barrier);
    }
    return nothing;
}

int
main(void)
{
    pthread_t threads[N_THREADS];
    int fd = memfd_create("guest", MFD_CLOEXEC);

    assert(fd >= 0);
    vhost_memory_init();
    pthread_barrier_init(&barrier, NULL, N_THREADS + 1);
    for (int i = 0; i < N_THREADS; i++) {
        assert(!pthread_create(&threads[i], NULL, read_memory, NULL));
    }
    for (int i = 0; i < N_ROUNDS; i++) {
        assert(!ftruncate(fd, SIZE));
        memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert(memory != MAP_FAILED);
        memory[SIZE / 2] = 1;
        assert(!ftruncate(fd, 0));
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        assert(!munmap(memory, SIZE));
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%d times\n", N_ROUNDS);
    return 0;
}
