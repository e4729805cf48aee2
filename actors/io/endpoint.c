/* Endpoints: numbers and text, no name look-up. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "actors/io/address.h"

#define PORT_MAX 65535u

socklen_t cb_address_from_endpoint(const cb_endpoint *endpoint, cb_address *address)
{
    memset(address, 0, sizeof *address);
    if (endpoint->family == CB_FAMILY_IP4) {
        address->ip4.sin_family = AF_INET;
        address->ip4.sin_port = htons(endpoint->port);
        memcpy(&address->ip4.sin_addr, endpoint->address, 4);
        return sizeof address->ip4;
    }
    if (endpoint->family == CB_FAMILY_IP6) {
        address->ip6.sin6_family = AF_INET6;
        address->ip6.sin6_port = htons(endpoint->port);
        address->ip6.sin6_scope_id = endpoint->scope;
        memcpy(&address->ip6.sin6_addr, endpoint->address, 16);
        return sizeof address->ip6;
    }
    return 0;
}

void cb_address_to_endpoint(const cb_address *address, cb_endpoint *endpoint)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (address->any.sa_family == AF_INET) {
        endpoint->family = CB_FAMILY_IP4;
        endpoint->port = ntohs(address->ip4.sin_port);
        memcpy(endpoint->address, &address->ip4.sin_addr, 4);
    } else if (address->any.sa_family == AF_INET6) {
        endpoint->family = CB_FAMILY_IP6;
        endpoint->port = ntohs(address->ip6.sin6_port);
        endpoint->scope = address->ip6.sin6_scope_id;
        memcpy(endpoint->address, &address->ip6.sin6_addr, 16);
    }
}

/* Digits only, the whole text, at most `most`. */
static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > most)
            return false;
    }
    *number = value;
    return true;
}

/* `host` is cut at its scope. */
static bool parse_host(char *host, cb_endpoint *endpoint)
{
    if (strchr(host, ':') == NULL) {
        endpoint->family = CB_FAMILY_IP4;
        return inet_pton(AF_INET, host, endpoint->address) == 1;
    }
    uint64_t scope = 0;
    char *percent = strchr(host, '%');
    if (percent != NULL) {
        *percent = '\0';
        if (!parse_number(percent + 1, UINT32_MAX, &scope))
            return false;
    }
    endpoint->family = CB_FAMILY_IP6;
    endpoint->scope = (uint32_t)scope;
    return inet_pton(AF_INET6, host, endpoint->address) == 1;
}

/* Splits off the port: NULL in *port if there is none. False: brackets that do not match. */
static bool split(char *text, char **host, char **port)
{
    *host = text;
    *port = NULL;
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        if (end[1] == ':')
            *port = end + 2;
        *end = '\0';
        *host = text + 1;
        return strchr(*host, ':') != NULL;
    }
    char *colon = strchr(text, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
        *port = colon + 1;
    }
    return true;
}

cb_status cb_parse_endpoint(const char *text, cb_endpoint *endpoint, cb_error *error)
{
    char copy[CB_ENDPOINT_TEXT_SIZE];
    cb_endpoint parsed = {0};
    uint64_t port_number = 0;
    char *host, *port;
    if (text == NULL)
        return cb_fail(error, CB_INVALID, "an endpoint is required");
    size_t size = strlen(text);
    if (size < sizeof copy) {
        memcpy(copy, text, size + 1);
        if (split(copy, &host, &port) && parse_host(host, &parsed) &&
            (port == NULL || parse_number(port, PORT_MAX, &port_number))) {
            parsed.port = (uint16_t)port_number;
            *endpoint = parsed;
            return CB_OK;
        }
    }
    return cb_fail(error, CB_FORMAT, "'%.80s' is not an IP address with an optional port", text);
}

char *cb_endpoint_to_string(const cb_endpoint *endpoint, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    if (size == 0)
        return text;
    text[0] = '\0';
    if (endpoint->family == CB_FAMILY_IP4) {
        if (inet_ntop(AF_INET, endpoint->address, host, sizeof host) != NULL)
            (void)snprintf(text, size, "%s:%u", host, (unsigned)endpoint->port);
    } else if (endpoint->family == CB_FAMILY_IP6) {
        if (inet_ntop(AF_INET6, endpoint->address, host, sizeof host) == NULL)
            return text;
        if (endpoint->scope != 0)
            (void)snprintf(text, size, "[%s%%%u]:%u", host, (unsigned)endpoint->scope,
                           (unsigned)endpoint->port);
        else
            (void)snprintf(text, size, "[%s]:%u", host, (unsigned)endpoint->port);
    }
    return text;
}

cb_endpoint cb_endpoint_any(cb_family family, uint16_t port)
{
    cb_endpoint endpoint = {.family = (uint8_t)family, .port = port};
    return endpoint;
}

cb_endpoint cb_endpoint_loopback(cb_family family, uint16_t port)
{
    cb_endpoint endpoint = cb_endpoint_any(family, port);
    if (family == CB_FAMILY_IP4) {
        endpoint.address[0] = 127;
        endpoint.address[3] = 1;
    } else if (family == CB_FAMILY_IP6) {
        endpoint.address[15] = 1;
    }
    return endpoint;
}

bool cb_endpoint_is_loopback(const cb_endpoint *endpoint)
{
    if (endpoint->family == CB_FAMILY_IP4)
        return endpoint->address[0] == 127;
    if (endpoint->family != CB_FAMILY_IP6)
        return false;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(endpoint->address, mapped, sizeof mapped) == 0)
        return endpoint->address[12] == 127;
    cb_endpoint loopback = cb_endpoint_loopback(CB_FAMILY_IP6, 0);
    return memcmp(endpoint->address, loopback.address, sizeof loopback.address) == 0;
}
