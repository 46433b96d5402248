/*
 * WebSocket (RFC 6455), the client's side, as far as a load generator needs it: whole text messages, pings answered.
 * The mask is zero, which leaves the payload as it is: a client that does not fear its own proxy may choose any.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "peer.h"

#define FRAME_HEADER_BYTES 8 /* of what we send: two, two of length, four of mask */

static const char websocket_upgrade[] =
    "GET / HTTP/1.1\r\nHost: pool\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* Writes the header of a final frame with `length` (< 65536) bytes of payload; returns the header's size. */
static size_t frame_header(char *into, int opcode, size_t length) {
    size_t at = 0;
    into[at++] = (char)(0x80 | opcode);
    if (length < 126) into[at++] = (char)(0x80 | length);
    else {
        into[at++] = (char)(0x80 | 126);
        into[at++] = (char)(length >> 8);
        into[at++] = (char)length;
    }
    memset(into + at, 0, 4);
    return at + 4;
}

/*
 * Finds the frame at the front of `bytes`: 0 while it is incomplete, else its whole size, with the payload's place in
 * `payload` and `length`, and the opcode.
 */
static size_t take_frame(const char *bytes, size_t have, size_t *payload, size_t *length, int *opcode) {
    const unsigned char *b = (const unsigned char *)bytes;
    if (have < 2) return 0;
    size_t header = 2, size = b[1] & 0x7f;
    if (size == 126) {
        header = 4;
        if (have < header) return 0;
        size = (size_t)b[2] << 8 | b[3];
    } else if (size == 127) { fprintf(stderr, "a frame is too long\n"); exit(1); }
    if (have < header + size) return 0;
    *payload = header;
    *length = size;
    *opcode = b[0] & 0x0f;
    return header + size;
}

/* Answers a ping with its own payload. */
static void send_pong(struct peer *p, const char *payload, size_t length) {
    char frame[FRAME_HEADER_BYTES + 125];
    if (length > 125) return;
    size_t header = frame_header(frame, 0xa, length);
    memcpy(frame + header, payload, length);
    write_all(p, frame, header + length);
}

/* Takes the answer to the upgrade, if it is complete; returns its size. */
static size_t take_upgrade(const char *bytes, size_t have) {
    for (size_t at = 0; at + 4 <= have; at++) {
        if (memcmp(bytes + at, "\r\n\r\n", 4) != 0) continue;
        if (have < 12 || memcmp(bytes + 9, "101", 3) != 0) {
            fprintf(stderr, "no upgrade: %.40s\n", bytes);
            exit(1);
        }
        return at + 4;
    }
    return 0;
}

#endif
