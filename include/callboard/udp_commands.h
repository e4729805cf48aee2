/* The command for the actor of a UDP route (cb_route_command), and the layout of the bytes that it
 * gives to callbacks and takes from them.
 *
 * A datagram reaches the callback as a header and the datagram's bytes:
 *
 *     offset  0  u32  the sender's port
 *             4  u32  length of the host text, in bytes
 *             8       the host text ("127.0.0.1"), without a NUL
 *             ..      the datagram
 *
 * All numbers are little-endian. The bytes that the callback leaves are the reply. If they still
 * begin with this same header, the header is left out. If no bytes are left, there is no reply.
 * Routes of kind CB_ROUTE_UDP_CLIENT never reply.
 */
#ifndef CALLBOARD_UDP_COMMANDS_H
#define CALLBOARD_UDP_COMMANDS_H

#include <stdint.h>

/* Most bytes of one datagram over IPv4. */
#define CB_UDP_DATAGRAM_MAX 65507
/* Bytes in front of the host text. */
#define CB_UDP_HEADER_SIZE  8u

/* Sends the payload as one datagram. `value` is the receiver, see cb_udp_receiver. Answers the
 * number of bytes that the kernel took. CB_LIMIT for a payload over CB_UDP_DATAGRAM_MAX, CB_IO. */
#define CB_UDP_SEND 16

/* Packs an IPv4 address (host byte order: 127.0.0.1 is 0x7f000001) and a port into one value. */
static inline int64_t cb_udp_receiver(uint32_t address, uint16_t port)
{
    return (int64_t)((uint64_t)address << 16 | port);
}

#endif
