/* The system calls behind operations on sockets, tried without blocking. */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "actors/io/address.h"
#include "actors/io/attempt.h"

/* A rest of a buffer list is handed to the kernel in pieces of at most so many. */
#define PIECES        64u
/* Datagrams sent by one system call. */
#define DATAGRAMS     32u
/* Bytes of one sendfile: what any Linux takes. */
#define SENDFILE_MOST 0x7ffff000

_Static_assert(sizeof(cb_bytes) == sizeof(struct iovec) &&
                   offsetof(cb_bytes, data) == offsetof(struct iovec, iov_base) &&
                   offsetof(cb_bytes, size) == offsetof(struct iovec, iov_len),
               "a cb_bytes is an iovec");

static const cb_attempt would_block = {false, CB_IO_OK, 0};
static const cb_attempt success = {true, CB_IO_OK, 0};

cb_attempt cb_attempt_failure(int sys_errno)
{
    return (cb_attempt){true, cb_io_error_from_errno(sys_errno), sys_errno};
}

static bool is_would_block(int sys_errno)
{
    return sys_errno == EAGAIN || sys_errno == EWOULDBLOCK;
}

void cb_set_no_delay(cb_socket socket)
{
    const int on = 1;
    /* Fails only for what is no TCP socket, and then there is nothing to set. */
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool has_no_delay(cb_socket socket)
{
    int on = 0;
    socklen_t size = sizeof on;
    return getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0 && on != 0;
}

void cb_learn_no_delay(cb_descriptor *descriptor)
{
    if (descriptor->no_delay == CB_NO_DELAY_UNKNOWN)
        descriptor->no_delay =
            has_no_delay(descriptor->socket) ? CB_NO_DELAY_INHERITED : CB_NO_DELAY_EACH;
}

cb_attempt cb_attempt_accept(cb_descriptor *descriptor, cb_op *op)
{
    cb_address address;
    socklen_t size = sizeof address;
    int client;
    cb_learn_no_delay(descriptor);
    do {
        client = accept4(op->accept.socket, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (client < 0 && errno == EINTR);
    if (client >= 0) {
        if (descriptor->no_delay == CB_NO_DELAY_EACH)
            cb_set_no_delay(client);
        op->accept.client = client;
        cb_address_to_endpoint(&address, &op->accept.peer);
        return success;
    }
    return is_would_block(errno) ? would_block : cb_failed_accept(errno);
}

cb_attempt cb_failed_accept(int sys_errno)
{
    if (sys_errno == EINVAL)
        return (cb_attempt){true, CB_IO_NOT_LISTENING, sys_errno};
    return cb_attempt_failure(sys_errno);
}

/* The part of a list after the first `skip` bytes. */
size_t cb_rest_of(const cb_bytes *bufs, size_t count, size_t skip, struct iovec *pieces,
                  size_t most)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < most; i++) {
        if (skip >= bufs[i].size) {
            skip -= bufs[i].size;
            continue;
        }
        pieces[used].iov_base = (char *)bufs[i].data + skip;
        pieces[used].iov_len = bufs[i].size - skip;
        skip = 0;
        used++;
    }
    return used;
}

size_t cb_total_size(const cb_bytes *bufs, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += bufs[i].size;
    return total;
}

/* Looked up once a descriptor; what is no socket is taken for a stream, and its recv will say so.
 */
bool cb_is_stream(cb_descriptor *descriptor)
{
    if (descriptor->stream == CB_STREAM_UNKNOWN) {
        int type = SOCK_STREAM;
        socklen_t size = sizeof type;
        if (getsockopt(descriptor->socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
            type = SOCK_STREAM;
        descriptor->stream = type == SOCK_STREAM ? CB_STREAM_YES : CB_STREAM_NO;
    }
    return descriptor->stream == CB_STREAM_YES;
}

static cb_attempt recv_datagram(cb_op *op)
{
    cb_address address;
    struct msghdr header = {0};
    memset(&address, 0, sizeof address);
    header.msg_name = &address;
    header.msg_namelen = sizeof address;
    /* One datagram fills all the buffers at once, so the list is handed over as it is. */
    header.msg_iov = (struct iovec *)(uintptr_t)op->recv.bufs;
    header.msg_iovlen = op->recv.buf_count;
    ssize_t got;
    do {
        got = recvmsg(op->recv.socket, &header, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return is_would_block(errno) ? would_block : cb_attempt_failure(errno);
    op->recv.received = (size_t)got;
    cb_address_to_endpoint(&address, &op->recv.source);
    if ((header.msg_flags & MSG_TRUNC) != 0)
        return (cb_attempt){true, CB_IO_TRUNCATED, 0};
    return success;
}

static ssize_t recv_piece(cb_op *op)
{
    const cb_bytes *bufs = op->recv.bufs;
    size_t done = op->recv.received;
    if (op->recv.buf_count == 1)
        return recv(op->recv.socket, (char *)bufs[0].data + done, bufs[0].size - done,
                    MSG_DONTWAIT);
    struct iovec pieces[PIECES];
    struct msghdr header = {0};
    header.msg_iov = pieces;
    header.msg_iovlen = cb_rest_of(bufs, op->recv.buf_count, done, pieces, PIECES);
    return recvmsg(op->recv.socket, &header, MSG_DONTWAIT);
}

cb_attempt cb_attempt_recv(cb_descriptor *descriptor, cb_op *op)
{
    if (!cb_is_stream(descriptor))
        return recv_datagram(op);
    size_t total = cb_total_size(op->recv.bufs, op->recv.buf_count);
    bool all = op->own.transfer == CB_TRANSFER_ALL;
    while (op->recv.received < total) {
        ssize_t got = recv_piece(op);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return is_would_block(errno) ? would_block : cb_attempt_failure(errno);
        if (got == 0) {
            op->recv.ended = true;
            return success;
        }
        op->recv.received += (size_t)got;
        if (!all) {
            /* A short read emptied the socket, and what comes later makes an edge: this saves the
             * call that would only say EAGAIN. */
            if (op->recv.received < total && op->recv.buf_count <= PIECES &&
                descriptor->registered && !descriptor->sticky)
                descriptor->readable = false;
            return success;
        }
    }
    return success;
}

static ssize_t send_piece(cb_op *op)
{
    const cb_bytes *bufs = op->send.bufs;
    size_t done = op->send.sent;
    if (op->send.buf_count == 1 && op->send.endpoint.family == CB_FAMILY_NONE)
        return send(op->send.socket, (const char *)bufs[0].data + done, bufs[0].size - done,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    struct iovec pieces[PIECES];
    struct msghdr header = {0};
    cb_address address;
    if (op->send.endpoint.family != CB_FAMILY_NONE) {
        header.msg_namelen = cb_address_from_endpoint(&op->send.endpoint, &address);
        header.msg_name = &address;
    }
    if (done == 0) {
        header.msg_iov = (struct iovec *)(uintptr_t)bufs;
        header.msg_iovlen = op->send.buf_count;
    } else {
        header.msg_iov = pieces;
        header.msg_iovlen = cb_rest_of(bufs, op->send.buf_count, done, pieces, PIECES);
    }
    return sendmsg(op->send.socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

cb_attempt cb_attempt_send(cb_op *op)
{
    size_t total = cb_total_size(op->send.bufs, op->send.buf_count);
    do {
        ssize_t put = send_piece(op);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return is_would_block(errno) ? would_block : cb_attempt_failure(errno);
        op->send.sent += (size_t)put;
        if (op->own.transfer == CB_TRANSFER_PARTIAL)
            return success;
    } while (op->send.sent < total);
    return success;
}

size_t cb_attempt_send_datagrams(cb_op *first)
{
    struct mmsghdr headers[DATAGRAMS];
    cb_address addresses[DATAGRAMS];
    unsigned count = 0;
    int sent;
    memset(headers, 0, sizeof headers);
    for (cb_op *op = first; op != NULL && op->type == CB_NBIO_SEND && count < DATAGRAMS;
         op = op->own.next, count++) {
        struct msghdr *header = &headers[count].msg_hdr;
        header->msg_iov = (struct iovec *)(uintptr_t)op->send.bufs;
        header->msg_iovlen = op->send.buf_count;
        if (op->send.endpoint.family != CB_FAMILY_NONE) {
            header->msg_namelen = cb_address_from_endpoint(&op->send.endpoint, &addresses[count]);
            header->msg_name = &addresses[count];
        }
    }
    do {
        sent = sendmmsg(first->send.socket, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    cb_op *op = first;
    for (int i = 0; i < sent; i++, op = op->own.next)
        op->send.sent = headers[i].msg_len;
    return sent > 0 ? (size_t)sent : 0;
}

/* Asks for the size when the first part is sent. */
static cb_attempt begin_sendfile(cb_op *op)
{
    struct stat about;
    if (fstat(op->sendfile.file, &about) != 0)
        return cb_attempt_failure(errno);
    if (!S_ISREG(about.st_mode) || op->sendfile.offset > about.st_size)
        return (cb_attempt){true, CB_IO_INVALID, 0};
    if (op->sendfile.entire)
        op->sendfile.nbytes = about.st_size - op->sendfile.offset;
    return would_block;
}

static cb_attempt send_parts(cb_op *op)
{
    while (op->sendfile.sent < op->sendfile.nbytes) {
        off_t offset = op->sendfile.offset + op->sendfile.sent;
        int64_t left = op->sendfile.nbytes - op->sendfile.sent;
        ssize_t put = sendfile(op->sendfile.socket, op->sendfile.file, &offset,
                               left < SENDFILE_MOST ? (size_t)left : SENDFILE_MOST);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return is_would_block(errno) ? would_block : cb_attempt_failure(errno);
        if (put == 0)
            return (cb_attempt){true, CB_IO_END_OF_FILE, 0};
        op->sendfile.sent += put;
    }
    return success;
}

cb_attempt cb_attempt_sendfile(cb_op *op)
{
    sigset_t pipe, old, pending;
    if (op->sendfile.sent == 0) {
        cb_attempt attempt = begin_sendfile(op);
        if (attempt.done)
            return attempt;
    }
    /* Unlike a send it cannot be told to raise no SIGPIPE, so that is held back and taken away. */
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    bool was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    bool masked = pthread_sigmask(SIG_BLOCK, &pipe, &old) == 0;
    cb_attempt attempt = send_parts(op);
    if (attempt.sys_errno == EPIPE && masked && !was_pending) {
        const struct timespec now = {0};
        while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR) {
        }
    }
    if (masked)
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return attempt;
}

cb_attempt cb_attempt_dial(cb_op *op)
{
    cb_address address;
    socklen_t size = cb_address_from_endpoint(&op->dial.endpoint, &address);
    if (size == 0)
        return (cb_attempt){true, CB_IO_INVALID, 0};
    if (op->dial.endpoint.port == 0)
        return (cb_attempt){true, CB_IO_PORT_REQUIRED, 0};
    int made = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return cb_attempt_failure(errno);
    cb_set_no_delay(made);
    int result;
    do {
        result = connect(made, &address.any, size);
    } while (result != 0 && errno == EINTR);
    int sys_errno = result == 0 ? 0 : errno;
    if (sys_errno != 0 && sys_errno != EINPROGRESS) {
        (void)close(made);
        return cb_attempt_failure(sys_errno);
    }
    op->dial.socket = made;
    return sys_errno == 0 ? success : would_block;
}

cb_attempt cb_attempt_dial_result(cb_op *op)
{
    int sys_errno = 0;
    socklen_t size = sizeof sys_errno;
    if (getsockopt(op->dial.socket, SOL_SOCKET, SO_ERROR, &sys_errno, &size) != 0)
        sys_errno = errno;
    return sys_errno == 0 ? success : cb_attempt_failure(sys_errno);
}
