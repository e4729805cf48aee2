/* The event loop: a program submits operations, and each reports its end through a callback.
 *
 * A program submits an operation to its thread's loop (`cb_recv`) and gets a `cb_op`. The loop
 * calls the op's callback once, when the operation is done, has failed, ran out of time or was
 * canceled. Any C program can use the loop alone; it knows nothing of actors or scripts.
 *
 *     static void on_client(cb_op *op)
 *     {
 *         if (op->error == CB_IO_OK)
 *             serve(op->accept.client);
 *         cb_op_exec(op, false); // accept the next one with the same op
 *     }
 *     cb_loop *loop;
 *     cb_loop_acquire(&loop, &error);
 *     cb_listen_tcp(loop, &endpoint, 0, &listener, &error);
 *     cb_accept(loop, listener, on_client, NULL);
 *     cb_loop_run(loop, &error);
 *     cb_loop_release(&loop);
 *
 * Rules that hold for every operation:
 * - A callback never runs inside the call that submits. It runs in a later tick, on the loop's own
 *   thread. The end of an operation that a callback submits is reported in a later tick, never in
 *   the same one.
 * - Each execution has exactly one callback, or none if the op was removed before. Callbacks of one
 *   loop run one at a time, in the order in which the operations completed.
 *  - An op belongs to the loop and lives until its callback returns (see cb_op_detach). Its user
 *    fields may be set any time between submission and callback.
 * - A failed submission returns NULL, and cb_io_last_error() says why. Wrong arguments (a bad
 *   descriptor, port 0, no room) are reported through the callback instead.
 *
 * Threads: a thread has at most one loop. Only that thread may use the loop and its ops, except
 * where this file says "from any thread": the cb_prep_* calls, cb_op_exec and the simple calls, all
 * with an explicit loop, and cb_loop_wake_up. Another thread that submits an op must not touch it
 * after its execution (it sets user fields between prep and exec), and must be done before the loop
 * ends.
 */
#ifndef CALLBOARD_NBIO_H
#define CALLBOARD_NBIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callboard/io_error.h"
#include "callboard/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- endpoints -------------------------------------------------------------------------------- */

typedef enum cb_family { CB_FAMILY_NONE = 0, CB_FAMILY_IP4 = 4, CB_FAMILY_IP6 = 6 } cb_family;

typedef struct cb_endpoint {
    uint8_t family;      /* cb_family */
    uint16_t port;       /* host byte order */
    uint32_t scope;      /* IPv6 interface index, or 0 */
    uint8_t address[16]; /* network byte order; IPv4 uses the first 4 */
} cb_endpoint;

/* Room for any text of cb_endpoint_to_string with its NUL. */
#define CB_ENDPOINT_TEXT_SIZE 80

/* Reads "1.2.3.4:80", "1.2.3.4", "[::1]:80", "::1", "[fe80::1%2]:80". If the text has no port, the
 * port is 0. Host names are not looked up. CB_FORMAT for any other text; *endpoint is then
 * unchanged. */
CB_PUBLIC cb_status cb_parse_endpoint(const char *text, cb_endpoint *endpoint, cb_error *error);
/* Writes "1.2.3.4:80" or "[::1]:80" into `text`, cut to `size` bytes with its NUL. An endpoint
 * without a family gives "". Returns `text`. */
CB_PUBLIC char *cb_endpoint_to_string(const cb_endpoint *endpoint, char *text, size_t size);
/* 127.0.0.1 and 0.0.0.0 (IPv6: ::1 and ::) with a port. */
CB_PUBLIC cb_endpoint cb_endpoint_loopback(cb_family family, uint16_t port);
CB_PUBLIC cb_endpoint cb_endpoint_any(cb_family family, uint16_t port);
CB_PUBLIC bool cb_endpoint_is_loopback(const cb_endpoint *endpoint);

/* -- the loop --------------------------------------------------------------------------------- */

typedef struct cb_loop cb_loop;

/* Gives this thread's loop with one more reference. The first call makes the loop, on io_uring, or
 * on epoll if that fails. The environment variable CALLBOARD_LOOP may demand "uring" or "epoll":
 * CB_INVALID if it has another value, CB_UNSUPPORTED if it is "uring" and the kernel refuses.
 * CB_NO_MEMORY, CB_IO. */
CB_PUBLIC cb_status cb_loop_acquire(cb_loop **loop, cb_error *error);
/* Drops one reference (*loop becomes NULL; NULL is fine). With the last reference the loop ends.
 * Completed ops are reported as they are. Every other op that was taken and not returned (also a
 * prepared one) gets its callback with CB_IO_CANCELED. Then the loop is freed. In these callbacks
 * submissions fail with CB_IO_LOOP_ENDED, and executing an op again does nothing. Descriptors stay
 * open, except those of unfinished dials and closes. Legal inside a callback: the loop then ends
 * after this callback has returned, and the tick or run that called it returns CB_STOPPED. */
CB_PUBLIC void cb_loop_release(cb_loop **loop);
/* This thread's loop, or NULL. Takes no reference. */
CB_PUBLIC cb_loop *cb_loop_current(void);

/* One turn: looks for completed ops and runs their callbacks. Ready results are taken from the
 * kernel before time limits are checked, so even an op with a tiny limit is tried once.
 * timeout_ns < 0: blocks until at least one callback has run or a wake-up came, even when nothing
 * is outstanding (another thread may submit). 0: does not block. > 0: blocks for at most that long.
 * CB_STOPPED if the loop ended in a callback (it is freed then); CB_INVALID inside a callback or on
 * another thread; CB_IO if the kernel's interface failed. */
CB_PUBLIC cb_status cb_loop_tick(cb_loop *loop, int64_t timeout_ns, cb_error *error);
/* Ticks until nothing is outstanding (cb_loop_num_waiting is 0). */
CB_PUBLIC cb_status cb_loop_run(cb_loop *loop, cb_error *error);
/* Ticks until *done is true or nothing is outstanding. *done is read before the first tick and
 * after each one. Another thread must set *done with an atomic store and then wake the loop. */
CB_PUBLIC cb_status cb_loop_run_until(cb_loop *loop, const bool *done, cb_error *error);

/* How many ops were taken and not returned: prepared, pending, completed, running and detached
 * ones. */
CB_PUBLIC size_t cb_loop_num_waiting(const cb_loop *loop);
/* The monotonic clock in ns, read once a tick; comparable with CLOCK_MONOTONIC. */
CB_PUBLIC int64_t cb_loop_now(const cb_loop *loop);
/* Ends the tick that blocks now, or the next one that would, without a callback. From any thread
 * and from signal handlers. Costs one atomic exchange when the loop does not sleep. */
CB_PUBLIC void cb_loop_wake_up(cb_loop *loop);
/* The loop's back end: "uring" or "epoll". */
CB_PUBLIC const char *cb_loop_backend_name(const cb_loop *loop);
/* True where the loop works: on every Linux. */
#define CB_NBIO_FULLY_SUPPORTED true

/* -- sockets ---------------------------------------------------------------------------------- */

/* A descriptor. The loop keeps data about each descriptor that it works on. So such a descriptor
 * must be closed with cb_close, or given back with cb_loop_forget before other code closes it. */
typedef int cb_socket;
#define CB_NO_SOCKET (-1)

typedef enum cb_protocol { CB_PROTOCOL_TCP = 1, CB_PROTOCOL_UDP = 2 } cb_protocol;

/* For all functions here, NULL for `loop` is this thread's loop. CB_INVALID if there is none, and
 * for bad arguments. CB_IO, with error->sys_errno set, if the kernel refuses. Sockets are made
 * non-blocking and close-on-exec. *socket is CB_NO_SOCKET on failure. */
CB_PUBLIC cb_status cb_create_socket(cb_loop *loop, cb_family family, cb_protocol protocol,
                                     cb_socket *socket, cb_error *error);
/* Creates a socket, sets SO_REUSEADDR, binds and listens. backlog 0: 1000. An IPv6 listener on ::
 * also accepts IPv4. */
CB_PUBLIC cb_status cb_listen_tcp(cb_loop *loop, const cb_endpoint *endpoint, int backlog,
                                  cb_socket *socket, cb_error *error);
/* Prepares a descriptor that was not made here for use with the loop: makes it non-blocking and
 * forgets the data of an older one with the same number. */
CB_PUBLIC cb_status cb_associate_socket(cb_loop *loop, cb_socket socket, cb_error *error);
/* Forgets a descriptor that other code will close (a ZMQ_FD, a library's socket): its pending ops
 * are canceled, and the kernel stops watching it. An unknown descriptor is fine. */
CB_PUBLIC void cb_loop_forget(cb_loop *loop, cb_socket socket);
CB_PUBLIC cb_status cb_bind(cb_socket socket, const cb_endpoint *endpoint, cb_error *error);
/* The address that a socket is bound to, and the address of its peer. */
CB_PUBLIC cb_status cb_bound_endpoint(cb_socket socket, cb_endpoint *endpoint, cb_error *error);
CB_PUBLIC cb_status cb_peer_endpoint(cb_socket socket, cb_endpoint *endpoint, cb_error *error);
/* Half-close: nothing more will be sent, and the peer reads the end of the stream. It happens at
 * once, without an op. The rest of a pending send is lost, so call it after the last send was
 * reported. */
CB_PUBLIC cb_status cb_shutdown_send(cb_socket socket, cb_error *error);

/* -- files ------------------------------------------------------------------------------------ */

/* A descriptor of a file; closed with cb_close. Reads and writes say their place in the file. The
 * descriptor's own position is neither used nor moved.
 *
 * On io_uring the kernel works on files while the loop goes on. epoll cannot wait for files, so
 * there an operation on a file is carried out at its execution and reported in the next tick: a
 * slow disk then blocks the loop. */
typedef int cb_file;
#define CB_NO_FILE (-1)
/* As a directory: the working directory of the process. */
#define CB_CWD     (-100)

enum {
    CB_FILE_READ = 1u, /* also the default without READ and WRITE */
    CB_FILE_WRITE = 2u,
    CB_FILE_APPEND = 4u,     /* writes go to the end, whatever their offset */
    CB_FILE_CREATE = 8u,     /* if it does not exist */
    CB_FILE_EXCLUSIVE = 16u, /* with CREATE: CB_IO_EXISTS if it exists */
    CB_FILE_TRUNCATE = 32u,
    CB_FILE_SYNC = 64u, /* a write is done when it is on the device */
    CB_FILE_NON_BLOCKING = 128u,
    CB_FILE_DIRECTORY = 256u /* must be a directory */
};

/* Permissions of new files; the process's umask is applied. */
enum {
    CB_PERMIT_READ_USER = 0400u,
    CB_PERMIT_WRITE_USER = 0200u,
    CB_PERMIT_EXECUTE_USER = 0100u,
    CB_PERMIT_READ_GROUP = 040u,
    CB_PERMIT_WRITE_GROUP = 020u,
    CB_PERMIT_EXECUTE_GROUP = 010u,
    CB_PERMIT_READ_OTHER = 04u,
    CB_PERMIT_WRITE_OTHER = 02u,
    CB_PERMIT_EXECUTE_OTHER = 01u,
    CB_PERMIT_READ_ALL = 0444u,
    CB_PERMIT_WRITE_ALL = 0222u,
    CB_PERMIT_EXECUTE_ALL = 0111u,
    CB_PERMIT_READ_WRITE_ALL = 0666u,
    CB_PERMIT_ALL = 0777u,
    CB_PERMIT_DEFAULT_FILE = 0666u,
    CB_PERMIT_DEFAULT_DIRECTORY = 0777u
};

typedef enum cb_file_type {
    CB_FILE_TYPE_UNKNOWN = 0,
    CB_FILE_TYPE_REGULAR,
    CB_FILE_TYPE_DIRECTORY,
    CB_FILE_TYPE_SYMLINK,
    CB_FILE_TYPE_PIPE,
    CB_FILE_TYPE_SOCKET,
    CB_FILE_TYPE_CHARACTER_DEVICE,
    CB_FILE_TYPE_BLOCK_DEVICE
} cb_file_type;

/* Opens at once, without an op, close-on-exec. A relative `path` starts at the directory `dir`
 * (CB_CWD). NULL for `loop` is this thread's loop. CB_INVALID if there is none, and for bad
 * arguments. CB_IO, with error->sys_errno set (cb_io_error_from_errno gives its code), if the
 * kernel refuses. *file is CB_NO_FILE on failure. */
CB_PUBLIC cb_status cb_open_sync(cb_loop *loop, cb_file dir, const char *path, uint32_t flags,
                                 uint32_t permissions, cb_file *file, cb_error *error);
/* Prepares a file's descriptor that was not opened here for use with the loop: forgets the data of
 * an older one with the same number. Any loop may use it. */
CB_PUBLIC cb_status cb_associate_handle(cb_loop *loop, cb_file file, cb_error *error);

/* -- operations ------------------------------------------------------------------------------- */

/* X(NAME, text) */
#define CB_OP_TYPES(X)                                                                             \
    X(ACCEPT, "accept")                                                                            \
    X(DIAL, "dial")                                                                                \
    X(RECV, "recv")                                                                                \
    X(SEND, "send")                                                                                \
    X(READ, "read")                                                                                \
    X(WRITE, "write")                                                                              \
    X(SENDFILE, "sendfile")                                                                        \
    X(OPEN, "open")                                                                                \
    X(STAT, "stat")                                                                                \
    X(POLL, "poll")                                                                                \
    X(TIMEOUT, "timeout")                                                                          \
    X(NEXT_TICK, "next tick")                                                                      \
    X(CLOSE, "close")

typedef enum cb_op_type {
    CB_NBIO_NONE = 0,
#define CB_OP_TYPE_ENUM(name, text) CB_NBIO_##name,
    CB_OP_TYPES(CB_OP_TYPE_ENUM)
#undef CB_OP_TYPE_ENUM
        CB_NBIO_TYPE_COUNT
} cb_op_type;

/* "accept", ... An unknown number gives "none". Never NULL. */
CB_PUBLIC const char *cb_op_type_string(cb_op_type type);

/* A piece of memory; the layout of the kernel's iovec. A send only reads `data`. */
typedef struct cb_bytes {
    void *data;
    size_t size;
} cb_bytes;

typedef struct cb_op cb_op;
typedef void cb_op_callback(cb_op *op);

typedef enum cb_transfer {
    CB_TRANSFER_DEFAULT = 0, /* send and write: all; recv and read: partial */
    CB_TRANSFER_ALL = 1,     /* until every buffer is used, the stream or file ends, or it fails */
    CB_TRANSFER_PARTIAL = 2  /* as much as is possible at once */
} cb_transfer;

/* May be NULL wherever it is taken: no time limit, default transfer. */
typedef struct cb_op_options {
    /* > 0: time after which the op fails with CB_IO_TIMEOUT, counted from its preparation (if it is
     * executed again: from that execution). Otherwise there is no limit. The limit covers a whole
     * transfer; the result counts the bytes moved until then. */
    int64_t timeout_ns;
    cb_transfer transfer; /* recv and send on streams, read and write; recv of datagrams
                             ignores it */
    bool read_ahead; /* for recv on a stream that only this loop reads and that cb_close ends: the
                        loop may take bytes early (at most about 64 KiB) and gives them to the next
                        recv. Saves a submission for each message on io_uring; no effect on epoll */
} cb_op_options;

enum { CB_POLL_READABLE = 1u, CB_POLL_WRITABLE = 2u, CB_POLL_ERROR = 4u };

/* As timeout_ns: no time limit. */
#define CB_NO_TIMEOUT       0
/* As nbytes of a sendfile: all bytes from the offset to the end. */
#define CB_SEND_ENTIRE_FILE (-1)

#define CB_OP_USER_WORDS   4
#define CB_OP_INLINE_BYTES 2
/* Most buffers of one recv or send; more is CB_IO_INVALID. */
#define CB_OP_MAX_BYTES    1024

struct cb_op {
    /* Yours. */
    cb_op_callback *callback;         /* may be changed before it runs; NULL: no callback */
    void *user_data;                  /* NULL after prep */
    uintptr_t user[CB_OP_USER_WORDS]; /* 0 after prep */

    /* Read only; results are valid in the callback. */
    cb_loop *loop;
    cb_op_type type;
    cb_io_error error;
    int sys_errno; /* the errno behind `error`, or 0 */
    union {
        struct {
            cb_socket socket; /* the listener */
            cb_socket client; /* out: yours to close; CB_NO_SOCKET on failure */
            cb_endpoint peer; /* out; no family if the client was reset before it was reported */
        } accept;
        struct {
            cb_endpoint endpoint;
            cb_socket socket; /* out: yours to close; CB_NO_SOCKET on failure */
        } dial;
        struct {
            cb_socket socket;
            bool ended;           /* out: the stream ended (never set for datagrams) */
            const cb_bytes *bufs; /* as submitted, a copy of the list */
            size_t buf_count;
            size_t received;    /* out: bytes, also after a failure */
            cb_endpoint source; /* out: a datagram's sender */
        } recv;
        struct {
            cb_socket socket;
            const cb_bytes *bufs; /* as submitted, a copy of the list */
            size_t buf_count;
            size_t sent;          /* out: bytes, also after a failure */
            cb_endpoint endpoint; /* receiver of a datagram; family NONE: the connected peer */
        } send;
        struct {
            cb_file file;
            bool ended;     /* out: the file ended here; the error says so if nothing was read */
            int64_t offset; /* may be changed before the op is executed again, as may size */
            void *data;
            size_t size;
            size_t received; /* out: bytes, also after a failure */
        } read;
        struct {
            cb_file file;
            int64_t offset; /* may be changed before the op is executed again, as may size */
            const void *data;
            size_t size;
            size_t written; /* out: bytes, also after a failure */
        } write;
        struct {
            cb_socket socket;
            cb_file file;
            bool progress;  /* callbacks also during the transfer */
            bool entire;    /* CB_SEND_ENTIRE_FILE was asked for */
            int64_t offset; /* in the file */
            int64_t nbytes; /* to be sent; for the entire file, known from the first callback on */
            int64_t sent;   /* out: bytes, also after a failure */
        } sendfile;
        struct {
            cb_file dir;
            cb_file file; /* out: yours to close; CB_NO_FILE on failure */
            uint32_t flags, permissions;
            const char *path; /* a copy */
        } open;
        struct {
            cb_file file;
            cb_file_type type;    /* out */
            uint32_t permissions; /* out: CB_PERMIT_* */
            int64_t size;         /* out: bytes */
            int64_t modified_ns;  /* out: since 1970 */
        } stat;
        struct {
            cb_socket socket;
            uint32_t events; /* CB_POLL_* asked for */
            uint32_t ready;  /* out: CB_POLL_* found */
        } poll;
        struct {
            int64_t delay_ns; /* may be changed before the op is executed again */
        } timeout;
        struct {
            cb_socket socket;
        } close;
    };

    /* Private to the loop. */
    struct {
        struct cb_op_list *list;
        cb_op *next, *previous;
        int64_t timeout_ns;
        int64_t deadline_ns;
        uint64_t sequence;
        uint32_t timer_index; /* index in the heap + 1; 0: none */
        uint8_t state;
        uint8_t flags;
        uint8_t transfer;
        bool read_ahead;
        union {
            cb_bytes inline_bytes[CB_OP_INLINE_BYTES];
            struct {
                cb_op *next, *previous; /* pending sendfiles of the loop */
            } senders;
        };
        void *copied;         /* a longer list, or a path */
        cb_op *next_progress; /* in the list of ops whose progress is to be reported */
        void *backend;        /* the back end's data for a pending op */
    } own;
};

/* Each operation has two forms: cb_prep_KIND takes an op without starting it; cb_KIND also executes
 * it. `loop` NULL is this thread's loop. All return the op, or NULL if there is no loop
 * (CB_IO_NO_LOOP), it is ending (CB_IO_LOOP_ENDED), or there is no memory (CB_IO_NO_MEMORY); the
 * callback is not called then. They may be called from any thread when `loop` is given: the simple
 * form then wakes the loop, and its result only tells success. */

/* Accepts the next connection of a listening socket. The new socket is non-blocking and
 * close-on-exec, with TCP_NODELAY. Several accepts may wait on one listener; they complete in the
 * order of submission, each with one client in a tick. Out of descriptors: CB_IO_RESOURCES; do not
 * execute the op again at once, wait until a descriptor was closed. */
CB_PUBLIC cb_op *cb_accept(cb_loop *loop, cb_socket socket, cb_op_callback *callback,
                           const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_accept(cb_loop *loop, cb_socket socket, cb_op_callback *callback,
                                const cb_op_options *options);

/* Opens a TCP connection, non-blocking, with TCP_NODELAY. The endpoint is copied. Port 0 is
 * CB_IO_PORT_REQUIRED. */
CB_PUBLIC cb_op *cb_dial(cb_loop *loop, const cb_endpoint *endpoint, cb_op_callback *callback,
                         const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_dial(cb_loop *loop, const cb_endpoint *endpoint, cb_op_callback *callback,
                              const cb_op_options *options);

/* Receives bytes from a socket into memory that belongs to the caller and must live until the
 * callback. 0 bytes with `ended` and no error is the end of a stream, also in the middle of an ALL
 * transfer. A total size of 0 is CB_IO_INVALID. Several on one socket complete in the order of
 * submission. A datagram that does not fit: CB_IO_TRUNCATED, with its first bytes. */
CB_PUBLIC cb_op *cb_recv(cb_loop *loop, cb_socket socket, void *data, size_t size,
                         cb_op_callback *callback, const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_recv(cb_loop *loop, cb_socket socket, void *data, size_t size,
                              cb_op_callback *callback, const cb_op_options *options);
/* The list is copied: up to CB_OP_INLINE_BYTES entries into the op, a longer list onto the heap. */
CB_PUBLIC cb_op *cb_recv_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs, size_t count,
                              cb_op_callback *callback, const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_recv_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs,
                                   size_t count, cb_op_callback *callback,
                                   const cb_op_options *options);

/* Sends bytes from memory that must live unchanged until the callback. Several sends on one socket
 * leave in the order of submission. The bytes may leave before this call returns; the callback
 * still comes in a later tick. A peer that is gone is CB_IO_CLOSED or CB_IO_RESET, never SIGPIPE.
 * `endpoint` (may be NULL) is the receiver of a datagram; without it an unconnected UDP socket
 * gives CB_IO_ENDPOINT_REQUIRED. */
CB_PUBLIC cb_op *cb_send(cb_loop *loop, cb_socket socket, const void *data, size_t size,
                         cb_op_callback *callback, const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_send(cb_loop *loop, cb_socket socket, const void *data, size_t size,
                              cb_op_callback *callback, const cb_op_options *options);
CB_PUBLIC cb_op *cb_send_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs, size_t count,
                              const cb_endpoint *endpoint, cb_op_callback *callback,
                              const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_send_list(cb_loop *loop, cb_socket socket, const cb_bytes *bufs,
                                   size_t count, const cb_endpoint *endpoint,
                                   cb_op_callback *callback, const cb_op_options *options);

/* Reads bytes of a file from `offset` on, into memory that must live until the callback. No bytes
 * at `offset` is CB_IO_END_OF_FILE; fewer bytes than asked for before the end is no error. Size 0
 * and a negative offset are CB_IO_INVALID, and so is a file without positions (a pipe). */
CB_PUBLIC cb_op *cb_read(cb_loop *loop, cb_file file, int64_t offset, void *data, size_t size,
                         cb_op_callback *callback, const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_read(cb_loop *loop, cb_file file, int64_t offset, void *data, size_t size,
                              cb_op_callback *callback, const cb_op_options *options);

/* Writes bytes into a file at `offset`, from memory that must live unchanged until the callback.
 * Size 0 is CB_IO_INVALID. */
CB_PUBLIC cb_op *cb_write(cb_loop *loop, cb_file file, int64_t offset, const void *data,
                          size_t size, cb_op_callback *callback, const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_write(cb_loop *loop, cb_file file, int64_t offset, const void *data,
                               size_t size, cb_op_callback *callback, const cb_op_options *options);

/* Sends a part of a regular file to a connected stream, without a copy through the program's
 * memory, in order with sends on the same socket. `nbytes` may be CB_SEND_ENTIRE_FILE. With
 * `progress` the callback also runs during the transfer, at most once a tick, each time with more
 * sent. The last callback has sent == nbytes or an error; until then the op must not be executed
 * again. CB_IO_INVALID: not a regular file, a negative number, or an offset past the end.
 * CB_IO_END_OF_FILE, with what was sent: the file ended before nbytes were sent. */
CB_PUBLIC cb_op *cb_sendfile(cb_loop *loop, cb_socket socket, cb_file file, int64_t offset,
                             int64_t nbytes, bool progress, cb_op_callback *callback,
                             const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_sendfile(cb_loop *loop, cb_socket socket, cb_file file, int64_t offset,
                                  int64_t nbytes, bool progress, cb_op_callback *callback,
                                  const cb_op_options *options);

/* Opens a file as cb_open_sync does; `path` is copied. */
CB_PUBLIC cb_op *cb_open(cb_loop *loop, cb_file dir, const char *path, uint32_t flags,
                         uint32_t permissions, cb_op_callback *callback,
                         const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_open(cb_loop *loop, cb_file dir, const char *path, uint32_t flags,
                              uint32_t permissions, cb_op_callback *callback,
                              const cb_op_options *options);

/* Asks about a descriptor: its type, size, permissions and last change. */
CB_PUBLIC cb_op *cb_stat(cb_loop *loop, cb_file file, cb_op_callback *callback,
                         const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_stat(cb_loop *loop, cb_file file, cb_op_callback *callback,
                              const cb_op_options *options);

/* Waits until a descriptor is readable or writable (CB_POLL_*, at least one). If it is ready
 * already, completes as well (level-triggered). Any pollable descriptor is fine; nothing is read
 * from it. An error or hang-up of the descriptor counts as ready. */
CB_PUBLIC cb_op *cb_poll(cb_loop *loop, cb_socket socket, uint32_t events, cb_op_callback *callback,
                         const cb_op_options *options);
CB_PUBLIC cb_op *cb_prep_poll(cb_loop *loop, cb_socket socket, uint32_t events,
                              cb_op_callback *callback, const cb_op_options *options);

/* Completes delay_ns after its execution, never earlier; <= 0: in the next tick. Timers with the
 * same deadline fire in the order of execution. */
CB_PUBLIC cb_op *cb_timeout(cb_loop *loop, int64_t delay_ns, cb_op_callback *callback);
CB_PUBLIC cb_op *cb_prep_timeout(cb_loop *loop, int64_t delay_ns, cb_op_callback *callback);

/* Completes in the next tick. */
CB_PUBLIC cb_op *cb_next_tick(cb_loop *loop, cb_op_callback *callback);
CB_PUBLIC cb_op *cb_prep_next_tick(cb_loop *loop, cb_op_callback *callback);

/* Closes a descriptor. Its pending ops complete with CB_IO_CANCELED before the close reports: first
 * the ops that send it as a file, then the others in the order of submission. No accept takes
 * another client. Ops submitted on it later fail with CB_IO_BAD_SOCKET. The number is free for
 * reuse only when the close reports. The callback may be NULL. */
CB_PUBLIC cb_op *cb_close(cb_loop *loop, cb_socket socket, cb_op_callback *callback);
CB_PUBLIC cb_op *cb_prep_close(cb_loop *loop, cb_socket socket, cb_op_callback *callback);

/* Starts a prepared op. Also starts an op again, from within its own callback, or a detached op
 * whose callback has returned. An op that is executed again from its own callback lives until the
 * callback of that execution returns. On the loop's own thread it starts at once. From another
 * thread it is queued for the loop's next tick; `wake_up` ends a tick that blocks now. A full queue
 * blocks the caller until the loop takes from it. Executing a pending op is a program error
 * (assertion). Returns false if the loop is ending and nothing was executed; an op in its own
 * callback is then gone when the callback returns. */
CB_PUBLIC bool cb_op_exec(cb_op *op, bool wake_up);
/* Cancels an op without a callback; the op is gone. Bytes may have moved already. A client that was
 * accepted and not yet reported is closed. Only on the loop's own thread. Legal in any callback,
 * for any op that has not been returned (also the callback's own) and for one never executed. NULL
 * is fine; *op becomes NULL, so that a second call is harmless. */
CB_PUBLIC void cb_op_remove(cb_op **op);
/* Keeps the op after its callback has returned, until cb_op_reattach or cb_op_remove. It may be
 * executed again at any time then. */
CB_PUBLIC void cb_op_detach(cb_op *op);
/* Ends a detachment: the op is returned when its callback returns, or at once if the callback has
 * run already. Legal inside the callback. */
CB_PUBLIC void cb_op_reattach(cb_op *op);

/* -- a whole file ------------------------------------------------------------------------------ */

/* The result of reading a file. */
typedef struct cb_file_content {
    void *user_data;
    cb_io_error error;
    int sys_errno;
    cb_op_type step; /* the step that failed: CB_NBIO_OPEN, _STAT, _READ or _CLOSE */
    void *data;      /* yours to free(); has a NUL after its end; NULL after an error */
    size_t size;
} cb_file_content;

typedef void cb_file_callback(const cb_file_content *content);

/* Opens a file, asks for its size, reads all and closes it. The callback runs once, at the end. A
 * file that is not a regular one is CB_IO_INVALID at the step CB_NBIO_STAT. Returns false if it
 * cannot begin: there is no callback then, and cb_io_last_error says why. Only on the loop's own
 * thread. */
CB_PUBLIC bool cb_read_entire_file(cb_loop *loop, cb_file dir, const char *path,
                                   cb_file_callback *callback, void *user_data);

#ifdef __cplusplus
}
#endif
#endif
