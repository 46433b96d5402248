/*
 * Stratum V1 load over TCP or WebSocket: many connections, a fixed number of submits in flight on each (or a fixed rate
 * over all), every reply read and counted. Meant for a share difficulty so low that any nonce will do, so that it costs
 * as little of the shared machine as it can.
 *
 *   load [--ws] load HOST PORT USER CONNECTIONS IN_FLIGHT SECONDS [RATE]
 *   load [--ws] idle HOST PORT USER CONNECTIONS SECONDS    holds connections; reports each new job's first and last arrival
 *
 * At the end no more is submitted, and what is in flight gets its reply: `answered` is what the pool must have counted.
 * With RATE a reply's latency counts from when its submit was due, so a pool that stalls does not hide it by being sent
 * less. Idle ends early when stdin is closed. HOST is an IPv4 address.
 *
 * Prints JSON objects on stdout, one a line: `{"connected":N}` when every connection has a job, then one for the run
 * (idle: one for each job).
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

#define EVENTS 512
#define DRAIN_SECONDS 5
/* Loopback source addresses take so many connections each: below a pool's limit for one address, and within its ports. */
#define CONNECTIONS_PER_SOURCE 5000
/* Connections that may wait for their first job at a time: a farm that comes back, not a flood. */
#define LOGIN_WINDOW 512
#define USER_BYTES_MAX 200
#define USERS_MAX 65536
#define USERS_BYTES_MAX (8 << 20)

static char *users[USERS_MAX];
static int user_count;

static struct peer *peers;
static int connections, flight;
static struct { char id[64]; int count; double first; } newest;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void no_job(struct peer *p) { (void)p; }

/* Idle: when every connection has the newest job, how long it took from the first to the last. */
static void time_job(struct peer *p) {
    double t = now();
    if (strcmp(newest.id, p->job) != 0) {
        strcpy(newest.id, p->job);
        newest.count = 0;
        newest.first = t;
    }
    if (++newest.count < connections) return;
    printf("{\"job\":\"%s\",\"connections\":%d,\"firstToLastMs\":%.3f}\n", newest.id, connections,
           (t - newest.first) * 1e3);
    fflush(stdout);
}

/* Reads a user a line; connection i is the user i modulo their number. */
static void read_users(const char *path) {
    static char text[USERS_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = 0;
    for (char *line = strtok(text, "\n"); line && user_count < USERS_MAX; line = strtok(NULL, "\n")) {
        if (strlen(line) > USER_BYTES_MAX) { fprintf(stderr, "a user is too long\n"); exit(2); }
        users[user_count++] = line;
    }
}

static int has_work(const struct peer *p) { return p->authorized && p->job[0] != 0; }

static void open_peer(struct peer *p, int index, const struct sockaddr_in *to, int poll) {
    p->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (p->fd < 0) die("socket");
    int one = 1;
    uint32_t address = ntohl(to->sin_addr.s_addr);
    if (address >> 24 == 127) { /* 127.0.x.1 */
        struct sockaddr_in from = {.sin_family = AF_INET};
        /* The port is chosen at connect: earlier runs leave thousands waiting, and bind would look for one that none has. */
        setsockopt(p->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        from.sin_addr.s_addr = htonl(0x7f000001u + ((uint32_t)(index / CONNECTIONS_PER_SOURCE) << 8));
        if (bind(p->fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
    }
    if (connect(p->fd, (const struct sockaddr *)to, sizeof *to) != 0) die("connect");
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    p->next_id = FIRST_SUBMIT_ID;
    p->user = user_count > 0 ? users[index % user_count] : NULL;
    p->extranonce2_bytes = 8;
    p->extranonce2 = (uint64_t)index << 24;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    epoll_ctl(poll, EPOLL_CTL_ADD, p->fd, &event);
    if (websocket) write_all(p, websocket_upgrade, sizeof websocket_upgrade - 1);
    else log_in(p);
}

/* Opens all connections, some at a time, until each has a job. */
static void open_all(const struct sockaddr_in *to, int poll) {
    struct epoll_event events[EVENTS];
    for (int opened = 0, ready = 0; ready < connections;) {
        while (opened < connections && opened - ready < LOGIN_WINDOW) {
            open_peer(&peers[opened], opened, to, poll);
            opened++;
        }
        int n = epoll_wait(poll, events, EVENTS, 10000);
        if (n == 0) {
            fprintf(stderr, "%d of %d connections got no job within 10 s\n", opened - ready, connections);
            exit(1);
        }
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            int before = has_work(p);
            if (p->fd < 0 || take_input(p) < 0) { fprintf(stderr, "a connection was dropped at login\n"); exit(1); }
            if (!before && has_work(p)) ready++;
        }
    }
}

/* Waits for input at most so long and takes it; with `refill`, each peer then has `flight` submits on their way again. */
static void turn(int poll, double wait_seconds, int refill) {
    struct epoll_event events[EVENTS];
    struct timespec wait = {0, (long)(wait_seconds * 1e9)};
    int n = epoll_pwait2(poll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct peer *p = events[i].data.ptr;
        if (p->fd < 0 || take_input(p) <= 0) continue;
        if (refill && p->in_flight < flight) submit(p, flight - p->in_flight, now());
    }
}

static void closed_loop(int poll, double end) {
    for (int i = 0; i < connections; i++) submit(&peers[i], flight, now());
    while (now() < end) turn(poll, 0.1, 1);
}

/* Sends what is due, round the connections; the sockets are looked at every 200 us. The first share is due at 1 / rate. */
static void open_loop(int poll, double end, double rate) {
    uint64_t sent = 0;
    int at = 0;
    for (double start = now(), t = start; t < end; t = now()) {
        uint64_t due = (uint64_t)((t - start) * rate);
        for (int tries = 0; sent < due && tries < connections; tries++) {
            struct peer *p = &peers[at++ % connections];
            if (p->fd < 0 || p->in_flight >= flight) continue;
            submit(p, 1, start + (double)(sent + 1) / rate);
            sent++;
        }
        turn(poll, 200e-6, 0);
    }
}

static void idle(int poll, double end) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    /* A closed pipe ends it; a file or a terminal does not, and can not be waited for. */
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    while (now() < end) {
        int n = epoll_wait(poll, events, EVENTS, 100);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (!p) return;
            if (p->fd >= 0) take_input(p);
        }
    }
}

static int in_flight(void) {
    int count = 0;
    for (int i = 0; i < connections; i++) if (peers[i].fd >= 0) count += peers[i].in_flight;
    return count;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static const double shown[] = {0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1};
#define SHOWN ((int)(sizeof shown / sizeof *shown))

static void load(int poll, double seconds, double rate) {
    double start = now(), cpu_start = cpu_seconds();
    if (rate > 0) open_loop(poll, start + seconds, rate);
    else closed_loop(poll, start + seconds);
    double elapsed = now() - start, cpu = cpu_seconds() - cpu_start;
    uint64_t accepted = total.accepted;
    double latency[SHOWN];
    for (int i = 0; i < SHOWN; i++) latency[i] = percentile(shown[i]);
    for (double end = now() + DRAIN_SECONDS; in_flight() > 0 && now() < end;) turn(poll, 0.1, 0);
    printf("{\"connections\":%d,\"inFlight\":%d,\"seconds\":%.3f,\"accepted\":%llu,\"answered\":%llu,\"rejected\":%llu,"
           "\"dropped\":%llu,\"unanswered\":%d,\"acceptedPerSecond\":%.1f,\"loadCpuSeconds\":%.3f,\"latencyMs\":[",
           connections, flight, elapsed, (unsigned long long)accepted, (unsigned long long)total.accepted,
           (unsigned long long)total.rejected, (unsigned long long)total.dropped, in_flight(),
           (double)accepted / elapsed, cpu);
    for (int i = 0; i < SHOWN; i++) printf("%s[%g,%.2f]", i > 0 ? "," : "", shown[i], latency[i]);
    printf("]}\n");
    if (total.sample_reject[0]) fprintf(stderr, "a reject: %s\n", total.sample_reject);
}

static int usage(void) {
    fprintf(stderr, "usage: load [--ws] load HOST PORT USER CONNECTIONS IN_FLIGHT SECONDS [RATE]\n"
                    "       load [--ws] idle HOST PORT USER CONNECTIONS SECONDS\n"
                    "USER may be @FILE: a user a line, for the connections in turn\n");
    return 2;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--ws") == 0) {
        websocket = 1;
        argv++;
        argc--;
    }
    int holds = argc > 1 && strcmp(argv[1], "idle") == 0;
    if (argc < (holds ? 7 : 8)) return usage();
    user = argv[4];
    connections = atoi(argv[5]);
    flight = holds ? 0 : atoi(argv[6]);
    double seconds = atof(argv[holds ? 6 : 7]);
    double rate = argc > 8 ? atof(argv[8]) : 0;
    if (flight > FLIGHT_MAX) { fprintf(stderr, "at most %d in flight\n", FLIGHT_MAX); return 2; }
    if (user[0] == '@') read_users(user + 1);
    if (strlen(user) > USER_BYTES_MAX) { fprintf(stderr, "USER is too long\n"); return 2; }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)connections + 16) { fprintf(stderr, "not so many open files are allowed\n"); return 1; }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) { fprintf(stderr, "HOST must be an IPv4 address\n"); return 2; }
    peers = calloc((size_t)connections, sizeof *peers);
    int poll = epoll_create1(0);
    on_job = holds ? time_job : no_job;
    double began = now();
    open_all(&to, poll);
    printf("{\"connected\":%d,\"seconds\":%.3f}\n", connections, now() - began);
    fflush(stdout);
    if (holds) idle(poll, now() + seconds);
    else load(poll, seconds, rate);
    return 0;
}
