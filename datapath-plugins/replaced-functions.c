/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The functions that librte_vhost finds here instead of in the C library and
 * in librte_eal.
 *
 * The dynamic linker takes what the program itself has first.  So this file is
 * linked into ovs-vswitchd only, and librte_vhost must be a shared library.
 * Calls from elsewhere go on to the original.  lib/vhost/notify.c looks at the
 * start whether these are in force.
 *
 * With DPDK 23.07 and later, the operation "guest_notify" could take the place
 * of eventfd_write(), were it not that librte_vhost then wants to be called to
 * write to the same file after all, in another thread: that one could be made
 * to wait.  No release so far (26.07) can do without rte_malloc_socket(). */

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util.h"
#include "vhost/notify.h"

void *rte_malloc_socket(const char *type, size_t size, unsigned int align,
                        int socket);

/* Where librte_vhost's code is, and the original functions. */
static uintptr_t vhost_start, vhost_end;
static int (*next_eventfd_write)(int, eventfd_t);
static void *(*next_malloc)(const char *, size_t, unsigned int, int);

/* If '*info' is the library that has the address 'probe_', notes its code. */
static int
note_code(struct dl_phdr_info *info, size_t size OVS_UNUSED, void *probe_)
{
    uintptr_t probe = (uintptr_t) probe_;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + phdr->p_vaddr;

        if (phdr->p_type == PT_LOAD && phdr->p_flags & PF_X
            && probe >= start && probe < start + phdr->p_memsz) {
            vhost_start = start;
            vhost_end = start + phdr->p_memsz;
            return 1;
        }
    }
    return 0;
}

/* Libraries may call these functions before main(). */
static void __attribute__((constructor))
find_functions(void)
{
    void *vhost = dlsym(RTLD_NEXT, "rte_vhost_driver_register");

    next_eventfd_write = dlsym(RTLD_NEXT, "eventfd_write");
    next_malloc = dlsym(RTLD_NEXT, "rte_malloc_socket");
    if (vhost) {
        dl_iterate_phdr(note_code, vhost);
    }
}

/* True if librte_vhost's code has the address 'caller'. */
static inline bool
is_vhost(const void *caller)
{
    return (uintptr_t) caller - vhost_start < vhost_end - vhost_start;
}

/* Notifies a guest, see lib/vhost/notify.h.  'value' is 1.  Returns 0, or -1
 * with errno set, EAGAIN if there are notifications already that the guest has
 * not seen. */
int
eventfd_write(int fd, eventfd_t value)
{
    if (OVS_UNLIKELY(!is_vhost(__builtin_return_address(0)))) {
        if (!next_eventfd_write) {
            find_functions();
        }
        return next_eventfd_write(fd, value);
    }

    int error = vhost_notify(fd);
    if (error) {
        errno = error;
        return -1;
    }
    return 0;
}

/* Where a guest says that an indirect descriptor table, of up to 4 GB, lies in
 * memory that is not in one piece for us, librte_vhost copies it first: it
 * looks at the size only afterwards, or loses the copy, if the ring is packed.
 * A real table has at most 512 kB and is in one piece.  With no memory for the
 * copy, librte_vhost drops the chain, which vhost_dev_recv() counts. */
void *
rte_malloc_socket(const char *type, size_t size, unsigned int align,
                  int socket)
{
    if (is_vhost(__builtin_return_address(0))
        && type && !strcmp(type, "vhost_alloc_copy_ind_table")) {
        return NULL;
    }
    if (!next_malloc) {
        find_functions();
    }
    return next_malloc(type, size, align, socket);
}
