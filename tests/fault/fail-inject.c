/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* Makes functions fail that hardly ever do, to see what a program then says.
 * To be preloaded:
 *
 *     LD_PRELOAD=tests/fault/fail-inject.so FAIL_INJECT=FILE PROGRAM...
 *
 * Each line of FILE names a call, see the table 'calls', and an error:
 *
 *     CALL ERROR [SKIP [COUNT]]
 *
 * Of the calls from then on, the first SKIP (default: 0) succeed, and the next
 * COUNT (default: all) fail with ERROR, without being made.  FILE is read anew
 * when it has been replaced, with rename(2); then counting starts again.  If
 * there is no FILE, nothing fails.  FILE.log gets a line for each failure, so
 * that one can see that there was one.
 *
 * Only calls by the program itself fail, not those of libraries for their own
 * needs. */

#define _GNU_SOURCE 1

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

enum call {
    C_SOCKET_XDP,               /* socket(AF_XDP) */
    C_SOCKET_UNIX,              /* socket(AF_UNIX), to try to connect. */
    C_BIND_XDP,                 /* bind() of an AF_XDP socket. */
    C_UMEM_REG,                 /* setsockopt(XDP_UMEM_REG) */
    C_RING,                     /* setsockopt(XDP_*_RING) */
    C_RING_OFFSETS,             /* getsockopt(XDP_MMAP_OFFSETS) */
    C_RING_MMAP,                /* mmap() of such a ring. */
    C_SNDBUF,                   /* setsockopt(SO_SNDBUFFORCE) */
    C_OPEN_PATH,                /* open(O_PATH) */
    C_OPENDIR,
    C_UNLINK,
    C_CHMOD,
    C_FCHOWNAT,
    C_SIGACTION_SIGBUS,
    C_BPF_OPEN,                 /* bpf_object__open_skeleton() */
    C_BPF_LOAD,                 /* bpf_object__load_skeleton() */
    C_BPF_LINK_CREATE,
    C_BPF_MAP_UPDATE,           /* bpf_map_update_elem() */
    C_EAL_INIT,                 /* rte_eal_init() */
    C_MEMZONE,                  /* rte_memzone_reserve_aligned() */
    C_PKTMBUF_POOL,             /* rte_pktmbuf_pool_create_extbuf() */
    C_MEMPOOL_EMPTY,            /* rte_mempool_create_empty() */
    C_MEMPOOL_OPS,              /* rte_mempool_set_ops_byname() */
    C_VHOST_REGISTER,           /* rte_vhost_driver_register() */
    C_VHOST_CALLBACKS,          /* rte_vhost_driver_callback_register() */
    C_VHOST_START,              /* rte_vhost_driver_start() */
    N_CALLS
};

static const char *const calls[N_CALLS] = {
    [C_SOCKET_XDP] = "socket-xdp",
    [C_SOCKET_UNIX] = "socket-unix",
    [C_BIND_XDP] = "bind-xdp",
    [C_UMEM_REG] = "umem-reg",
    [C_RING] = "ring",
    [C_RING_OFFSETS] = "ring-offsets",
    [C_RING_MMAP] = "ring-mmap",
    [C_SNDBUF] = "sndbuf",
    [C_OPEN_PATH] = "open-path",
    [C_OPENDIR] = "opendir",
    [C_UNLINK] = "unlink",
    [C_CHMOD] = "chmod",
    [C_FCHOWNAT] = "fchownat",
    [C_SIGACTION_SIGBUS] = "sigaction-sigbus",
    [C_BPF_OPEN] = "bpf-open",
    [C_BPF_LOAD] = "bpf-load",
    [C_BPF_LINK_CREATE] = "bpf-link-create",
    [C_BPF_MAP_UPDATE] = "bpf-map-update",
    [C_EAL_INIT] = "eal-init",
    [C_MEMZONE] = "memzone",
    [C_PKTMBUF_POOL] = "pktmbuf-pool",
    [C_MEMPOOL_EMPTY] = "mempool-empty",
    [C_MEMPOOL_OPS] = "mempool-ops",
    [C_VHOST_REGISTER] = "vhost-register",
    [C_VHOST_CALLBACKS] = "vhost-callbacks",
    [C_VHOST_START] = "vhost-start",
};

static const struct {
    const char *name;
    int value;
} errors[] = {
#define E(NAME) { #NAME, NAME }
    E(EPERM), E(EACCES), E(EBUSY), E(ENOMEM), E(EINVAL), E(EMFILE), E(ENODEV),
    E(ENOSPC), E(ERANGE), E(EIO), E(EOPNOTSUPP), E(ENOBUFS),
#undef E
};

/* What FILE says of a call. */
struct rule {
    int error;                  /* 0: it succeeds. */
    unsigned int skip, count;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[N_CALLS];      /* Protected by 'mutex'. */
static struct timespec read_at;         /* Of the FILE that was read. */
static ino_t read_inode;

static void __attribute__((noreturn))
die(const char *what)
{
    fprintf(stderr, "fail-inject: %s\n", what);
    _exit(1);
}

/* Reads FILE, which has changed. */
static void
read_rules(const char *file)
{
    FILE *stream = fopen(file, "re");
    char line[128], name[32], error[32];

    memset(rules, 0, sizeof rules);
    while (stream && fgets(line, sizeof line, stream)) {
        struct rule rule = { .count = UINT32_MAX };
        int i;

        if (sscanf(line, "%31s %31s %u %u", name, error, &rule.skip,
                   &rule.count) < 2) {
            die("a line is not CALL ERROR [SKIP [COUNT]]");
        }
        for (size_t j = 0; j < sizeof errors / sizeof *errors; j++) {
            if (!strcmp(error, errors[j].name)) {
                rule.error = errors[j].value;
            }
        }
        for (i = 0; i < N_CALLS && strcmp(name, calls[i]); i++) {
            continue;
        }
        if (i >= N_CALLS || !rule.error) {
            die("a line has an unknown CALL or ERROR");
        }
        rules[i] = rule;
    }
    if (stream) {
        fclose(stream);
    }
}

static bool
is_by_program(void *caller)
{
    uintptr_t entry = getauxval(AT_ENTRY);
    Dl_info program, info;

    return (dladdr((void *) entry, &program)
            && dladdr(caller, &info)
            && info.dli_fbase == program.dli_fbase);
}

static void
note(const char *file, const char *name)
{
    char log[4096];
    int fd;

    snprintf(log, sizeof log, "%s.log", file);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        dprintf(fd, "%s\n", name);
        close(fd);
    }
}

/* Returns the error that 'call', made from the address 'caller', is to fail
 * with, or 0. */
static int
failure(enum call call, void *caller)
{
    const char *file = getenv("FAIL_INJECT");
    int saved_errno = errno;
    struct stat s;
    int error = 0;

    if (file && is_by_program(caller) && !stat(file, &s)) {
        struct rule *rule = &rules[call];

        pthread_mutex_lock(&mutex);
        if (s.st_ino != read_inode || s.st_mtim.tv_sec != read_at.tv_sec
            || s.st_mtim.tv_nsec != read_at.tv_nsec) {
            read_inode = s.st_ino;
            read_at = s.st_mtim;
            read_rules(file);
        }
        if (rule->error) {
            if (rule->skip) {
                rule->skip--;
            } else if (rule->count) {
                rule->count -= rule->count != UINT32_MAX;
                error = rule->error;
            }
        }
        pthread_mutex_unlock(&mutex);
        if (error) {
            note(file, calls[call]);
        }
    }
    errno = saved_errno;
    return error;
}

/* DPDK's errno, of which each thread has its own. */
static void
set_rte_errno(int error)
{
    int *p = dlsym(RTLD_DEFAULT, "per_lcore__rte_errno");

    if (p) {
        *p = error;
    }
}

/* Defines NAME(), of type TYPE, with PARAMS, which calls the real one with
 * ARGS unless CONDITION is true and the call is to fail; then it executes
 * FAIL, with 'error' set. */
#define WRAP(TYPE, NAME, PARAMS, ARGS, CALL, CONDITION, FAIL)               \
    TYPE NAME PARAMS;                                                       \
    TYPE                                                                    \
    NAME PARAMS                                                             \
    {                                                                       \
        static TYPE (*real) PARAMS;                                         \
        int error = ((CONDITION)                                            \
                     ? failure(CALL, __builtin_return_address(0)) : 0);     \
                                                                            \
        if (error) {                                                        \
            FAIL;                                                           \
        }                                                                   \
        if (!real) {                                                        \
            *(void **) &real = dlsym(RTLD_NEXT, #NAME);                     \
        }                                                                   \
        return real ARGS;                                                   \
    }

#define LIBC(RESULT) errno = error; return RESULT
#define DPDK(RESULT) set_rte_errno(error); return RESULT

WRAP(int, socket, (int domain, int type, int protocol),
     (domain, type, protocol),
     domain == AF_XDP ? C_SOCKET_XDP : C_SOCKET_UNIX,
     domain == AF_XDP
     || (domain == AF_UNIX && type & SOCK_NONBLOCK && type & SOCK_CLOEXEC),
     LIBC(-1))
WRAP(int, bind, (int fd, const struct sockaddr *sa, socklen_t len),
     (fd, sa, len), C_BIND_XDP, sa->sa_family == AF_XDP, LIBC(-1))

static bool
is_ring(int option)
{
    return (option == XDP_RX_RING || option == XDP_TX_RING
            || option == XDP_UMEM_FILL_RING
            || option == XDP_UMEM_COMPLETION_RING);
}

WRAP(int, setsockopt,
     (int fd, int level, int option, const void *value, socklen_t len),
     (fd, level, option, value, len),
     level == SOL_SOCKET ? C_SNDBUF : is_ring(option) ? C_RING : C_UMEM_REG,
     (level == SOL_XDP && (is_ring(option) || option == XDP_UMEM_REG))
     || (level == SOL_SOCKET && option == SO_SNDBUFFORCE),
     LIBC(-1))
WRAP(int, getsockopt,
     (int fd, int level, int option, void *value, socklen_t *len),
     (fd, level, option, value, len), C_RING_OFFSETS,
     level == SOL_XDP && option == XDP_MMAP_OFFSETS, LIBC(-1))
WRAP(void *, mmap,
     (void *addr, size_t len, int prot, int flags, int fd, off_t ofs),
     (addr, len, prot, flags, fd, ofs), C_RING_MMAP,
     fd >= 0 && flags & MAP_POPULATE, LIBC(MAP_FAILED))

WRAP(DIR *, opendir, (const char *name), (name), C_OPENDIR, true, LIBC(NULL))
WRAP(int, unlink, (const char *name), (name), C_UNLINK, true, LIBC(-1))
WRAP(int, chmod, (const char *name, mode_t mode), (name, mode), C_CHMOD, true,
     LIBC(-1))
WRAP(int, fchownat,
     (int fd, const char *name, uid_t uid, gid_t gid, int flags),
     (fd, name, uid, gid, flags), C_FCHOWNAT, true, LIBC(-1))
WRAP(int, sigaction,
     (int sig, const struct sigaction *new, struct sigaction *old),
     (sig, new, old), C_SIGACTION_SIGBUS, sig == SIGBUS, LIBC(-1))

int
open(const char *name, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    int error = (flags & O_PATH
                 ? failure(C_OPEN_PATH, __builtin_return_address(0)) : 0);
    mode_t mode = 0;

    if (error) {
        LIBC(-1);
    }
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (!real) {
        *(void **) &real = dlsym(RTLD_NEXT, "open");
    }
    return real(name, flags, mode);
}

/* Of libbpf, with its structures left out. */
WRAP(int, bpf_object__open_skeleton, (void *skeleton, const void *options),
     (skeleton, options), C_BPF_OPEN, true, LIBC(-error))
WRAP(int, bpf_object__load_skeleton, (void *skeleton), (skeleton), C_BPF_LOAD,
     true, LIBC(-error))
WRAP(int, bpf_link_create,
     (int prog, int target, int type, const void *options),
     (prog, target, type, options), C_BPF_LINK_CREATE, true, LIBC(-error))
WRAP(int, bpf_map_update_elem,
     (int map, const void *key, const void *value, uint64_t flags),
     (map, key, value, flags), C_BPF_MAP_UPDATE, true, LIBC(-error))

/* Of DPDK, likewise. */
WRAP(int, rte_eal_init, (int argc, char **argv), (argc, argv), C_EAL_INIT,
     true, DPDK(-1))
WRAP(const void *, rte_memzone_reserve_aligned,
     (const char *name, size_t len, int socket, unsigned int flags,
      unsigned int align),
     (name, len, socket, flags, align), C_MEMZONE, true, DPDK(NULL))
WRAP(void *, rte_pktmbuf_pool_create_extbuf,
     (const char *name, unsigned int n, unsigned int cache, uint16_t private,
      uint16_t room, int socket, const void *memory, unsigned int n_memory),
     (name, n, cache, private, room, socket, memory, n_memory),
     C_PKTMBUF_POOL, true, DPDK(NULL))
WRAP(void *, rte_mempool_create_empty,
     (const char *name, unsigned int n, unsigned int size, unsigned int cache,
      unsigned int private, int socket, unsigned int flags),
     (name, n, size, cache, private, socket, flags), C_MEMPOOL_EMPTY, true,
     DPDK(NULL))
WRAP(int, rte_mempool_set_ops_byname,
     (void *pool, const char *name, void *config), (pool, name, config),
     C_MEMPOOL_OPS, true, return -error)
WRAP(int, rte_vhost_driver_register, (const char *path, uint64_t flags),
     (path, flags), C_VHOST_REGISTER, true, return -1)
WRAP(int, rte_vhost_driver_callback_register,
     (const char *path, const void *callbacks), (path, callbacks),
     C_VHOST_CALLBACKS, true, return -1)
WRAP(int, rte_vhost_driver_start, (const char *path), (path), C_VHOST_START,
     true, return -1)
