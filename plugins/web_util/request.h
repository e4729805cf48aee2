/* Reads one HTTP/1 request. Pure: any bytes in, pieces of them out. A missing or malformed part is
 * an empty piece; nothing is guessed.
 */
#ifndef CALLBOARD_PLUGINS_WEB_UTIL_REQUEST_H
#define CALLBOARD_PLUGINS_WEB_UTIL_REQUEST_H

#include "plugins/web_util/bytes.h"

/* All are empty unless the first line is METHOD TARGET HTTP/digit.digit. Lines end in LF or in CR
 * LF. */
cb_web_bytes cb_web_method(cb_web_bytes request);
/* The target's path as received, without the query; also the path of http://host/path. "*" for
 * OPTIONS. */
cb_web_bytes cb_web_path(cb_web_bytes request);
/* The part of the target after its first "?". */
cb_web_bytes cb_web_query(cb_web_bytes request);
/* The value of the field with this name (without regard to case), without blanks around it. If the
 * field occurs several times, number `nth`, from 0. Only whole lines are read. */
cb_web_bytes cb_web_header(cb_web_bytes request, cb_web_bytes name, size_t nth);

/* The body as it lies in the request: Content-Length bytes, or, if chunked, everything after the
 * head. Empty if neither field is there, if they contradict each other, or if the request is
 * shorter than the field says. */
cb_web_bytes cb_web_body(cb_web_bytes request, bool *is_chunked);
/* Writes the data of the chunks into `out`, which has room for chunks.size bytes. False, with *size
 * = 0, if they are malformed or the last one is missing. */
bool cb_web_join_chunks(cb_web_bytes chunks, uint8_t *out, size_t *size);

#endif
