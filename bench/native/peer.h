/* One connection of the load generator: its buffers, and what is counted over all of them. */
#ifndef PEER_H
#define PEER_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 65536
#define MESSAGE_BYTES 16384
#define FLIGHT_MAX 256
#define HISTOGRAM_BUCKETS 400000 /* of 10 us: 4 s */

struct peer {
    int fd; /* -1 when it is gone */
    const char *user; /* NULL: that of all */
    int authorized;
    int upgraded; /* WebSocket: the handshake is over */
    int in_flight;
    int extranonce2_bytes;
    uint64_t next_id; /* ids of submits count up from 1000 */
    uint64_t extranonce2;
    double sent[FLIGHT_MAX]; /* by id */
    char job[64];
    char ntime[16];
    char *rest; /* an incomplete message; only there while there is one, so that idle peers cost little */
    size_t rest_bytes;
};

static struct {
    uint64_t accepted, rejected, dropped;
    uint64_t histogram[HISTOGRAM_BUCKETS];
    char sample_reject[256];
} total;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void count_latency(double seconds) {
    long bucket = (long)(seconds * 1e5);
    if (bucket < 0) bucket = 0;
    if (bucket >= HISTOGRAM_BUCKETS) bucket = HISTOGRAM_BUCKETS - 1;
    total.histogram[bucket]++;
}

/* Milliseconds, rounded up to the bucket's end. */
static double percentile(double share) {
    uint64_t all = 0, sum = 0;
    for (long i = 0; i < HISTOGRAM_BUCKETS; i++) all += total.histogram[i];
    for (long i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += total.histogram[i];
        if (sum > 0 && (double)sum >= share * (double)all) return (double)(i + 1) * 1e-2;
    }
    return 0;
}

static void peer_gone(struct peer *p) {
    total.dropped++;
    close(p->fd);
    p->fd = -1;
}

static void write_all(struct peer *p, const char *bytes, size_t count) {
    while (count > 0 && p->fd >= 0) {
        ssize_t n = write(p->fd, bytes, count);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) { usleep(50); continue; }
            peer_gone(p);
            return;
        }
        bytes += n;
        count -= (size_t)n;
    }
}

static void keep_rest(struct peer *p, const char *bytes, size_t count) {
    if (count > MESSAGE_BYTES) { fprintf(stderr, "a message is too long\n"); exit(1); }
    if (count == 0) {
        free(p->rest);
        p->rest = NULL;
    } else {
        if (!p->rest) p->rest = malloc(MESSAGE_BYTES);
        memmove(p->rest, bytes, count);
    }
    p->rest_bytes = count;
}

#endif
