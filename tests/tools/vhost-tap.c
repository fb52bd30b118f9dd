/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* A guest whose network is that of the namespace where this runs: moves frames
 * between a vhost-user socket and a tap device, with their virtio headers.  So
 * what the two kernels of a virtual machine and its host would leave to each
 * other, as checksums, is left here, too.
 *
 * Exits with status 2 for bad arguments, and 1 if the device or the first
 * connection cannot be had.  Later, it connects again whenever the connection
 * is lost, until it is terminated. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tool.h"
#include "vhost-frontend.h"

struct frame {
    struct vfe_net_hdr hdr;
    uint8_t data[VFE_MAX_FRAME];
    size_t size;                        /* 0: there is none. */
};

static void
usage(void)
{
    fputs("\
usage: vhost-tap --connect SOCKET [--detach PIDFILE] DEVICE\n\
  makes the tap device DEVICE the guest of the vhost-user port at SOCKET;\n\
  --detach PIDFILE: once connected, go on in the background\n", stderr);
    exit(2);
}

/* Makes the device 'name'.  Its frames have headers as long as ours. */
static int
open_tap(const char *name)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    int hdr_size = sizeof(struct vfe_net_hdr);
    int fd;

    if (strlen(name) >= sizeof ifr.ifr_name) {
        fatal(0, "%s: the name of a device has at most %zu characters", name,
            sizeof ifr.ifr_name - 1);
    }
    strcpy(ifr.ifr_name, name);

    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)
        || ioctl(fd, TUNSETVNETHDRSZ, &hdr_size)) {
        fatal(errno, "%s", name);
    }
    return fd;
}

/* Tells the kernel what the frames that it sends may leave to others. */
static int
set_offloads(int tap, uint64_t features)
{
    unsigned int flags = 0;

    if (features & VFE_BIT(VFE_F_CSUM)) {
        flags |= TUN_F_CSUM;
        flags |= features & VFE_BIT(VFE_F_HOST_TSO4) ? TUN_F_TSO4 : 0;
        flags |= features & VFE_BIT(VFE_F_HOST_TSO6) ? TUN_F_TSO6 : 0;
    }
    return ioctl(tap, TUNSETOFFLOAD, flags) ? errno : 0;
}

/* Gives all that the peer has sent to the kernel, which may refuse some: while
 * the device is down, for example.  Such frames are lost, as on a wire. */
static int
to_tap(struct vfe *vfe, int tap)
{
    static struct frame frame;
    int error;

    while (!(error = vfe_rx(vfe, vfe_rx_ring(vfe, 0), &frame.hdr, frame.data,
                            &frame.size))) {
        struct iovec iov[] = {
            { .iov_base = &frame.hdr, .iov_len = sizeof frame.hdr },
            { .iov_base = frame.data, .iov_len = frame.size },
        };
        ssize_t n = writev(tap, iov, 2);

        (void) n;
    }
    return error == EAGAIN ? 0 : error;
}

/* Sends all that the kernel has for us.  Returns EAGAIN if the ring is full;
 * then a frame remains in '*frame', which is to be sent first. */
static int
from_tap(struct vfe *vfe, int tap, struct frame *frame)
{
    for (;;) {
        if (!frame->size) {
            struct iovec iov[] = {
                { .iov_base = &frame->hdr, .iov_len = sizeof frame->hdr },
                { .iov_base = frame->data, .iov_len = sizeof frame->data },
            };
            ssize_t n = readv(tap, iov, 2);

            if (n <= (ssize_t) sizeof frame->hdr) {
                return 0;
            }
            frame->size = n - sizeof frame->hdr;
            frame->hdr.num_buffers = 0;
        }

        int error = vfe_tx(vfe, vfe_tx_ring(vfe, 0), &frame->hdr, frame->data,
                           frame->size);
        if (error && error != EMSGSIZE) {
            return error;
        }
        frame->size = 0;
    }
}

static void
clear_event(const struct pollfd *pfd)
{
    uint64_t count;

    if (pfd->revents) {
        ssize_t n = read(pfd->fd, &count, sizeof count);

        (void) n;
    }
}

/* Moves frames until the connection is lost. */
static int
forward(struct vfe *vfe, int tap)
{
    struct vfe_ring *rx = vfe_rx_ring(vfe, 0);
    struct vfe_ring *tx = vfe_tx_ring(vfe, 0);
    static struct frame held;

    held.size = 0;
    for (;;) {
        int error = to_tap(vfe, tap);
        if (error) {
            return error;
        }

        int tx_error = from_tap(vfe, tap, &held);
        if (tx_error && tx_error != EAGAIN) {
            return tx_error;
        }

        /* The peer calls for what it does after it has seen what we have
         * seen, so look once more now that we have said it. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (vfe_rx_pending(rx) || (tx_error && vfe_tx_reclaim(vfe, tx))) {
            continue;
        }

        struct pollfd pfds[] = {
            { .fd = rx->call_fd, .events = POLLIN },
            { .fd = tx_error ? tx->call_fd : -1, .events = POLLIN },
            { .fd = tx_error ? -1 : tap, .events = POLLIN },
            { .fd = vfe->fd, .events = POLLRDHUP },
        };
        poll(pfds, sizeof pfds / sizeof pfds[0], -1);
        clear_event(&pfds[0]);
        clear_event(&pfds[1]);
        if (pfds[3].revents) {
            return ECONNRESET;
        }
    }
}

static int
join(struct vfe *vfe, const char *path, int tap)
{
    vfe_init(vfe);
    vfe->feature_mask &= ~VFE_BIT(VFE_F_CTRL_VQ);

    int error = vfe_connect(vfe, path);
    if (!error) {
        error = vfe_start(vfe);
    }
    if (!error) {
        vfe->step = "set offloads";
        error = set_offloads(tap, vfe->features);
    }
    return error;
}

static void
detach(const char *pidfile)
{
    pid_t pid = fork();

    if (pid < 0) {
        fatal(errno, "fork");
    } else if (pid) {
        FILE *f = fopen(pidfile, "w");

        if (!f || fprintf(f, "%ld\n", (long int) pid) < 0 || fclose(f)) {
            fatal(errno, "%s", pidfile);
        }
        exit(0);
    }
    setsid();

    /* The caller waits until nobody holds these. */
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; null >= 0 && fd < 3; fd++) {
        dup2(null, fd);
    }
}

int
main(int argc, char *argv[])
{
    static const struct option options[] = {
        { "connect", required_argument, NULL, 'c' },
        { "detach", required_argument, NULL, 'd' },
        { NULL, 0, NULL, 0 },
    };
    const char *path = NULL, *pidfile = NULL;
    struct vfe vfe;
    int c, tap, error;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case 'd':
            pidfile = optarg;
            break;
        default:
            usage();
        }
    }
    if (!path || optind + 1 != argc) {
        usage();
    }

    tap = open_tap(argv[optind]);
    error = join(&vfe, path, tap);
    if (error) {
        fatal(error, "%s: %s", path, vfe.step);
    }
    if (pidfile) {
        detach(pidfile);
    }
    for (;;) {
        if (!error) {
            forward(&vfe, tap);
        }
        vfe_destroy(&vfe);
        usleep(20 * 1000);
        error = join(&vfe, path, tap);
    }
}
