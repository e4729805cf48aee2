/* Endpoints and the kernel's socket addresses. */
#ifndef CALLBOARD_ACTORS_IO_ADDRESS_H
#define CALLBOARD_ACTORS_IO_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "callboard/nbio.h"

typedef union cb_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
} cb_address;

/* Returns the size of the address that was filled in; 0 if the endpoint has no family. */
socklen_t cb_address_from_endpoint(const cb_endpoint *endpoint, cb_address *address);
/* An address that is neither IPv4 nor IPv6 gives family NONE. */
void cb_address_to_endpoint(const cb_address *address, cb_endpoint *endpoint);

#endif
