/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"

/* As many symbolic links as the kernel follows. */
#define MAX_LINKS 40

/* Connections that may wait for the daemon to accept them. */
#define BACKLOG 128

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

/* Says why open_socket() has failed for 'path', with 'error' and 'owner'. */
static char *
describe_error(const char *path, int error, uid_t owner)
{
    if (owner) {
        return xasprintf("a symbolic link on the way to %s belongs to user "
                         "%lu; only those of root and of this daemon's user "
                         "are followed", path, (unsigned long) owner);
    } else if (error == ENOTSOCK) {
        return xasprintf("%s is not a socket", path);
    } else {
        struct stat s;
        char *reason = stat_folder(path, &s);

        return reason ? reason
               : xasprintf("%s: %s", path, ovs_strerror(error));
    }
}

/* Checks a 'path' that we are to connect to.  Neither a socket nor its folder
 * need be there yet.  Returns null or why it cannot work, for the caller to
 * free. */
char *
vhost_socket_check_client(const char *path)
{
    struct sockaddr_un un;
    char *reason = make_address(path, &un);

    if (!reason) {
        uid_t owner;
        int fd = open_socket(path, &owner);

        if (fd >= 0) {
            close(fd);
        } else if (owner || errno == ENOTSOCK || errno == ENOTDIR
                   || errno == ELOOP || errno == ENAMETOOLONG) {
            reason = describe_error(path, errno, owner);
        }
    }
    return reason;
}

/* Connects to the socket at 'path', without waiting.  Follows symbolic links
 * as open_socket() does.  Its name need not be the one to which the guest has
 * bound it.
 *
 * Returns a descriptor that does not block, or a negative errno value, with
 * '*reason' set to a message for the caller to free. */
int
vhost_socket_connect(const char *path, char **reason)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    uid_t owner;
    int target = open_socket(path, &owner);
    int error = target < 0 ? errno : 0;
    int fd = -1;

    if (error) {
        *reason = describe_error(path, error, owner);
        return -error;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d", target);
    if (fd < 0 || connect(fd, (struct sockaddr *) &un, sizeof un)) {
        error = errno;
        *reason = xasprintf("%s: %s", path,
                            error == ECONNREFUSED ? "nobody listens there"
                            : ovs_strerror(error));
        if (fd >= 0) {
            close(fd);
        }
    }
    close(target);
    return error ? -error : fd;
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

/* Makes a socket at 'path', for which vhost_socket_prepare_server() is to come
 * first, and listens on it.  Nobody can connect before it has the permissions
 * 'access', whatever the process's umask is: until somebody listens, all are
 * refused.
 *
 * Returns a descriptor that does not block, or a negative errno value, with
 * '*reason' set to a message for the caller to free. */
int
vhost_socket_listen(const char *path, const struct vhost_socket_access *access,
                    char **reason)
{
    struct sockaddr_un un;
    char *message = make_address(path, &un);
    int fd = -1;

    if (message) {
        *reason = message;
        return -EINVAL;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* The file is created with no more permissions than the socket has. */
    if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR)
        || bind(fd, (struct sockaddr *) &un, sizeof un)) {
        int error = errno;

        *reason = xasprintf("%s: %s", path, ovs_strerror(error));
        if (fd >= 0) {
            close(fd);
        }
        return -error;
    }
    message = vhost_socket_set_access(path, access);
    if (!message && listen(fd, BACKLOG)) {
        message = xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    if (message) {
        *reason = message;
        close(fd);
        unlink(path);
        return -EPERM;
    }
    return fd;
}

/* True if the peer of 'fd', a connection, has closed it. */
bool
vhost_socket_is_closed(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

    return poll(&pfd, 1, 0) > 0;
}
