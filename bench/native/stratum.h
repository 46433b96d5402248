/* Stratum V1 from the miner's side, by looking for words: the generator must cost less than what it measures. */
#ifndef STRATUM_H
#define STRATUM_H

#include "peer.h"
#include "websocket.h"

#define FIRST_SUBMIT_ID 1000

static const char *user;
static int websocket;
/* Called when a job has come. */
static void (*on_job)(struct peer *p);

/* Puts a message behind the `used` bytes of `out`, framed as the transport wants it; returns how much is used then. */
static size_t put_message(char *out, size_t used, const char *text, size_t length) {
    if (websocket) used += frame_header(out + used, 1, length);
    memcpy(out + used, text, length);
    used += length;
    if (!websocket) out[used++] = '\n';
    return used;
}

static const char *user_of(const struct peer *p) { return p->user ? p->user : user; }

/* Subscribes and authorises. */
static void log_in(struct peer *p) {
    char out[1024], text[512];
    int n = snprintf(text, sizeof text, "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"load/1\"]}");
    size_t used = put_message(out, 0, text, (size_t)n);
    n = snprintf(text, sizeof text, "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"%s\",\"x\"]}", user_of(p));
    used = put_message(out, used, text, (size_t)n);
    write_all(p, out, used);
}

/* Writes `count` submits with one write; `due` is when they should have been sent. */
static void submit(struct peer *p, int count, double due) {
    static char out[FLIGHT_MAX * 512];
    char text[448];
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        p->extranonce2++;
        p->sent[p->next_id % FLIGHT_MAX] = due;
        int n = snprintf(text, sizeof text,
            "{\"id\":%llu,\"method\":\"mining.submit\",\"params\":[\"%s\",\"%s\",\"%0*llx\",\"%s\",\"%08x\"]}",
            (unsigned long long)p->next_id++, user_of(p), p->job, 2 * p->extranonce2_bytes,
            (unsigned long long)p->extranonce2, p->ntime, (unsigned)(p->extranonce2 * 2654435761u));
        used = put_message(out, used, text, (size_t)n);
        p->in_flight++;
    }
    write_all(p, out, used);
}

/* Copies the first string after `from`, without its quotes. */
static int take_string(const char *from, char *into, size_t size) {
    const char *start = strchr(from, '"');
    const char *end = start ? strchr(start + 1, '"') : NULL;
    if (!end || (size_t)(end - start - 1) >= size) return 0;
    memcpy(into, start + 1, (size_t)(end - start - 1));
    into[end - start - 1] = 0;
    return 1;
}

/* The extranonce2 size is the last digit of a subscription's result. The reply's id may follow it, so its brackets count. */
static int last_digit(const char *result) {
    int digit = 0, depth = 0;
    for (const char *at = result; *at; at++) {
        if (*at >= '0' && *at <= '9') digit = *at - '0';
        else if (*at == '[') depth++;
        else if (*at == ']' && --depth == 0) break;
    }
    return digit;
}

static void take_notify(struct peer *p, char *text) {
    char *params = strstr(text, "\"params\"");
    if (!params || !take_string(params + 8, p->job, sizeof p->job)) return;
    /* ntime is the last string of the params */
    char *at = strrchr(params, ']');
    for (int quotes = 0; at && at > params && quotes < 2;) if (*--at == '"') quotes++;
    if (at) take_string(at, p->ntime, sizeof p->ntime);
    on_job(p);
}

/* One message, ended by a zero byte. */
static void take_message(struct peer *p, char *text, double t) {
    if (strstr(text, "\"method\"")) {
        if (strstr(text, "mining.notify")) take_notify(p, text);
        return;
    }
    char *id = strstr(text, "\"id\":");
    uint64_t number = id ? strtoull(id + 5, NULL, 10) : 0;
    if (number == 1) {
        char *result = strstr(text, "\"result\"");
        if (result) p->extranonce2_bytes = last_digit(result);
    } else if (number == 2) {
        p->authorized = strstr(text, "true") != NULL;
        if (!p->authorized) { fprintf(stderr, "not authorised: %s\n", text); exit(1); }
    } else if (number >= FIRST_SUBMIT_ID) {
        count_latency(t - p->sent[number % FLIGHT_MAX]);
        p->in_flight--;
        if (strstr(text, "\"result\":true") || strstr(text, "\"result\": true")) total.accepted++;
        else {
            total.rejected++;
            if (!total.sample_reject[0]) strncpy(total.sample_reject, text, sizeof total.sample_reject - 1);
        }
    }
}

/* The lines in bytes[0…have), each ended by a zero in place of its line feed; returns how many bytes they were. */
static size_t take_lines(struct peer *p, char *bytes, size_t have, double t) {
    size_t at = 0;
    for (;;) {
        char *end = memchr(bytes + at, '\n', have - at);
        if (!end) return at;
        *end = 0;
        take_message(p, bytes + at, t);
        at = (size_t)(end - bytes) + 1;
    }
}

/* The same for frames; bytes[have] may be written to. */
static size_t take_frames(struct peer *p, char *bytes, size_t have, double t) {
    size_t at = 0, payload, length, size;
    int opcode;
    if (!p->upgraded) {
        at = take_upgrade(bytes, have);
        if (at == 0) return 0;
        p->upgraded = 1;
        log_in(p);
    }
    while ((size = take_frame(bytes + at, have - at, &payload, &length, &opcode)) > 0) {
        char *end = bytes + at + size, next = *end;
        *end = 0;
        if (opcode == 1 || opcode == 2) take_message(p, bytes + at + payload, t);
        else if (opcode == 9) send_pong(p, bytes + at + payload, length);
        *end = next;
        at += size;
    }
    return at;
}

/* Reads once and takes what is complete; 0 where there was nothing, -1 where the peer is gone. */
static int take_input(struct peer *p) {
    static char in[MESSAGE_BYTES + READ_BYTES + 1];
    memcpy(in, p->rest ? p->rest : in, p->rest_bytes);
    ssize_t n = read(p->fd, in + p->rest_bytes, READ_BYTES);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (n <= 0) { peer_gone(p); return -1; }
    size_t have = p->rest_bytes + (size_t)n;
    double t = now();
    size_t taken = websocket ? take_frames(p, in, have, t) : take_lines(p, in, have, t);
    keep_rest(p, in + taken, have - taken);
    return 1;
}

#endif
