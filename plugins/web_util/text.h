/* Texts of the web: escapes of HTML and URLs, forms, cookies, Base64. Pure. A function that makes a
 * text returns its size. `out` has room for the text, or is NULL if only the size is wanted.
 */
#ifndef CALLBOARD_PLUGINS_WEB_UTIL_TEXT_H
#define CALLBOARD_PLUGINS_WEB_UTIL_TEXT_H

#include "plugins/web_util/bytes.h"

/* Writes & < > " ' as references. */
size_t cb_web_html_escape(cb_web_bytes text, uint8_t *out);
/* Writes everything except letters, digits and - . _ ~ as %XX. */
size_t cb_web_url_encode(cb_web_bytes text, uint8_t *out);
/* Decodes %XX to its byte and, with `is_form`, + to a space. Text that is no escape stays as it is.
 * %00 stays too, because a text would end there. The result is never longer than `text`. */
size_t cb_web_url_decode(cb_web_bytes text, bool is_form, uint8_t *out);
/* The value, still encoded, of the first field of name=value&name=value with this decoded name. */
bool cb_web_form_value(cb_web_bytes form, cb_web_bytes name, cb_web_bytes *value);
/* The value of the first cookie of name=value; name=value with this name, without quotes. */
bool cb_web_cookie(cb_web_bytes cookies, cb_web_bytes name, cb_web_bytes *value);
/* The standard alphabet, with padding. */
size_t cb_web_base64_encode(cb_web_bytes bytes, uint8_t *out);
/* The standard alphabet or the one for URLs, padded or not. False, with *size = 0, for anything
 * else. `out` has room for text.size bytes and is not NULL. */
bool cb_web_base64_decode(cb_web_bytes text, uint8_t *out, size_t *size);
/* The type for the ending of the path's last part; "application/octet-stream" if it is unknown. */
const char *cb_web_mime_type(cb_web_bytes path);

#endif
