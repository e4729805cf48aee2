/* Why an HTTP message is refused: one list of names, of the statuses that answer them, and of
 * texts. */
#ifndef CALLBOARD_ACTORS_IO_HTTP_FAULT_H
#define CALLBOARD_ACTORS_IO_HTTP_FAULT_H

/* X(name, status to answer with, text for logs) */
#define CB_HTTP_FAULTS(X)                                                                          \
    X(NONE, 0, "")                                                                                 \
    X(CONTROL, 400, "a control character in the head")                                             \
    X(BARE_CR, 400, "CR without LF")                                                               \
    X(BARE_LF, 400, "LF without CR")                                                               \
    X(EMPTY_LINES, 400, "more than one empty line before the request")                             \
    X(LINE_LONG, 414, "the request line is too long")                                              \
    X(METHOD, 400, "the method is no token")                                                       \
    X(TARGET, 400, "the request target is of no known form")                                       \
    X(ASTERISK, 400, "the request target * without OPTIONS")                                       \
    X(CONNECT, 501, "CONNECT is not served")                                                       \
    X(NO_VERSION, 400, "the request line has no HTTP version")                                     \
    X(BAD_VERSION, 400, "the HTTP version is malformed")                                           \
    X(VERSION, 505, "the HTTP version is neither 1.1 nor 1.0")                                     \
    X(HEAD_LARGE, 431, "the head or the trailers are too large")                                   \
    X(FIELDS_MANY, 431, "too many fields")                                                         \
    X(FOLDED, 400, "a line of the head begins with white space")                                   \
    X(NO_COLON, 400, "a field has no colon")                                                       \
    X(COLON_SPACE, 400, "white space between a field's name and its colon")                        \
    X(FIELD_NAME, 400, "a field's name is no token")                                               \
    X(NO_HOST, 400, "an HTTP/1.1 request without Host")                                            \
    X(TWO_HOSTS, 400, "more than one Host")                                                        \
    X(BAD_HOST, 400, "the Host is malformed")                                                      \
    X(OTHER_HOST, 400, "the Host differs from the host of the request target")                     \
    X(TWO_LENGTHS, 400, "more than one Content-Length")                                            \
    X(BAD_LENGTH, 400, "the Content-Length is malformed")                                          \
    X(BODY_LARGE, 413, "the body is too large")                                                    \
    X(TWO_CODINGS, 400, "more than one Transfer-Encoding")                                         \
    X(BAD_CODING, 400, "the Transfer-Encoding does not end in one chunked")                        \
    X(OTHER_CODING, 501, "a Transfer-Encoding other than chunked is not served")                   \
    X(OLD_CODING, 400, "Transfer-Encoding in HTTP/1.0")                                            \
    X(LENGTH_AND_CODING, 400, "Content-Length beside Transfer-Encoding")                           \
    X(CONNECTION, 400, "the Connection field is malformed or names a field that frames")           \
    X(CHUNK_SIZE, 400, "the size of a chunk is malformed")                                         \
    X(CHUNK_LINE, 400, "the line before a chunk is too long")                                      \
    X(CHUNK_EXTENSION, 400, "a chunk extension is malformed")                                      \
    X(CHUNK_END, 400, "a chunk does not end where its size says")                                  \
    X(CHUNK_OVERHEAD, 413, "too many bytes around the chunks' data")                               \
    X(TRAILER, 400, "a field that may not stand in trailers")

typedef enum cb_http_fault {
#define CB_HTTP_FAULT_ENUM(name, status, text) CB_HTTP_##name,
    CB_HTTP_FAULTS(CB_HTTP_FAULT_ENUM)
#undef CB_HTTP_FAULT_ENUM
        CB_HTTP_FAULT_COUNT
} cb_http_fault;

/* The status of the answer; 0 for NONE. */
int cb_http_fault_status(cb_http_fault fault);
/* A static text without a full stop; "" for NONE. */
const char *cb_http_fault_text(cb_http_fault fault);

#endif
