#include "bridge/host/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

cb_status cb_notify(const char *socket_name, const char *lines, cb_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(socket_name);
    if ((socket_name[0] != '/' && socket_name[0] != '@') || length < 2 ||
        length >= sizeof address.sun_path)
        return cb_fail(error, CB_INVALID, "NOTIFY_SOCKET is '%.120s', which names no socket",
                       socket_name);
    memcpy(address.sun_path, socket_name, length);
    /* An abstract name begins with a NUL, and its length is part of it. */
    if (socket_name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sender < 0)
        return cb_fail_errno(error, CB_IO, errno, "cannot make a socket to notify %s", socket_name);
    ssize_t sent;
    do
        sent = sendto(sender, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                      size);
    while (sent < 0 && errno == EINTR);
    int code = errno;
    (void)close(sender);
    if (sent < 0)
        return cb_fail_errno(error, CB_IO, code, "cannot notify %s", socket_name);
    return CB_OK;
}
