/* nbio: declarations that its files share. Every verb turns its arguments into one command to the
 * event loop's actor, or answers from its arguments alone. Nothing is kept here between two calls.
 */
#ifndef CALLBOARD_PLUGINS_NBIO_H
#define CALLBOARD_PLUGINS_NBIO_H

#include "callboard/loop_commands.h"
#include "callboard/plugin.h"

/* X(verb, signature, command, meaning of each argument, summary): verbs that send an order. Each
 * letter stands for one argument:
 *   a address or path    b data      c callback    f the second handle    h handle
 *   m flags              o offset    p port        s size                 t time limit */
#define CB_NBIO_ORDERS(X)                                                                          \
    X(Timeout, "i64(i64 ms, callback name)", TIMEOUT, "sc", "calls back after so long")            \
    X(NextTick, "i64(callback name)", NEXT_TICK, "c", "calls back in the loop's next turn")        \
    X(Dial, "i64(string address, i32 port, callback name, i32 timeoutMs?)", DIAL, "apct",          \
      "connects to a TCP port; the event brings the socket")                                       \
    X(Listen, "i64(string address, i32 port)", LISTEN, "ap",                                       \
      "listens on a TCP port, 0 for any; the socket")                                              \
    X(Accept, "i64(i64 socket, callback name, i32 timeoutMs?)", ACCEPT, "hct",                     \
      "takes the next connection of a listening socket")                                           \
    X(Recv, "i64(i64 socket, i64 max, callback name, i32 timeoutMs?)", RECV, "hsct",               \
      "receives what is there, at least a byte, or a datagram")                                    \
    X(RecvAll, "i64(i64 socket, i64 size, callback name, i32 timeoutMs?)", RECV_ALL, "hsct",       \
      "receives so many bytes")                                                                    \
    X(Send, "i64(i64 socket, blob data, callback name, i32 timeoutMs?)", SEND, "hbct",             \
      "sends all of the bytes")                                                                    \
    X(UdpSocket, "i64(string address, i32 port)", UDP_SOCKET, "ap",                                \
      "binds a socket for datagrams; the socket")                                                  \
    X(SendTo,                                                                                      \
      "i64(i64 socket, string address, i32 port, blob data, callback name, i32 timeoutMs?)",       \
      SEND_TO, "hapbct", "sends a datagram")                                                       \
    X(Poll, "i64(i64 socket, i32 events, callback name, i32 timeoutMs?)", POLL, "hmct",            \
      "waits until a socket is readable or writable")                                              \
    X(Open, "i64(string path, i32 mode, callback name, i32 permissions?)", OPEN, "amcs",           \
      "opens a file; the event brings it")                                                         \
    X(Read, "i64(i64 file, i64 offset, i64 size, callback name, i32 timeoutMs?)", READ, "hosct",   \
      "reads at most so many bytes at a place of a file")                                          \
    X(Write, "i64(i64 file, i64 offset, blob data, callback name, i32 timeoutMs?)", WRITE,         \
      "hobct", "writes all of the bytes at a place of a file")                                     \
    X(Stat, "i64(i64 file, callback name)", STAT, "hc", "asks for kind, size and times of a file") \
    X(StatPath, "i64(string path, callback name)", STAT_PATH, "ac", "the same by a path")          \
    X(ReadFile, "i64(string path, callback name)", READ_FILE, "ac", "reads a whole file")          \
    X(SendFile, "i64(i64 socket, i64 file, i64 offset, i64 size, callback name, i32 timeoutMs?)",  \
      SENDFILE, "hfosct", "sends a part of a file")                                                \
    X(Close, "i64(i64 handle, callback name?)", CLOSE, "hc", "closes a socket or a file")

/* X(verb, signature, command, summary): verbs with at most one argument, which is sent
 * unchanged. */
#define CB_NBIO_QUESTIONS(X)                                                                       \
    X(Remove, "i32(i64 operation)", REMOVE, "takes an operation back for good; 0")                 \
    X(NumWaiting, "i32()", NUM_WAITING, "operations whose callbacks are not over")                 \
    X(Now, "i64()", NOW, "the loop's clock in ns, read once a turn; never goes back")              \
    X(BoundPort, "i32(i64 socket)", BOUND_PORT, "the port that a socket is bound to")              \
    X(Run, "i32(i32 timeoutMs)", RUN,                                                              \
      "waits until nothing is outstanding; 1, or 0 when the time is up")

/* X(verb, signature, function, summary): verbs that answer without a command. */
#define CB_NBIO_ANSWERS(X)                                                                         \
    X(ErrorText, "string(i32 code)", cb_nbio_error_text, "an error in words")                      \
    X(EventOperation, "i64(blob event)", cb_nbio_event_operation, "the operation that ended")      \
    X(EventKind, "i32(blob event)", cb_nbio_event_kind, "what it was, one of the kinds")           \
    X(EventError, "i32(blob event)", cb_nbio_event_error, "how it ended: 0, or one of the errors") \
    X(EventValue, "i64(blob event)", cb_nbio_event_value, "bytes moved, and the like")             \
    X(EventHandle, "i64(blob event)", cb_nbio_event_handle, "the socket or file it was about")     \
    X(EventBytes, "blob(blob event)", cb_nbio_event_bytes, "what was received or read")            \
    X(PeerAddress, "string(blob event)", cb_nbio_peer_address,                                     \
      "the other end's address, empty if there is none")                                           \
    X(PeerPort, "i32(blob event)", cb_nbio_peer_port, "the other end's port, 0 if there is none")

/* The same, for verbs that may wait for the disk. */
#define CB_NBIO_BLOCKING(X)                                                                        \
    X(ReadFileNow, "blob(string folder, string path)", cb_nbio_read_file_now,                      \
      "reads a whole file that lies in a folder or below it; its event")

#define CB_NBIO_DECLARE_ORDER(verb, signature, command, pattern, text) cb_verb_fn cb_nbio_##verb;
#define CB_NBIO_DECLARE_QUESTION(verb, signature, command, text)       cb_verb_fn cb_nbio_##verb;
#define CB_NBIO_DECLARE_ANSWER(verb, signature, function, text)        cb_verb_fn function;
CB_NBIO_ORDERS(CB_NBIO_DECLARE_ORDER)
CB_NBIO_QUESTIONS(CB_NBIO_DECLARE_QUESTION)
CB_NBIO_ANSWERS(CB_NBIO_DECLARE_ANSWER)
CB_NBIO_BLOCKING(CB_NBIO_DECLARE_ANSWER)
#undef CB_NBIO_DECLARE_ORDER
#undef CB_NBIO_DECLARE_QUESTION
#undef CB_NBIO_DECLARE_ANSWER

#endif
