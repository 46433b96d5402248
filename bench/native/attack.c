/*
 * What attackers do to a Stratum server over TCP, from many loopback addresses (127.7.x.y), while others measure how it
 * serves the honest. An attacker whose connection is closed comes back, after a pause of 10 ms.
 *
 *   attack flood HOST PORT USER PEERS ADDRESSES SECONDS RATE   logs in at a difficulty that it never meets, and submits
 *                                                              RATE shares a second over all
 *   attack drip HOST PORT USER PEERS ADDRESSES SECONDS         8,000 bytes of a line that never ends, then a byte a second
 *   attack silent HOST PORT USER PEERS ADDRESSES SECONDS       connects and says nothing
 *   attack slow HOST PORT USER PEERS ADDRESSES SECONDS         logs in with the smallest receive buffer, and never reads
 *   attack cut HOST PORT USER PEERS ADDRESSES SECONDS RATE     RATE times a second over all: sends a login up to its n-th
 *                                                              byte, and goes: by a reset, by an end; then n + 1
 *   attack frames HOST PORT USER PEERS ADDRESSES SECONDS       WebSocket: pings, as many as the socket takes
 *   attack pipeline HOST PORT USER PEERS ADDRESSES SECONDS     HTTP: requests, as many as the socket takes; reads no answer
 *
 * Prints `{"opened":N}` when all peers have been let in or turned away once, and the counts at the end. It ends early when
 * stdin is closed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "stratum.h"
#include "websocket.h"

#define EVENTS 512
#define PAUSE_SECONDS 0.01
#define LINES_PER_WRITE 64
#define DRIP_BYTES 8000
#define DRIP_SECONDS 1.0
/* Connections that may wait for the server at a time, so that its backlog is not what is measured. */
#define OPENING_MAX 512

enum mode { FLOOD, DRIP, SILENT, SLOW, CUT, FRAMES, PIPELINE };
static const char *const names[] = {"flood", "drip", "silent", "slow", "cut", "frames", "pipeline"};

struct attacker {
    struct peer peer; /* fd -1 while it is away */
    int index;
    int connecting;
    int tried;
    double due; /* to come back, or to send the next byte */
    char line[448];
    size_t line_bytes, line_sent;
};

static enum mode mode;
static struct attacker *attackers;
static int peers, addresses, poll_fd, opening, tried;
static struct sockaddr_in to;
static struct { uint64_t opened, closed, submits, bytes, cuts; } done;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct attacker *a, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = a};
    epoll_ctl(poll_fd, operation, a->peer.fd, &event);
}

static void begin(struct attacker *a) {
    int one = 1, small = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) die("socket");
    struct sockaddr_in from = {.sin_family = AF_INET};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    from.sin_addr.s_addr = htonl(0x7f070001u + (uint32_t)(a->index % addresses));
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
    if (mode == SLOW) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    memset(&a->peer, 0, sizeof a->peer);
    a->peer.fd = fd;
    a->peer.extranonce2_bytes = 8;
    a->line_bytes = a->line_sent = 0;
    a->connecting = 1;
    opening++;
    connect(fd, (struct sockaddr *)&to, sizeof to);
    watch(a, EPOLLOUT | EPOLLIN, EPOLL_CTL_ADD);
}

static void opened(struct attacker *a) {
    if (a->connecting) opening--;
    a->connecting = 0;
    if (!a->tried) tried++;
    a->tried = 1;
}

static void gone(struct attacker *a) {
    opened(a);
    if (a->peer.fd >= 0) close(a->peer.fd);
    free(a->peer.rest);
    a->peer.rest = NULL;
    a->peer.fd = -1;
    a->due = now() + PAUSE_SECONDS;
    done.closed++;
}

/* Sends what the socket takes; false where the connection is gone. */
static int send_some(struct attacker *a, const char *bytes, size_t count, size_t *sent) {
    ssize_t n = send(a->peer.fd, bytes, count, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        gone(a);
        return 0;
    }
    if (n > 0) {
        done.bytes += (uint64_t)n;
        if (sent) *sent += (size_t)n;
    }
    return 1;
}

static size_t hello(char *out, size_t size) {
    return (size_t)snprintf(out, size,
        "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"attack/1\"]}\n"
        "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"%s\",\"d=1000000000\"]}\n", user);
}

static void cut(struct attacker *a) {
    char out[512];
    size_t length = hello(out, sizeof out), bytes = done.cuts % length;
    if (bytes > 0 && !send_some(a, out, bytes, NULL)) return;
    struct linger reset = {1, 0};
    if (done.cuts++ % 2) setsockopt(a->peer.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    gone(a);
    a->due = 0;
}

/* What FRAMES and PIPELINE send, over and over: whole frames or requests. */
static char repeated[65536];
static size_t repeated_bytes, unit_bytes;

static void prepare_repeated(void) {
    static const char request[] = "GET /api/v1/pool HTTP/1.1\r\nHost: x\r\n\r\n";
    char unit[128];
    if (mode == FRAMES) unit_bytes = frame_header(unit, 0x9, 0);
    else memcpy(unit, request, unit_bytes = sizeof request - 1);
    for (; repeated_bytes + unit_bytes <= sizeof repeated; repeated_bytes += unit_bytes)
        memcpy(repeated + repeated_bytes, unit, unit_bytes);
}

/* `line_bytes` is set when the connection is ready for it: a WebSocket when the upgrade is answered. */
static void repeat(struct attacker *a) {
    size_t at = a->line_sent % repeated_bytes, sent = 0;
    if (!send_some(a, repeated + at, repeated_bytes - at, &sent)) return;
    done.submits += (a->line_sent + sent) / unit_bytes - a->line_sent / unit_bytes;
    a->line_sent += sent;
}

static void connected(struct attacker *a) {
    static char dots[DRIP_BYTES];
    char out[512];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(a->peer.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) { gone(a); return; }
    opened(a);
    done.opened++;
    /* A slow reader does not even look whether there is something to read. */
    watch(a, mode == SLOW ? 0 : EPOLLIN, EPOLL_CTL_MOD);
    if (mode == CUT) cut(a);
    else if (mode == FLOOD || mode == SLOW) send_some(a, out, hello(out, sizeof out), NULL);
    else if (mode == FRAMES) send_some(a, websocket_upgrade, sizeof websocket_upgrade - 1, NULL);
    else if (mode == PIPELINE) {
        a->line_bytes = 1;
        watch(a, 0, EPOLL_CTL_MOD);
    } else if (mode == DRIP) {
        memset(dots, '.', sizeof dots);
        dots[0] = '{';
        send_some(a, dots, sizeof dots, NULL);
        a->due = now() + DRIP_SECONDS;
    }
}

/* A share that is well-formed, for the newest job, and does not meet its difficulty. */
static void new_job(struct peer *p) {
    struct attacker *a = (struct attacker *)p;
    if (a->line_sent % (a->line_bytes ? a->line_bytes : 1) != 0) return; /* within a line: the next job will do */
    a->line_sent = 0;
    a->line_bytes = (size_t)snprintf(a->line, sizeof a->line,
        "{\"id\":9,\"method\":\"mining.submit\",\"params\":[\"%s\",\"%s\",\"%016x\",\"%s\",\"%08x\"]}\n", user, p->job,
        (unsigned)a->index, p->ntime, (unsigned)a->index);
}

static void flood(struct attacker *a, int count) {
    char out[LINES_PER_WRITE * sizeof a->line];
    size_t at = a->line_sent % a->line_bytes, used = a->line_bytes - at, sent = 0;
    memcpy(out, a->line + at, used);
    for (int i = 1; i < count; i++, used += a->line_bytes) memcpy(out + used, a->line, a->line_bytes);
    if (!send_some(a, out, used, &sent)) return;
    done.submits += (a->line_sent + sent) / a->line_bytes - a->line_sent / a->line_bytes;
    a->line_sent += sent;
}

static void take(struct attacker *a, uint32_t events) {
    static char in[READ_BYTES];
    if (a->peer.fd < 0) return;
    if (a->connecting) { connected(a); return; }
    if (mode == FLOOD) {
        uint64_t dropped = total.dropped;
        take_input(&a->peer);
        if (total.dropped != dropped) gone(a);
        return;
    }
    if (events & (EPOLLHUP | EPOLLERR)) { gone(a); return; }
    ssize_t n = read(a->peer.fd, in, sizeof in);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) gone(a);
    else if (n > 0 && mode == FRAMES) a->line_bytes = 1;
}

/* What is due: attackers who come back, bytes, submits. */
static void act(double t, double start, double rate) {
    static int next, first;
    /* Each time from another one on: where the rate is what limits them, the last ones would never have their turn. */
    first++;
    for (int i = 0; i < peers; i++) {
        struct attacker *a = &attackers[(first + i) % peers];
        if (a->peer.fd < 0) {
            if (mode == CUT && done.cuts + (uint64_t)opening >= (uint64_t)((t - start) * rate)) continue;
            if (a->due <= t && opening < OPENING_MAX) begin(a);
        } else if (mode == DRIP && !a->connecting && a->due <= t) {
            a->due = t + DRIP_SECONDS;
            send_some(a, ".", 1, NULL);
        }
    }
    for (int i = 0; (mode == FRAMES || mode == PIPELINE) && i < peers; i++)
        if (attackers[i].peer.fd >= 0 && attackers[i].line_bytes > 0) repeat(&attackers[i]);
    for (int tries = 0; mode == FLOOD && tries < peers; tries++) {
        uint64_t due = (uint64_t)((t - start) * rate);
        if (done.submits >= due) break;
        struct attacker *a = &attackers[next++ % peers];
        if (a->peer.fd >= 0 && a->line_bytes > 0) flood(a, LINES_PER_WRITE);
    }
}

int main(int argc, char **argv) {
    mode = PIPELINE + 1;
    for (int i = FLOOD; argc > 1 && i <= PIPELINE; i++) if (strcmp(argv[1], names[i]) == 0) mode = (enum mode)i;
    if (mode > PIPELINE || argc != (mode == FLOOD || mode == CUT ? 9 : 8)) {
        fprintf(stderr, "usage: attack flood|cut|drip|silent|slow|frames|pipeline HOST PORT USER PEERS ADDRESSES SECONDS [RATE]\n");
        return 2;
    }
    user = argv[4];
    peers = atoi(argv[5]);
    addresses = atoi(argv[6]);
    double seconds = atof(argv[7]), rate = argc > 8 ? atof(argv[8]) : 0;
    if (peers < 1 || addresses < 1 || addresses > 60000 || strlen(user) > 100) { fprintf(stderr, "bad arguments\n"); return 2; }
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || ntohl(to.sin_addr.s_addr) >> 24 != 127) {
        fprintf(stderr, "HOST must be a loopback address: nobody else is attacked\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    attackers = calloc((size_t)peers, sizeof *attackers);
    poll_fd = epoll_create1(0);
    on_job = new_job;
    prepare_repeated();
    for (int i = 0; i < peers; i++) {
        attackers[i].index = i;
        attackers[i].peer.fd = -1;
    }
    struct epoll_event stdin_event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &stdin_event);
    int announced = 0, ended = 0;
    double start = now();
    for (double t = start; t < start + seconds && !ended; t = now()) {
        act(t, start, rate);
        if (!announced && tried == peers) {
            announced = 1;
            printf("{\"opened\":%llu}\n", (unsigned long long)done.opened);
            fflush(stdout);
        }
        int n = epoll_wait(poll_fd, events, EVENTS, 1);
        for (int i = 0; i < n; i++) {
            if (!events[i].data.ptr) ended = 1;
            else take(events[i].data.ptr, events[i].events);
        }
    }
    int open_now = 0;
    for (int i = 0; i < peers; i++) open_now += attackers[i].peer.fd >= 0 && !attackers[i].connecting;
    printf("{\"seconds\":%.3f,\"opened\":%llu,\"closed\":%llu,\"open\":%d,\"submits\":%llu,\"bytes\":%llu,"
           "\"cuts\":%llu}\n", now() - start, (unsigned long long)done.opened, (unsigned long long)done.closed, open_now,
           (unsigned long long)done.submits, (unsigned long long)done.bytes, (unsigned long long)done.cuts);
    return 0;
}
