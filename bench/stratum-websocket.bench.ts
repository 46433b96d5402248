import { runBenchmark } from './run/benchmark.ts';
import { startCeiling } from './run/server.ts';
import { stratumBenchmark } from './stratum-load.ts';

await runBenchmark(
  stratumBenchmark(
    'stratum-websocket',
    'How many valid shares a second are accepted over WebSocket, each on disk before its reply, at what CPU and latency?',
    {
      transport: 'websocket',
      ceilings: async () => [await startCeiling('echo on uWebSockets.js', 'echo-websocket')],
    },
  ),
);
