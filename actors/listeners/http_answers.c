#include "actors/listeners/http_answers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TEXT_SIZE 256
#define HEAD_SIZE 256
#define DATE_SIZE 64

/* X(status, reason) */
#define ANSWERS(X)                                                                                 \
    X(400, "Bad Request")                                                                          \
    X(408, "Request Timeout")                                                                      \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(431, "Request Header Fields Too Large")                                                      \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")

static const char *reason_of(int status)
{
    switch (status) {
#define ANSWER_CASE(number, reason)                                                                \
    case number:                                                                                   \
        return reason;
        ANSWERS(ANSWER_CASE)
#undef ANSWER_CASE
    default:
        return NULL;
    }
}

/* A Date field (RFC 9110, 5.6.7), whose names are English whatever the locale; nothing if the clock
 * says nothing that can be written. */
static void print_date(char text[DATE_SIZE])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm at;
    time_t now = time(NULL);
    text[0] = 0;
    if (now == (time_t)-1 || gmtime_r(&now, &at) == NULL || at.tm_year < 0 || at.tm_year > 8099)
        return;
    (void)snprintf(text, DATE_SIZE, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                   days[at.tm_wday], at.tm_mday, months[at.tm_mon], at.tm_year + 1900, at.tm_hour,
                   at.tm_min, at.tm_sec);
}

cb_buffer *cb_http_answer(int status, const char *why, bool is_head)
{
    const char *reason = reason_of(status);
    char date[DATE_SIZE];
    char text[TEXT_SIZE];
    char head[HEAD_SIZE];
    assert(reason != NULL);
    print_date(date);
    int text_size = snprintf(text, sizeof text, "%d %s: %s\n", status, reason, why);
    int head_size = snprintf(head, sizeof head,
                             "HTTP/1.1 %d %s\r\n"
                             "%s"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Content-Length: %d\r\n"
                             "Connection: close\r\n"
                             "\r\n",
                             status, reason, date, text_size);
    assert(text_size > 0 && text_size < TEXT_SIZE && head_size > 0 && head_size < HEAD_SIZE);
    size_t size = (size_t)head_size + (is_head ? 0 : (size_t)text_size);
    cb_buffer *answer = cb_buffer_new(0, size);
    if (answer == NULL)
        return NULL;
    memcpy(answer->data, head, (size_t)head_size);
    if (!is_head)
        memcpy(answer->data + head_size, text, (size_t)text_size);
    answer->size = size;
    return answer;
}
