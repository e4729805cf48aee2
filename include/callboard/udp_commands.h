/* What the actor of a UDP route does on command (cb_route_command), and the shape of what it gives
 * to callbacks and takes from them.
 *
 * A datagram reaches the callback as a header and the datagram's bytes:
 *
 *     offset  0  u32  the sender's port
 *             4  u32  length of the host text, in bytes
 *             8       the host text ("127.0.0.1"), without a NUL
 *             ..      the datagram
 *
 * All numbers are little-endian. What the callback leaves is the reply's bytes; if it still begins
 * with the very header, that is left out. Nothing left: no reply. Routes of kind
 * CB_ROUTE_UDP_CLIENT never reply.
 */
#ifndef CALLBOARD_UDP_COMMANDS_H
#define CALLBOARD_UDP_COMMANDS_H

#include <stdint.h>

/* Most bytes of one datagram over IPv4. */
#define CB_UDP_DATAGRAM_MAX 65507
/* Bytes in front of the host text. */
#define CB_UDP_HEADER_SIZE  8u

/* Sends the payload as one datagram: value is the receiver, see cb_udp_receiver. Answers how many
 * bytes the kernel took. CB_LIMIT for a payload over CB_UDP_DATAGRAM_MAX, CB_IO. */
#define CB_UDP_SEND 16

/* An IPv4 address (host byte order: 127.0.0.1 is 0x7f000001) and a port as one value. */
static inline int64_t cb_udp_receiver(uint32_t address, uint16_t port)
{
    return (int64_t)((uint64_t)address << 16 | port);
}

#endif
