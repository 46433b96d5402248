import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

/** How finely the event loop's delay is sampled, ms; also its floor. */
const LOOP_SAMPLE_MS = 10;

/**
 * Memory, CPU and event loop of this process, under the names that dashboards for Node know. prom-client's own
 * collection is left out: it lists every handle and file descriptor at each scrape, which 60,000 connections would feel.
 */
export function registerProcessMetrics(registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        try {
          this.set(read());
        } catch {
          // Memory is read from /proc. Without a descriptor for that the gauge keeps its last value.
        }
      },
    });
  };
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time, all threads',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge('process_start_time_seconds', 'Start of the process, UNIX time', () => performance.timeOrigin / 1000);
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use', () => process.memoryUsage().heapUsed);
  gauge(
    'nodejs_external_memory_bytes',
    'Memory of buffers outside the JavaScript heap',
    () => process.memoryUsage().external,
  );
  const delay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  delay.enable();
  const seconds = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0);
  gauge('nodejs_eventloop_lag_p50_seconds', 'Event loop delay since the start, median', () =>
    seconds(delay.percentile(50)),
  );
  gauge('nodejs_eventloop_lag_p99_seconds', 'Event loop delay since the start, 99th percentile', () =>
    seconds(delay.percentile(99)),
  );
  gauge('nodejs_eventloop_lag_max_seconds', 'Event loop delay since the start, worst', () => seconds(delay.max));
}
