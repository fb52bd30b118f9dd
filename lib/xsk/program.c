/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Loading the XDP program, and attaching it to a device. */

#include "xsk/program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <unistd.h>

#include "entropy.h"
#include "openvswitch/vlog.h"
#include "ovs-compat.h"
#include "ovs-thread.h"
#include "util.h"
#include "xsk/redirect.skel.h"

VLOG_DEFINE_THIS_MODULE(xsk_program);

struct xsk_program {
    struct xsk_redirect *skel;
    int ifindex;
    enum xsk_hook hook;
    int link_fd;                /* -1 while it is not attached. */
    bool has_meta;              /* Bound to the device, reads metadata. */
    uint64_t meta_key;          /* In what it puts in front of packets. */
};

/* What libbpf says goes to one function of the whole process, and Open
 * vSwitch's own AF_XDP type has set one of its own.  So ours is in place only
 * while we are in libbpf, and passes on what does not come from our thread.
 * Ports are made in the main thread only, so nobody sets another meanwhile. */
static struct ovs_mutex print_mutex = OVS_MUTEX_INITIALIZER;
static libbpf_print_fn_t previous_print OVS_GUARDED_BY(print_mutex);
static __thread bool in_libbpf;

/* libbpf reports each failure in many lines, and for us a failure is often
 * just the question whether the kernel can do something. */
static int
xsk_program_print(enum libbpf_print_level level, const char *format,
                  va_list args)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    if (!in_libbpf) {
        return previous_print ? previous_print(level, format, args) : 0;
    }
    if (VLOG_IS_DBG_ENABLED()) {
        vlog_valist(&this_module, VLL_DBG, format, args);
    }
    return 0;
}

/* To be called before functions of libbpf that log... */
static void
xsk_program_enter_libbpf(void)
    OVS_ACQUIRES(print_mutex)
{
    ovs_mutex_lock(&print_mutex);
    in_libbpf = true;
    previous_print = libbpf_set_print(xsk_program_print);
}

/* ...and after them. */
static void
xsk_program_leave_libbpf(void)
    OVS_RELEASES(print_mutex)
{
    libbpf_set_print(previous_print);
    in_libbpf = false;
    ovs_mutex_unlock(&print_mutex);
}

/* Loads the program for 'ifindex'; with 'meta', the variant that is bound to
 * the device.  Returns 0 or a positive errno value. */
static int
xsk_program_load(int ifindex, uint32_t n_queues, bool meta, bool want_hash,
                 uint64_t meta_key, struct xsk_redirect **skelp)
{
    struct xsk_redirect *skel = xsk_redirect__open();
    int error;

    if (!skel) {
        return errno;
    }

    skel->rodata->want_hash = want_hash;
    skel->rodata->meta_key = meta_key;
    bpf_map__set_max_entries(skel->maps.xsks, n_queues);
    bpf_program__set_autoload(skel->progs.xsk_redirect, !meta);
    bpf_program__set_autoload(skel->progs.xsk_redirect_meta, meta);
    if (meta) {
        struct bpf_program *prog = skel->progs.xsk_redirect_meta;

        bpf_program__set_ifindex(prog, ifindex);
        bpf_program__set_flags(prog, bpf_program__flags(prog)
                                     | BPF_F_XDP_DEV_BOUND_ONLY);
    }

    error = -xsk_redirect__load(skel);
    if (error) {
        xsk_redirect__destroy(skel);
        return error;
    }
    *skelp = skel;
    return 0;
}

/* Returns the id of an XDP program that is attached to 'ifindex', or 0. */
static uint32_t
xsk_program_attached_id(int ifindex)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);

    xsk_program_enter_libbpf();
    int error = bpf_xdp_query(ifindex, 0, &query);
    xsk_program_leave_libbpf();
    if (error) {
        return 0;
    }
    return (query.prog_id ? query.prog_id
            : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id);
}

/* Says in words why the kernel refused to attach to 'ifindex'. */
static char *
xsk_program_attach_error(int ifindex, int error)
{
    if (error == EBUSY || error == EEXIST) {
        return xasprintf("another XDP program (id %"PRIu32") is attached to "
                         "the device; it is left alone, detach it first",
                         xsk_program_attached_id(ifindex));
    } else if (error == ENOSPC) {
        return xstrdup("the device has fewer rx queues than its peer has tx "
                       "queues; see ethtool -L");
    } else if (error == ERANGE) {
        return xstrdup("the MTU is too large for the driver's XDP");
    } else if (error == EPERM || error == EACCES) {
        return xstrdup("no permission to attach an XDP program; needs "
                       "CAP_BPF and CAP_NET_ADMIN");
    }
    return xasprintf("attaching the XDP program: %s", ovs_strerror(error));
}

/* Loads the program with room for sockets on queues 0 to 'n_queues' - 1, for
 * 'ifindex' and 'hook'.  'want_hash' asks the device for the packets' RSS
 * hashes, where it offers them.
 *
 * Returns 0, with '*progp' for the caller to xsk_program_detach(), or a
 * positive errno value, with '*errp' set to a message for the caller to free.
 * EBUSY means that another program is attached, which may have the sockets,
 * too. */
int
xsk_program_open(int ifindex, enum xsk_hook hook, uint32_t n_queues,
                 bool want_hash, struct xsk_program **progp, char **errp)
{
    struct xsk_redirect *skel;
    bool has_meta = false;
    int error = EOPNOTSUPP;
    uint64_t meta_key;

    get_entropy_or_die(&meta_key, sizeof meta_key);
    if (xsk_program_attached_id(ifindex)) {
        *errp = xsk_program_attach_error(ifindex, EBUSY);
        return EBUSY;
    }

    xsk_program_enter_libbpf();
    if (hook == XSK_HOOK_NATIVE) {
        error = xsk_program_load(ifindex, n_queues, true, want_hash, meta_key,
                                 &skel);
        has_meta = !error;
    }
    if (error) {
        error = xsk_program_load(ifindex, n_queues, false, false, meta_key,
                                 &skel);
    }
    xsk_program_leave_libbpf();
    if (error) {
        *errp = (error == EPERM || error == EACCES
                 ? xstrdup("no permission to load an XDP program; needs "
                           "CAP_BPF and CAP_NET_ADMIN")
                 : xasprintf("loading the XDP program: %s",
                             ovs_strerror(error)));
        return error;
    }

    *progp = xmalloc(sizeof **progp);
    (*progp)->skel = skel;
    (*progp)->ifindex = ifindex;
    (*progp)->hook = hook;
    (*progp)->link_fd = -1;
    (*progp)->has_meta = has_meta;
    (*progp)->meta_key = meta_key;
    return 0;
}

/* Attaches 'prog' to its device.  A program that someone else has attached is
 * never replaced.
 *
 * To attach and to detach makes the kernel report a change of the link, which
 * has Open vSwitch configure its ports anew.  So this should come when nothing
 * else can fail any more: a port that fails after it is tried over and over.
 *
 * Returns 0 or a positive errno value, with '*errp' set to a message for the
 * caller to free.  EBUSY and EEXIST mean that another program is there. */
int
xsk_program_attach(struct xsk_program *prog, char **errp)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts,
                .flags = (prog->hook == XSK_HOOK_NATIVE ? XDP_FLAGS_DRV_MODE
                          : XDP_FLAGS_SKB_MODE));
    struct bpf_program *bpf = (prog->has_meta
                               ? prog->skel->progs.xsk_redirect_meta
                               : prog->skel->progs.xsk_redirect);
    int fd = bpf_link_create(bpf_program__fd(bpf), prog->ifindex, BPF_XDP,
                             &opts);

    if (fd < 0) {
        *errp = xsk_program_attach_error(prog->ifindex, -fd);
        return -fd;
    }
    prog->link_fd = fd;
    return 0;
}

/* Detaches and frees 'prog', which may be null. */
void
xsk_program_detach(struct xsk_program *prog)
{
    if (prog) {
        if (prog->link_fd >= 0) {
            close(prog->link_fd);
        }
        xsk_redirect__destroy(prog->skel);
        free(prog);
    }
}

/* Sends the packets of queue 'queue_id' to the bound AF_XDP socket 'fd'.
 * Returns 0 or a positive errno value. */
int
xsk_program_set_socket(struct xsk_program *prog, uint32_t queue_id, int fd)
{
    return -bpf_map_update_elem(bpf_map__fd(prog->skel->maps.xsks), &queue_id,
                                &fd, BPF_ANY);
}

/* True if 'prog' passes on what the device knows of a packet besides its
 * bytes, such as a VLAN tag, as far as the device tells. */
bool
xsk_program_has_metadata(const struct xsk_program *prog)
{
    return prog->has_meta;
}

/* Returns the place where 'prog' notes that it has put struct xsk_rx_meta in
 * front of a packet.  Valid, and changing, until 'prog' is detached. */
const bool *
xsk_program_gave_metadata(const struct xsk_program *prog)
{
    return &prog->skel->bss->gave_metadata;
}

/* Returns the key that each of these structs has. */
uint64_t
xsk_program_metadata_key(const struct xsk_program *prog)
{
    return prog->meta_key;
}

/* The number of packets that 'prog' dropped for want of room for their tag. */
uint64_t
xsk_program_n_lost_tags(const struct xsk_program *prog)
{
    return *(volatile uint64_t *) &prog->skel->bss->n_lost_tags;
}
