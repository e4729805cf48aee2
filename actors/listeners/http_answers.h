/* The few responses that an HTTP listener makes by itself. */
#ifndef CALLBOARD_ACTORS_LISTENERS_HTTP_ANSWERS_H
#define CALLBOARD_ACTORS_LISTENERS_HTTP_ANSWERS_H

#include <stdbool.h>

#include "callboard/buffer.h"

/* A whole response that ends its connection, with a line of text that says `why` (without a full
 * stop; for HEAD without the text). `status`: one from the list in the .c file. NULL when out of
 * memory. */
cb_buffer *cb_http_answer(int status, const char *why, bool is_head);

#endif
