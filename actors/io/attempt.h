/* The attempts at system calls on sockets that the back ends share, and what goes with them. */
#ifndef CALLBOARD_ACTORS_IO_ATTEMPT_H
#define CALLBOARD_ACTORS_IO_ATTEMPT_H

#include <sys/uio.h>

#include "actors/io/descriptor.h"

/* What an attempt came to. */
typedef struct cb_attempt {
    bool done; /* false: would block, or there is more to do */
    cb_io_error error;
    int sys_errno;
} cb_attempt;

cb_attempt cb_attempt_failure(int sys_errno);
/* An accept's failure: EINVAL means that nobody listens there. */
cb_attempt cb_failed_accept(int sys_errno);

/* One try at what is left of a transfer or an accept; never blocks on the socket. */
cb_attempt cb_attempt_accept(cb_descriptor *descriptor, cb_op *op);
cb_attempt cb_attempt_recv(cb_descriptor *descriptor, cb_op *op);
cb_attempt cb_attempt_send(cb_op *op);
/* Sends the datagrams of a queue in their order, some dozens at most, as far as the socket takes
 * them: how many, each of them whole. What stopped it, a try at the next one will say. */
size_t cb_attempt_send_datagrams(cb_op *first);
cb_attempt cb_attempt_sendfile(cb_op *op);
/* Begins a connection: op->dial.socket is the new descriptor unless it is done with an error. */
cb_attempt cb_attempt_dial(cb_op *op);
/* How a connection that was begun came out. */
cb_attempt cb_attempt_dial_result(cb_op *op);

void cb_set_no_delay(cb_socket socket);
/* Finds out once how the clients of a listener get TCP_NODELAY. */
void cb_learn_no_delay(cb_descriptor *descriptor);
/* Looked up once a descriptor; what is no socket is taken for a stream, and its recv will say so.
 */
bool cb_is_stream(cb_descriptor *descriptor);
size_t cb_total_size(const cb_bytes *bufs, size_t count);
/* The part of a list after the first `skip` bytes, at most `most` pieces of it; how many. */
size_t cb_rest_of(const cb_bytes *bufs, size_t count, size_t skip, struct iovec *pieces,
                  size_t most);

#endif
