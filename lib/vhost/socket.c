/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "next-function.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(vhost_socket);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);

/* As many symbolic links as the kernel follows. */
#define MAX_LINKS 40

/* The sockets that librte_vhost is to connect to, by their paths. */
static struct ovs_mutex clients_mutex = OVS_MUTEX_INITIALIZER;
static struct sset clients OVS_GUARDED_BY(clients_mutex)
    = SSET_INITIALIZER(&clients);

/* The last of these that this thread has connected to. */
struct connected {
    int fd;
    char path[sizeof ((struct sockaddr_un *) NULL)->sun_path];
};
DEFINE_STATIC_PER_THREAD_DATA(struct connected, connected, { .fd = -1 });

/* Fills in '*un' for 'path'.  Returns null or what is wrong with 'path', for
 * the caller to free. */
static char *
make_address(const char *path, struct sockaddr_un *un)
{
    memset(un, 0, sizeof *un);
    un->sun_family = AF_UNIX;
    if (path[0] != '/') {
        return xasprintf("%s is not an absolute path", path);
    }
    if (strlen(path) >= sizeof un->sun_path) {
        return xasprintf("the path %s has %zu characters; a socket's may have "
                         "at most %zu", path, strlen(path),
                         sizeof un->sun_path - 1);
    }
    ovs_strlcpy(un->sun_path, path, sizeof un->sun_path);
    return NULL;
}

/* Fills in '*s' for the folder of 'path'.  Returns null or what is wrong with
 * it, for the caller to free. */
static char *
stat_folder(const char *path, struct stat *s)
{
    char *folder = dir_name(path);
    char *error = NULL;

    if (stat(folder, s)) {
        error = xasprintf("the folder %s cannot be used: %s", folder,
                          ovs_strerror(errno));
    } else if (!S_ISDIR(s->st_mode)) {
        error = xasprintf("%s is not a folder", folder);
    }
    free(folder);
    return error;
}

/* Reads symbolic link 'fd', opened with O_PATH, into 'target', a string of at
 * most PATH_MAX bytes.  Returns 0 or a positive errno value: ELOOP, with
 * '*owner' set to the user to whom the link belongs, if that is neither root
 * nor ours. */
static int
read_link(int fd, const struct stat *s, char *target, uid_t *owner)
{
    if (s->st_uid && s->st_uid != geteuid()) {
        *owner = s->st_uid;
        return ELOOP;
    }

    ssize_t n = readlinkat(fd, "", target, PATH_MAX);
    if (n < 0) {
        return errno;
    } else if (n == PATH_MAX) {
        return ENAMETOOLONG;
    }
    target[n] = '\0';
    return 0;
}

/* Opens the socket at 'path', which is absolute, for its name only (O_PATH).
 * Follows symbolic links only if they belong to root or to us.  Any other may
 * have been made by a guest's owner, to have us connect where he must not.
 *
 * Returns a descriptor, or -1 with errno set.  If such a link is in the way,
 * that is ELOOP, and '*owner' becomes the user to whom it belongs, otherwise
 * 0. */
static int
open_socket(const char *path, uid_t *owner)
{
    int fd = open("/", O_PATH | O_CLOEXEC);
    int error = fd < 0 ? errno : 0;
    char *rest = xstrdup(path);
    char *p = rest;
    int n_links = 0;
    struct stat s;

    *owner = 0;
    while (!error && (p += strspn(p, "/"))[0]) {
        size_t len = strcspn(p, "/");
        char *name = xmemdup0(p, len);
        int next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        free(name);
        p += len;
        if (next < 0 || fstat(next, &s)) {
            error = errno;
        } else if (S_ISLNK(s.st_mode)) {
            char target[PATH_MAX];

            error = (n_links++ < MAX_LINKS
                     ? read_link(next, &s, target, owner) : ELOOP);
            if (!error) {
                char *old = rest;

                p = rest = xasprintf("%s%s", target, p);
                free(old);
                close(next);
                next = (p[0] == '/' ? open("/", O_PATH | O_CLOEXEC)
                        : fcntl(fd, F_DUPFD_CLOEXEC, 0));
                error = next < 0 ? errno : 0;
            }
        }
        close(fd);
        fd = next;
    }
    if (!error && (fstat(fd, &s) || !S_ISSOCK(s.st_mode))) {
        error = ENOTSOCK;
    }
    free(rest);
    if (error) {
        if (fd >= 0) {
            close(fd);
        }
        errno = error;
        return -1;
    }
    return fd;
}

/* Checks a 'path' that we are to connect to.  Nobody need listen there yet.
 * Returns null or what is wrong, for the caller to free. */
char *
vhost_socket_check_client(const char *path)
{
    struct sockaddr_un un;
    struct stat s;
    char *error;

    error = make_address(path, &un);
    if (!error) {
        error = stat_folder(path, &s);
    }
    if (!error) {
        uid_t owner;
        int fd = open_socket(path, &owner);

        if (fd >= 0) {
            close(fd);
        } else if (owner) {
            error = xasprintf("a symbolic link on the way to %s belongs to "
                              "user %lu; only those of root and of this "
                              "daemon's user are followed", path,
                              (unsigned long) owner);
        } else if (errno == ENOTSOCK) {
            error = xasprintf("%s is not a socket", path);
        }
    }
    return error;
}

/* Has librte_vhost's attempts to connect to 'path' be made as described for
 * vhost_socket_connect(), or no longer so. */
void
vhost_socket_set_client(const char *path, bool client)
{
    ovs_mutex_lock(&clients_mutex);
    if (client) {
        sset_add(&clients, path);
    } else {
        sset_find_and_delete(&clients, path);
    }
    ovs_mutex_unlock(&clients_mutex);
}

/* What all in this program, and the libraries, call in place of the C
 * library's connect().  It does the same, except for the sockets of guests:
 *
 * - It does not follow symbolic links that are not ours; see open_socket().
 *
 * - It notes the connection.  Its name does not tell what it is: that is the
 *   one to which the guest has bound the socket, which the guest may have
 *   renamed since. */
int vhost_socket_connect(int fd, const struct sockaddr *, socklen_t)
    __asm__("connect");

int
vhost_socket_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    static void *next;
    int (*f)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_un un;
    bool client = false;

    f = next_function("connect", &next);
    if (len == sizeof un && addr->sa_family == AF_UNIX) {
        memcpy(&un, addr, sizeof un);
        if (un.sun_path[0] && memchr(un.sun_path, 0, sizeof un.sun_path)) {
            ovs_mutex_lock(&clients_mutex);
            client = sset_contains(&clients, un.sun_path);
            ovs_mutex_unlock(&clients_mutex);
        }
    }
    if (!client) {
        return f(fd, addr, len);
    }

    struct connected *connected = connected_get();
    uid_t owner;
    int target = open_socket(un.sun_path, &owner);
    if (target < 0) {
        int error = errno;

        if (owner) {
            VLOG_WARN_RL(&rl, "%s: not connected: a symbolic link on the way "
                         "belongs to user %lu", un.sun_path,
                         (unsigned long) owner);
        }
        errno = error;
        return -1;
    }
    ovs_strlcpy(connected->path, un.sun_path, sizeof connected->path);
    snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d", target);
    int retval = f(fd, (const struct sockaddr *) &un, sizeof un);
    int error = errno;
    connected->fd = !retval || error == EISCONN ? fd : -1;
    close(target);
    errno = error;
    return retval;
}

/* True if somebody may be listening on '*un': only two errors say that nobody
 * is. */
static bool
is_listening(const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return true;
    }

    bool listening = (!connect(fd, (const struct sockaddr *) un, sizeof *un)
                      || (errno != ECONNREFUSED && errno != ENOENT));
    close(fd);
    return listening;
}

/* Makes sure that a socket can be created at 'path': removes one that nobody
 * listens on, as a killed daemon leaves it behind, but nothing else.  The
 * folder must be ours, or root's, and not one where just anyone may replace
 * files: another could take the socket's place.
 *
 * Returns null or what is wrong, for the caller to free. */
char *
vhost_socket_prepare_server(const char *path)
{
    struct sockaddr_un un;
    struct stat s;
    char *error;

    error = make_address(path, &un);
    if (!error) {
        error = stat_folder(path, &s);
    }
    if (error) {
        return error;
    }
    if ((s.st_uid && s.st_uid != geteuid())
        || (s.st_mode & S_IWOTH && !(s.st_mode & S_ISVTX))) {
        char *folder = dir_name(path);

        error = xasprintf("the folder %s is not ours: it belongs to user "
                          "%lu, with mode %04o", folder,
                          (unsigned long) s.st_uid, s.st_mode & 07777);
        free(folder);
        return error;
    }

    if (lstat(path, &s)) {
        return (errno == ENOENT ? NULL
                : xasprintf("%s: %s", path, ovs_strerror(errno)));
    } else if (!S_ISSOCK(s.st_mode)) {
        return xasprintf("%s exists and is not a socket", path);
    } else if (is_listening(&un)) {
        return xasprintf("%s is in use by another program", path);
    } else if (unlink(path) && errno != ENOENT) {
        return xasprintf("%s, left behind by another program, cannot be "
                         "removed: %s", path, ovs_strerror(errno));
    }
    return NULL;
}

/* Gives the socket at 'path' the permissions 'access'.  The file is named by a
 * descriptor throughout, so that it cannot become another in between.  Returns
 * null or what is wrong, for the caller to free. */
char *
vhost_socket_set_access(const char *path,
                        const struct vhost_socket_access *access)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char *error = NULL;
    struct stat s;

    if (fd < 0 || fstat(fd, &s)) {
        error = xasprintf("%s: %s", path, ovs_strerror(errno));
    } else if (!S_ISSOCK(s.st_mode)) {
        error = xasprintf("%s is not a socket any more", path);
    } else {
        char *self = xasprintf("/proc/self/fd/%d", fd);

        if (fchownat(fd, "", access->uid, access->gid, AT_EMPTY_PATH)) {
            error = xasprintf("options:socket-owner cannot be applied to %s: "
                              "%s", path, ovs_strerror(errno));
        } else if (chmod(self, access->mode)) {
            error = xasprintf("options:socket-mode cannot be applied to %s: "
                              "%s", path, ovs_strerror(errno));
        }
        free(self);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/* True if 'fd' is a connection that was accepted on a socket at 'path'. */
static bool
is_connection(int fd, const char *path)
{
    struct sockaddr_un local, peer;
    socklen_t local_len = sizeof local;
    socklen_t peer_len = sizeof peer;

    memset(&local, 0, sizeof local);
    return (!getsockname(fd, (struct sockaddr *) &local, &local_len)
            && local.sun_family == AF_UNIX
            && !getpeername(fd, (struct sockaddr *) &peer, &peer_len)
            && !strncmp(local.sun_path, path, sizeof local.sun_path));
}

static void
set_timeout(int fd, int ms)
{
    const struct timeval timeout = { .tv_usec = ms * 1000 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/* Makes reads and writes on our connection through 'path' fail with EAGAIN
 * after 'ms' milliseconds.  DPDK reads a message in two parts and waits for
 * the second, in the one thread that serves all guests.  'old_fd' is that of
 * an earlier connection that has ended but may still be open, or -1.  If we
 * have connected, it was this thread that did so, just now.
 *
 * Returns the connection's descriptor, which stays DPDK's, or -1. */
int
vhost_socket_set_timeout(const char *path, int ms, int old_fd)
{
    struct connected *connected = connected_get();
    struct dirent *entry;
    int found = -1;
    DIR *dir;

    if (connected->fd >= 0 && !strcmp(connected->path, path)) {
        found = connected->fd;
        connected->fd = -1;
        set_timeout(found, ms);
        return found;
    }

    dir = opendir("/proc/self/fd");
    if (!dir) {
        VLOG_WARN("/proc/self/fd: %s; a guest that sends half a message can "
                  "block all others", ovs_strerror(errno));
        return -1;
    }
    while ((entry = readdir(dir))) {
        int fd;

        if (str_to_int(entry->d_name, 10, &fd) && fd != old_fd
            && is_connection(fd, path)) {
            set_timeout(fd, ms);
            found = fd;
        }
    }
    closedir(dir);
    return found;
}

/* True if 'fd', a connection, has room for an answer: a guest that sends
 * messages and does not read the answers would have DPDK wait for each. */
bool
vhost_socket_is_writable(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLOUT };

    return fd < 0 || poll(&pfd, 1, 0) > 0;
}

/* True if the peer of 'fd', a connection, has closed it. */
bool
vhost_socket_is_closed(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

    return fd >= 0 && poll(&pfd, 1, 0) > 0;
}
