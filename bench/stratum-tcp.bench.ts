import { runBenchmark } from './run/benchmark.ts';
import { startCeiling } from './run/server.ts';
import { stratumBenchmark } from './stratum-load.ts';

await runBenchmark(
  stratumBenchmark(
    'stratum-tcp',
    'How many valid shares a second are accepted over TCP, each on disk before its reply, at what CPU and latency?',
    {
      transport: 'tcp',
      ceilings: async () => [
        await startCeiling('echo, a write per chunk', 'echo-server'),
        await startCeiling('echo, a write per reply', 'echo-server', '--per-reply'),
      ],
    },
  ),
);
