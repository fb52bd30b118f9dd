/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* The other ends of ports: opens one, sends frames into it, and receives those
 * that come out. */

#include "pkt-corpus-end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tool.h"

#ifndef SOL_PACKET
#define SOL_PACKET 263
#endif

static void
open_tap(struct end *end, const char *device)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    int hdr_size = sizeof(struct vfe_net_hdr);

    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", device);
    end->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (end->fd < 0 || ioctl(end->fd, TUNSETIFF, &ifr)
        || ioctl(end->fd, TUNSETVNETHDRSZ, &hdr_size)
        || ioctl(end->fd, TUNSETOFFLOAD, TUN_F_CSUM)) {
        fatal(errno, "%s", device);
    }
}

/* 'where' is NAMESPACE:DEVICE. */
static void
open_veth(struct end *end, const char *where, const char *colon)
{
    char netns[256];

    snprintf(netns, sizeof netns, "/run/netns/%.*s", (int) (colon - where),
             where);

    int own = open("/proc/self/ns/net", O_RDONLY);
    int other = open(netns, O_RDONLY);
    if (own < 0 || other < 0 || setns(other, CLONE_NEWNET)) {
        fatal(errno, "%s", netns);
    }

    struct sockaddr_ll sll = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = if_nametoindex(colon + 1),
    };
    int one = 1, buffer = 8 << 20;
    end->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    if (end->fd < 0 || !sll.sll_ifindex
        || setsockopt(end->fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one)
        || setsockopt(end->fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one)
        || setsockopt(end->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer,
                      sizeof buffer)
        || bind(end->fd, (struct sockaddr *) &sll, sizeof sll)) {
        fatal(errno, "%s", where);
    }
    if (setns(own, CLONE_NEWNET)) {
        fatal(errno, "setns");
    }
    close(own);
    close(other);
}

static void
open_guest(struct end *end, const char *path, bool listen)
{
    struct vfe *vfe = &end->vfe;
    int error, fd;

    vfe_init(vfe);
    vfe->timeout_ms = END_TIMEOUT_MS;
    if (listen) {
        vfe->step = "listen";
        error = vfe_listen(path, &fd);
        if (!error) {
            error = vfe_accept(vfe, fd);
        }
    } else {
        error = vfe_connect(vfe, path);
    }
    if (!error) {
        error = vfe_start(vfe);
    }
    if (error) {
        fatal(error, "%s: %s", path, vfe->step);
    }
}

/* Opens the end that 'name' says, as in usage(); 'name' must stay.  Returns
 * false if it says none. */
bool
end_open(struct end *end, const char *name)
{
    const char *where = strchr(name, ':') ? strchr(name, ':') + 1 : NULL;
    const char *colon = where ? strchr(where, ':') : NULL;

    end->name = name;
    if (!where) {
        return false;
    } else if (!strncmp(name, "tap:", 4)) {
        end->type = TAP;
        open_tap(end, where);
    } else if (!strncmp(name, "veth:", 5) && colon) {
        end->type = VETH;
        open_veth(end, where, colon);
    } else if (!strncmp(name, "connect:", 8)
               || !strncmp(name, "listen:", 7)) {
        end->type = GUEST;
        open_guest(end, where, name[0] == 'l');
    } else {
        return false;
    }
    return true;
}

/* Sends a frame.  Returns false if the kernel refuses it. */
bool
end_send(struct end *end, const struct vfe_net_hdr *hdr,
           const uint8_t *data, size_t size)
{
    struct iovec iov[] = {
        { .iov_base = (void *) hdr,
          .iov_len = end->type == VETH ? 10 : sizeof *hdr },
        { .iov_base = (void *) data, .iov_len = size },
    };
    long long int deadline = now_ms() + END_TIMEOUT_MS;
    ssize_t n;

    if (end->type == GUEST) {
        struct vfe_ring *ring = vfe_tx_ring(&end->vfe, 0);
        int error;

        while ((error = vfe_tx(&end->vfe, ring, hdr, data, size)) == EAGAIN
               && now_ms() < deadline) {
            error = vfe_wait(&end->vfe, ring, END_TIMEOUT_MS);
            if (error) {
                break;
            }
        }
        if (error) {
            fatal(error, "%s: send", end->name);
        }
        return true;
    }

    do {
        n = writev(end->fd, iov, 2);
    } while (n < 0 && (errno == EAGAIN || errno == ENOBUFS)
             && now_ms() < deadline);
    if (n >= 0) {
        return true;
    } else if (errno == EINVAL || errno == EMSGSIZE) {
        return false;
    }
    fatal(errno, "%s: send %zu bytes", end->name, size);
    return false;
}

/* Receives a frame, if there is one, into 'data', at least VFE_MAX_FRAME
 * bytes. */
bool
end_recv(struct end *end, struct vfe_net_hdr *hdr, uint8_t *data,
           size_t *size)
{
    if (end->type == GUEST) {
        int error = vfe_rx(&end->vfe, vfe_rx_ring(&end->vfe, 0), hdr, data,
                           size);

        if (error && error != EAGAIN) {
            fatal(error, "%s: receive", end->name);
        }
        return !error;
    }

    size_t hdr_size = end->type == VETH ? 10 : sizeof *hdr;
    for (;;) {
        char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
        struct sockaddr_ll from = { .sll_pkttype = 0 };
        struct iovec iov[] = {
            { .iov_base = hdr, .iov_len = hdr_size },
            { .iov_base = data, .iov_len = VFE_MAX_FRAME - 4 },
        };
        struct msghdr msg = {
            .msg_name = &from, .msg_namelen = sizeof from,
            .msg_iov = iov, .msg_iovlen = 2,
            .msg_control = control, .msg_controllen = sizeof control,
        };
        ssize_t n = (end->type == VETH ? recvmsg(end->fd, &msg, 0)
                     : readv(end->fd, iov, 2));

        if (n < 0 && errno == EAGAIN) {
            return false;
        } else if (n < (ssize_t) hdr_size) {
            fatal(errno, "%s: receive", end->name);
        } else if (from.sll_pkttype == PACKET_OUTGOING) {
            continue;
        }
        *size = n - hdr_size;

        struct cmsghdr *cmsg = end->type == VETH ? CMSG_FIRSTHDR(&msg) : NULL;
        struct tpacket_auxdata aux;
        if (cmsg) {
            memcpy(&aux, CMSG_DATA(cmsg), sizeof aux);
            if (aux.tp_status & TP_STATUS_VLAN_VALID) {
                uint8_t tag[] = {
                    aux.tp_vlan_tpid >> 8, aux.tp_vlan_tpid,
                    aux.tp_vlan_tci >> 8, aux.tp_vlan_tci,
                };

                /* The kernel has taken it out of the frame. */
                memmove(data + 16, data + 12, *size - 12);
                memcpy(data + 12, tag, sizeof tag);
                *size += sizeof tag;
                if (hdr->flags & VFE_HDR_NEEDS_CSUM) {
                    hdr->csum_start += sizeof tag;
                }
            }
        }
        return true;
    }
}

/* Waits for a frame, at most 'ms'. */
void
end_wait(struct end *end, int ms)
{
    if (end->type == GUEST) {
        vfe_wait_rx(&end->vfe, ms);
    } else {
        struct pollfd pfd = { .fd = end->fd, .events = POLLIN };

        poll(&pfd, 1, ms);
    }
}
