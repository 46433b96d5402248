/*
 * Stratum V1 load over TCP: many connections, a fixed number of submits in flight on each (or a fixed rate over all),
 * every reply read and counted. Meant for a share difficulty so low that any nonce will do, so that it costs as little
 * of the shared machine as it can.
 *
 *   load load  HOST PORT USER CONNECTIONS IN_FLIGHT SECONDS [RATE]
 *   load idle  HOST PORT USER CONNECTIONS SECONDS          holds connections; reports each new job's first and last arrival
 *
 * Prints one JSON object a run on stdout (idle: `{"connected":N}` first, then one object a job). HOST is an IPv4 address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 65536
#define LINE_BYTES 16384
#define FLIGHT_MAX 256
#define HISTOGRAM_BUCKETS 400000 /* of 10 us: 4 s */

struct peer {
    int fd;
    int ready;           /* has a job and is authorised */
    int in_flight;
    uint64_t next_id;    /* ids of submits count up from 1000 */
    uint64_t extranonce2;
    double sent[FLIGHT_MAX];
    char job[64];
    char ntime[16];
    char rest[LINE_BYTES];
    size_t rest_bytes;
    double notified;     /* arrival of the newest job */
    int extranonce2_bytes;
};

static struct peer *peers;
static int connections, flight;
static const char *user;
static uint64_t accepted, rejected, dropped;
static uint64_t *histogram;
static char newest_job[64];
static int newest_count;
static double newest_first;
static int idle_mode;
static char sample_reject[256];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(struct peer *p, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t n = write(p->fd, bytes, count);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) { usleep(50); continue; }
            dropped++;
            return;
        }
        bytes += n;
        count -= (size_t)n;
    }
}

/* Writes up to `count` submits with one write. */
static void submit(struct peer *p, int count) {
    static char out[FLIGHT_MAX * 512];
    size_t used = 0;
    double t = now();
    for (int i = 0; i < count; i++) {
        p->extranonce2++;
        p->sent[p->next_id % FLIGHT_MAX] = t;
        used += (size_t)sprintf(out + used,
            "{\"id\":%llu,\"method\":\"mining.submit\",\"params\":[\"%s\",\"%s\",\"%0*llx\",\"%s\",\"%08x\"]}\n",
            (unsigned long long)p->next_id++, user, p->job, 2 * p->extranonce2_bytes,
            (unsigned long long)p->extranonce2, p->ntime, (unsigned)(p->extranonce2 * 2654435761u));
        p->in_flight++;
    }
    write_all(p, out, used);
}

/* The n-th string (from 0) after `from`, copied without its quotes. */
static int nth_string(const char *from, int n, char *into, size_t size) {
    for (;;) {
        const char *start = strchr(from, '"');
        const char *end = start ? strchr(start + 1, '"') : NULL;
        if (!end) return 0;
        if (n-- == 0) {
            size_t length = (size_t)(end - start - 1);
            if (length >= size) return 0;
            memcpy(into, start + 1, length);
            into[length] = 0;
            return 1;
        }
        from = end + 1;
    }
}

static void take_notify(struct peer *p, char *line) {
    char *params = strstr(line, "\"params\"");
    if (!params) return;
    params += 8;
    if (!nth_string(params, 0, p->job, sizeof p->job)) return;
    /* ntime is the last string of the params */
    char *branch_end = strrchr(params, ']');
    if (!branch_end) return;
    char *close = branch_end;
    int quotes = 0;
    char *q = close;
    while (q > params && quotes < 2) if (*--q == '"') quotes++;
    nth_string(q, 0, p->ntime, sizeof p->ntime);
    p->notified = now();
    if (idle_mode) {
        if (strcmp(newest_job, p->job) != 0) {
            strcpy(newest_job, p->job);
            newest_count = 0;
            newest_first = p->notified;
        }
        if (++newest_count == connections) {
            printf("{\"job\":\"%s\",\"connections\":%d,\"firstToLastMs\":%.3f}\n", newest_job, connections,
                   (p->notified - newest_first) * 1e3);
            fflush(stdout);
        }
    }
}

static void take_line(struct peer *p, char *line, double t) {
    if (strstr(line, "mining.notify\",\"params") || strstr(line, "\"method\":\"mining.notify\"") ||
        (strstr(line, "\"method\": \"mining.notify\""))) {
        take_notify(p, line);
        return;
    }
    if (strstr(line, "\"method\"")) return;
    char *id = strstr(line, "\"id\":");
    uint64_t number = id ? strtoull(id + 5, NULL, 10) : 0;
    if (number == 1) { /* subscribe: the extranonce2 size is the number before the result's last bracket */
        char *result = strstr(line, "\"result\"");
        char *error = result ? strstr(result, "\"error\"") : NULL;
        char *end = error ? error : line + strlen(line);
        while (end > line && (*end < '0' || *end > '9')) end--;
        p->extranonce2_bytes = *end - '0';
        return;
    }
    if (number == 2) { p->ready = strstr(line, "true") != NULL; if (!p->ready) { fprintf(stderr, "authorize: %s\n", line); exit(1); } return; }
    if (number < 1000) return;
    double latency = t - p->sent[number % FLIGHT_MAX];
    long bucket = (long)(latency * 1e5);
    if (bucket < 0) bucket = 0;
    if (bucket >= HISTOGRAM_BUCKETS) bucket = HISTOGRAM_BUCKETS - 1;
    histogram[bucket]++;
    p->in_flight--;
    if (strstr(line, "\"result\":true") || strstr(line, "\"result\": true")) accepted++;
    else {
        rejected++;
        if (!sample_reject[0]) strncpy(sample_reject, line, sizeof sample_reject - 1);
    }
}

/* Reads once; returns how many lines came. */
static int take_input(struct peer *p) {
    static char in[READ_BYTES + LINE_BYTES + 1];
    memcpy(in, p->rest, p->rest_bytes);
    ssize_t n = read(p->fd, in + p->rest_bytes, READ_BYTES);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (n <= 0) { dropped++; close(p->fd); p->fd = -1; return -1; }
    size_t have = p->rest_bytes + (size_t)n, at = 0;
    double t = now();
    int lines = 0;
    for (;;) {
        char *end = memchr(in + at, '\n', have - at);
        if (!end) break;
        *end = 0;
        take_line(p, in + at, t);
        at = (size_t)(end - in) + 1;
        lines++;
    }
    p->rest_bytes = have - at;
    if (p->rest_bytes > LINE_BYTES) { fprintf(stderr, "line too long\n"); exit(1); }
    memcpy(p->rest, in + at, p->rest_bytes);
    return lines;
}

static double percentile(double share) {
    uint64_t total = 0, sum = 0;
    for (long i = 0; i < HISTOGRAM_BUCKETS; i++) total += histogram[i];
    for (long i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += histogram[i];
        if (sum >= (uint64_t)(share * (double)total) && sum > 0) return (double)(i + 1) * 1e-2;
    }
    return 0;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv) {
    if (argc < 7) {
        fprintf(stderr, "usage: load load HOST PORT USER CONNECTIONS IN_FLIGHT SECONDS [RATE]\n"
                        "       load idle HOST PORT USER CONNECTIONS SECONDS\n");
        return 2;
    }
    idle_mode = strcmp(argv[1], "idle") == 0;
    user = argv[4];
    connections = atoi(argv[5]);
    flight = idle_mode ? 0 : atoi(argv[6]);
    double seconds = atof(argv[idle_mode ? 6 : 7]);
    double rate = argc > 8 ? atof(argv[8]) : 0;
    if (flight > FLIGHT_MAX) { fprintf(stderr, "at most %d in flight\n", FLIGHT_MAX); return 2; }
    struct rlimit files = {(rlim_t)connections + 64, (rlim_t)connections + 64};
    setrlimit(RLIMIT_NOFILE, &files);
    histogram = calloc(HISTOGRAM_BUCKETS, sizeof *histogram);
    peers = calloc((size_t)connections, sizeof *peers);
    int poll = epoll_create1(0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) { fprintf(stderr, "HOST must be an IPv4 address\n"); return 2; }
    double connect_start = now();
    for (int i = 0; i < connections; i++) {
        struct peer *p = &peers[i];
        p->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (p->fd < 0) die("socket");
        /* More than one loopback source address, for more connections than there are ports. */
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(i / 20000))};
        bind(p->fd, (struct sockaddr *)&from, sizeof from);
        if (connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
        int one = 1;
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(p->fd, F_SETFL, O_NONBLOCK);
        p->next_id = 1000;
        p->extranonce2_bytes = 8;
        p->extranonce2 = (uint64_t)i << 24;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(poll, EPOLL_CTL_ADD, p->fd, &event);
        char hello[512];
        int n = snprintf(hello, sizeof hello,
            "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"load/1\"]}\n"
            "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"%s\",\"x\"]}\n", user);
        write_all(p, hello, (size_t)n);
    }
    struct epoll_event events[512];
    int ready = 0;
    while (ready < connections) {
        int n = epoll_wait(poll, events, 512, 10000);
        if (n == 0) { fprintf(stderr, "%d of %d connections got no job within 10 s\n", connections - ready, connections); return 1; }
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            int before = p->ready && p->job[0];
            if (p->fd < 0 || take_input(p) < 0) { fprintf(stderr, "connection dropped at login\n"); return 1; }
            if (!before && p->ready && p->job[0]) ready++;
        }
    }
    if (idle_mode) {
        printf("{\"connected\":%d,\"seconds\":%.3f}\n", connections, now() - connect_start);
        fflush(stdout);
    }
    double start = now(), end = start + seconds, cpu_start = cpu_seconds();
    if (!idle_mode && rate == 0) for (int i = 0; i < connections; i++) submit(&peers[i], flight);
    uint64_t sent = 0;
    int turn = 0;
    while (now() < end) {
        if (rate > 0) {
            uint64_t due = (uint64_t)((now() - start) * rate);
            for (int tries = 0; sent < due && tries < connections; tries++) {
                struct peer *p = &peers[turn++ % connections];
                if (p->fd >= 0 && p->in_flight < flight) { submit(p, 1); sent++; }
            }
        }
        int n = epoll_wait(poll, events, 512, rate > 0 ? 1 : 100);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (p->fd < 0 || take_input(p) <= 0) continue;
            if (!idle_mode && rate == 0 && p->in_flight < flight) submit(p, flight - p->in_flight);
        }
    }
    double elapsed = now() - start;
    if (!idle_mode) {
        printf("{\"connections\":%d,\"inFlight\":%d,\"seconds\":%.3f,\"accepted\":%llu,\"rejected\":%llu,\"dropped\":%llu,"
               "\"acceptedPerSecond\":%.1f,\"p50Ms\":%.2f,\"p99Ms\":%.2f,\"loadCpuSeconds\":%.3f}\n",
               connections, flight, elapsed, (unsigned long long)accepted, (unsigned long long)rejected,
               (unsigned long long)dropped, (double)accepted / elapsed, percentile(0.5), percentile(0.99),
               cpu_seconds() - cpu_start);
        if (sample_reject[0]) fprintf(stderr, "a reject: %s\n", sample_reject);
    }
    return 0;
}
