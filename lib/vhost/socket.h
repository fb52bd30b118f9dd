/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_SOCKET_H
#define VHOST_SOCKET_H 1

/* The Unix domain sockets of vhost-user devices, as files. */

#include <stdbool.h>
#include <sys/types.h>

/* Who may use a socket that we create. */
struct vhost_socket_access {
    int mode;                   /* Permission bits. */
    uid_t uid;                  /* -1: as created. */
    gid_t gid;                  /* Likewise. */
};

char *vhost_socket_check_client(const char *path);
int vhost_socket_connect(const char *path, char **reason);
char *vhost_socket_prepare_server(const char *path);
int vhost_socket_listen(const char *path, const struct vhost_socket_access *,
                        char **reason);
char *vhost_socket_set_access(const char *path,
                              const struct vhost_socket_access *);
bool vhost_socket_is_closed(int fd);

#endif /* vhost/socket.h */
