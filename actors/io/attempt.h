/* Attempts at system calls on sockets: the back ends share them, and some helpers for them. */
#ifndef CALLBOARD_ACTORS_IO_ATTEMPT_H
#define CALLBOARD_ACTORS_IO_ATTEMPT_H

#include <sys/uio.h>

#include "actors/io/descriptor.h"

/* The result of an attempt. */
typedef struct cb_attempt {
    bool done; /* false: would block, or there is more to do */
    cb_io_error error;
    int sys_errno;
} cb_attempt;

cb_attempt cb_attempt_failure(int sys_errno);
/* The failure of an accept. EINVAL means that the socket does not listen. */
cb_attempt cb_failed_accept(int sys_errno);

/* Each tries once to do the rest of a transfer, or an accept; never blocks on the socket. */
cb_attempt cb_attempt_accept(cb_descriptor *descriptor, cb_op *op);
cb_attempt cb_attempt_recv(cb_descriptor *descriptor, cb_op *op);
cb_attempt cb_attempt_send(cb_op *op);
/* Sends the datagrams of a queue in their order, some dozens at most, as far as the socket takes
 * them. Returns how many were sent; each was sent whole. If it stopped early, an attempt at the
 * next datagram gives the reason. */
size_t cb_attempt_send_datagrams(cb_op *first);
cb_attempt cb_attempt_sendfile(cb_op *op);
/* Begins a connection. op->dial.socket is the new descriptor, unless the attempt is done with an
 * error. */
cb_attempt cb_attempt_dial(cb_op *op);
/* The result of a connection that was begun. */
cb_attempt cb_attempt_dial_result(cb_op *op);

void cb_set_no_delay(cb_socket socket);
/* Finds out, once for each listener, how its clients get TCP_NODELAY. */
void cb_learn_no_delay(cb_descriptor *descriptor);
/* Asks the kernel once for each descriptor. A descriptor that is not a socket counts as a stream;
 * its recv will then report the error. */
bool cb_is_stream(cb_descriptor *descriptor);
size_t cb_total_size(const cb_bytes *bufs, size_t count);
/* Writes the part of a list after the first `skip` bytes, in at most `most` pieces; returns how
 * many. */
size_t cb_rest_of(const cb_bytes *bufs, size_t count, size_t skip, struct iovec *pieces,
                  size_t most);

#endif
