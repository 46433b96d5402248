/*
 * The ceiling of the kernel benchmark: the same share verification with the processor's SHA-256 instructions.
 * It takes the shortcut that every kernel takes, the state after coinb1's whole blocks, and no other.
 * STREAMS shares are hashed side by side (1 or 2), since the instructions' latency is longer than their throughput.
 *
 * Reads commands from stdin, a line each, and answers each `run` on stdout:
 *   job COINB1 EXTRANONCE1 COINB2 PREVIOUS_HASH VERSION NTIME BITS [BRANCH …]     bytes in hex, numbers decimal
 *   run FIRST COUNT        shares FIRST … FIRST + COUNT - 1: extranonce2 is the number as 8 bytes big-endian, the nonce its
 *                          low 32 bits; answers "CPU_NANOSECONDS HASH", the hash of the last share in hex
 *
 * cc -O3 -msha -msse4.1 -DSTREAMS=1 sha-ni.c
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef STREAMS
#define STREAMS 1
#endif
#define EACH for (int s = 0; s < STREAMS; s++)
#define COINBASE_BYTES_MAX 4096
#define BRANCHES_MAX 32

static const uint32_t K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static const uint32_t IV[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* Eight words of a digest, as 32-bit numbers. */
typedef struct {
  __m128i low, high;
} words;

static __m128i swap_bytes(__m128i x) {
  return _mm_shuffle_epi8(x, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

/* One block of each stream; message[s] holds its 16 words. */
static inline void compress(words state[STREAMS], __m128i message[STREAMS][4]) {
  __m128i abef[STREAMS], cdgh[STREAMS], abef_in[STREAMS], cdgh_in[STREAMS];
  EACH {
    __m128i badc = _mm_shuffle_epi32(state[s].low, 0xb1), hgfe = _mm_shuffle_epi32(state[s].high, 0x1b);
    abef_in[s] = abef[s] = _mm_alignr_epi8(badc, hgfe, 8);
    cdgh_in[s] = cdgh[s] = _mm_blend_epi16(hgfe, badc, 0xf0);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    EACH {
      __m128i *m = message[s];
      __m128i wk = _mm_add_epi32(m[i & 3], _mm_load_si128((const __m128i *)(K + 4 * i)));
      cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], wk);
      abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(wk, 0x0e));
      if (i < 12) {
        __m128i seventh = _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4);
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]), seventh);
        m[i & 3] = _mm_sha256msg2_epu32(sum, m[(i + 3) & 3]);
      }
    }
  }
  EACH {
    __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef[s], abef_in[s]), 0x1b);
    __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh[s], cdgh_in[s]), 0xb1);
    state[s].low = _mm_blend_epi16(feba, dchg, 0xf0);
    state[s].high = _mm_alignr_epi8(dchg, feba, 8);
  }
}

static inline void begin(words state[STREAMS]) {
  EACH {
    state[s].low = _mm_loadu_si128((const __m128i *)IV);
    state[s].high = _mm_loadu_si128((const __m128i *)(IV + 4));
  }
}

/* digest[s] = SHA-256 of digest[s]. */
static inline void hash_digests(words digest[STREAMS]) {
  __m128i message[STREAMS][4];
  EACH {
    message[s][0] = digest[s].low;
    message[s][1] = digest[s].high;
    message[s][2] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
    message[s][3] = _mm_set_epi32(256, 0, 0, 0);
  }
  begin(digest);
  compress(digest, message);
}

/* digest[s] = SHA-256d of digest[s] and the branch. */
static inline void hash_pairs(words digest[STREAMS], words branch) {
  __m128i message[STREAMS][4];
  EACH {
    message[s][0] = digest[s].low;
    message[s][1] = digest[s].high;
    message[s][2] = branch.low;
    message[s][3] = branch.high;
  }
  begin(digest);
  compress(digest, message);
  EACH {
    message[s][0] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
    message[s][1] = message[s][2] = _mm_setzero_si128();
    message[s][3] = _mm_set_epi32(512, 0, 0, 0);
  }
  compress(digest, message);
  hash_digests(digest);
}

static struct {
  uint8_t coinbase[STREAMS][COINBASE_BYTES_MAX + 128];
  size_t hole, first_block, blocks;
  words midstate, branch[BRANCHES_MAX], previous;
  int branches;
  uint32_t version, ntime, bits;
} job;

static void load_block(__m128i message[4], const uint8_t *block) {
  for (int i = 0; i < 4; i++) message[i] = swap_bytes(_mm_loadu_si128((const __m128i *)(block + 16 * i)));
}

/* hash[s] = hash of the header of share first + s. */
static void verify(uint64_t first, words hash[STREAMS]) {
  __m128i message[STREAMS][4];
  EACH {
    uint64_t extranonce2 = __builtin_bswap64(first + s);
    memcpy(job.coinbase[s] + job.hole + 4, &extranonce2, 8);
    hash[s] = job.midstate;
  }
  for (size_t block = job.first_block; block < job.blocks; block++) {
    EACH load_block(message[s], job.coinbase[s] + 64 * block);
    compress(hash, message);
  }
  hash_digests(hash);
  for (int i = 0; i < job.branches; i++) hash_pairs(hash, job.branch[i]);

  uint32_t root_end[STREAMS];
  EACH {
    __m128i root_low = hash[s].low, root_high = hash[s].high;
    __m128i version = _mm_cvtsi32_si128((int)__builtin_bswap32(job.version));
    root_end[s] = (uint32_t)_mm_extract_epi32(root_high, 3);
    message[s][0] = _mm_alignr_epi8(job.previous.low, _mm_slli_si128(version, 12), 12);
    message[s][1] = _mm_alignr_epi8(job.previous.high, job.previous.low, 12);
    message[s][2] = _mm_alignr_epi8(root_low, job.previous.high, 12);
    message[s][3] = _mm_alignr_epi8(root_high, root_low, 12);
  }
  begin(hash);
  compress(hash, message);
  EACH {
    uint32_t nonce = (uint32_t)(first + s);
    message[s][0] = _mm_set_epi32((int)__builtin_bswap32(nonce), (int)__builtin_bswap32(job.bits),
                                  (int)__builtin_bswap32(job.ntime), (int)root_end[s]);
    message[s][1] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
    message[s][2] = _mm_setzero_si128();
    message[s][3] = _mm_set_epi32(640, 0, 0, 0);
  }
  compress(hash, message);
  hash_digests(hash);
}

static size_t unhex(const char *text, uint8_t *bytes, size_t max) {
  size_t length = strlen(text) / 2;
  if (length > max) exit(2);
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) exit(2);
    bytes[i] = (uint8_t)byte;
  }
  return length;
}

static words unhex_words(const char *text) {
  uint8_t bytes[32];
  if (unhex(text, bytes, 32) != 32) exit(2);
  words result = {swap_bytes(_mm_loadu_si128((const __m128i *)bytes)),
                  swap_bytes(_mm_loadu_si128((const __m128i *)(bytes + 16)))};
  return result;
}

static char *next(void) {
  char *token = strtok(NULL, " \n");
  if (!token) exit(2);
  return token;
}

static void load_job(void) {
  uint8_t *coinbase = job.coinbase[0];
  size_t max = COINBASE_BYTES_MAX;
  job.hole = unhex(next(), coinbase, max - 12);
  if (unhex(next(), coinbase + job.hole, 4) != 4) exit(2);
  size_t bytes = job.hole + 12 + unhex(next(), coinbase + job.hole + 12, max - job.hole - 12);
  job.previous = unhex_words(next());
  job.version = (uint32_t)strtoul(next(), NULL, 10);
  job.ntime = (uint32_t)strtoul(next(), NULL, 10);
  job.bits = (uint32_t)strtoul(next(), NULL, 10);
  job.branches = 0;
  for (char *branch; job.branches < BRANCHES_MAX && (branch = strtok(NULL, " \n")); job.branches++) {
    job.branch[job.branches] = unhex_words(branch);
  }
  job.blocks = (bytes + 72) / 64;
  memset(coinbase + bytes, 0, 64 * job.blocks - bytes);
  coinbase[bytes] = 0x80;
  uint32_t bits = __builtin_bswap32((uint32_t)bytes * 8);
  memcpy(coinbase + 64 * job.blocks - 4, &bits, 4);
  EACH if (s > 0) memcpy(job.coinbase[s], coinbase, 64 * job.blocks);

  job.first_block = job.hole / 64;
  words state[STREAMS];
  __m128i message[STREAMS][4];
  begin(state);
  for (size_t block = 0; block < job.first_block; block++) {
    EACH load_block(message[s], coinbase + 64 * block);
    compress(state, message);
  }
  job.midstate = state[0];
}

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void run(void) {
  uint64_t first = strtoull(next(), NULL, 10), count = strtoull(next(), NULL, 10);
  if (count == 0 || count % STREAMS != 0) exit(2);
  words hash[STREAMS];
  uint64_t start = cpu_ns();
  for (uint64_t done = 0; done < count; done += STREAMS) verify(first + done, hash);
  printf("%llu ", (unsigned long long)(cpu_ns() - start));
  uint8_t bytes[32];
  _mm_storeu_si128((__m128i *)bytes, swap_bytes(hash[STREAMS - 1].low));
  _mm_storeu_si128((__m128i *)(bytes + 16), swap_bytes(hash[STREAMS - 1].high));
  for (int i = 0; i < 32; i++) printf("%02x", bytes[i]);
  printf("\n");
  fflush(stdout);
}

int main(void) {
  static char line[65536];
  while (fgets(line, sizeof line, stdin)) {
    char *command = strtok(line, " \n");
    if (command && strcmp(command, "job") == 0) load_job();
    else if (command && strcmp(command, "run") == 0) run();
    else return 2;
  }
  return 0;
}
