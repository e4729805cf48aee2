#include "actors/metrics/hosts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t"
#define NAME_MOST  253u /* bytes of a name in the DNS */

typedef struct name {
    const char *begin;
    size_t size;
} name;

static name without_last_dot(name whole)
{
    if (whole.size > 1 && whole.begin[whole.size - 1] == '.')
        whole.size--;
    return whole;
}

static bool is_same(name one, name other)
{
    return one.size == other.size && strncasecmp(one.begin, other.begin, one.size) == 0;
}

static bool is_address(int family, name host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.size >= sizeof text)
        return false;
    memcpy(text, host.begin, host.size);
    text[host.size] = '\0';
    return inet_pton(family, text, &address) == 1;
}

/* The next name from *at on; of size 0 behind the last. */
static name next_name(const char **at)
{
    *at += strspn(*at, SEPARATORS);
    name next = {.begin = *at, .size = strcspn(*at, SEPARATORS)};
    *at += next.size;
    return next;
}

static bool is_told(const char *names, name host)
{
    while (names != NULL) {
        name told = next_name(&names);
        if (told.size == 0)
            return false;
        if (is_same(without_last_dot(told), host))
            return true;
    }
    return false;
}

bool cb_metrics_knows_host(const char *names, const char *host, size_t size)
{
    static const name localhost = {"localhost", sizeof "localhost" - 1};
    name whole = {host, size};
    if (size > 0 && host[0] == '[') {
        const char *bracket = memchr(host, ']', size);
        whole = (name){host + 1, bracket != NULL ? (size_t)(bracket - host) - 1 : 0};
        return is_address(AF_INET6, whole);
    }
    const char *colon = memchr(host, ':', size);
    if (colon != NULL)
        whole.size = (size_t)(colon - host);
    if (is_address(AF_INET, whole))
        return true;
    whole = without_last_dot(whole);
    return is_same(whole, localhost) || is_told(names, whole);
}

/* Letters, digits, '-', '_' and '.': whatever a request may carry and a resolver finds. */
static bool is_good(name told)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return told.size <= NAME_MOST && strspn(told.begin, allowed) >= told.size &&
           told.begin[0] != '.';
}

cb_status cb_metrics_check_hosts(const char *names, cb_error *error)
{
    while (names != NULL) {
        name told = next_name(&names);
        if (told.size == 0)
            break;
        if (!is_good(told))
            return cb_fail(error, CB_INVALID,
                           "what metrics may be asked for by is a host's name without a port, "
                           "and not '%.*s'",
                           told.size < 64 ? (int)told.size : 64, told.begin);
    }
    return CB_OK;
}
