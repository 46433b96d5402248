import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io';
import { formatHashrate } from '#cli/miner';
import { run } from '#cli/program';
import { FakeIo } from './harness.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A pool that hands out one job at a difficulty that nearly every hash meets, and says yes to everyone but `nobody`. */
async function yesPool(onShare: () => void = () => undefined): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const send = (message: object) => socket.write(`${JSON.stringify(message)}\n`);
    createInterface({ input: socket }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line) as { id: number; method: string; params: string[] };
      if (method === 'mining.subscribe') send({ id, result: [[], '00000001', 8], error: null });
      else if (method === 'mining.authorize') {
        const allowed = params[0] !== 'nobody';
        send({ id, result: allowed, error: allowed ? null : [24, 'Unauthorized \u001b[2Jworker', null] });
        send({ id: null, method: 'mining.set_difficulty', params: [1e-9] });
        const work = [
          '00000000aa',
          '00'.repeat(32),
          '01'.repeat(60),
          '01'.repeat(60),
          [],
          '20000000',
          '207fffff',
          '66000000',
          true,
        ];
        send({ id: null, method: 'mining.notify', params: work });
      } else if (method === 'mining.submit') {
        send({ id, result: true, error: null });
        onShare();
      } else send({ id, result: null, error: [20, 'unknown', null] });
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('sluice miner', () => {
  it('mines until it is stopped, and says what came of it', async () => {
    const io = new FakeIo();
    let shares = 0;
    const url = await yesPool(() => {
      shares++;
      if (shares === 5) io.signal('SIGINT');
    });
    expect(await run(['miner', '--url', url, '--json'], io)).toBe(exitCodes.fine);
    const report = JSON.parse(io.out);
    expect(report).toMatchObject({ accepted: shares, rejected: 0, connects: 1, difficulty: 1e-9 });
    expect(report.hashrate).toBeGreaterThan(0);
    expect(io.err).toContain('mining at difficulty 1e-9');
    expect(io.err).not.toContain('\r');
  });

  it('keeps a line of progress on a terminal', async () => {
    const io = new FakeIo({}, true);
    const url = await yesPool();
    expect(await run(['miner', '--url', url, '--duration', '2'], io)).toBe(exitCodes.fine);
    const shown = io.err.split('\r\u001b[K');
    const line = /^\d+ s, [0-9.]+ [kMG]?H\/s, \d+ accepted, 0 rejected, difficulty 1e-9$/;
    expect(shown).toContainEqual(expect.stringMatching(line));
    expect(io.out).toMatch(/^\d+ s, .* accepted, 0 rejected, difficulty 1e-9\n$/);
  });

  it('fails if the pool refuses the user', async () => {
    const io = new FakeIo();
    expect(await run(['miner', '--url', await yesPool(), '--user', 'nobody'], io)).toBe(exitCodes.failed);
    expect(io.err).toContain('refused');
    expect(io.err).not.toContain('\u001b');
  });

  it('fails without a pool, and says what to do', async () => {
    const io = new FakeIo();
    const url = await yesPool();
    for (const server of servers.splice(0)) {
      server.close();
      await once(server, 'close');
    }
    expect(await run(['miner', '--url', url, '--duration', '1'], io)).toBe(exitCodes.failed);
    expect(io.err).toContain('is the pool running? (sluice start)');
  });

  it.each([['http://127.0.0.1:1'], ['127.0.0.1:3333'], ['tcp://127.0.0.1'], ['tcp://u:p@h:1']])(
    'knows a bad URL: %s',
    async (url) => {
      const io = new FakeIo();
      expect(await run(['miner', '--url', url], io)).toBe(exitCodes.usage);
      expect(io.err).toContain('miner: ');
    },
  );
});

describe('a hashrate', () => {
  it.each([
    [0, '0.00 H/s'],
    [999, '999.00 H/s'],
    [1000, '1.00 kH/s'],
    [1.5e6, '1.50 MH/s'],
    [2e18, '2.00 EH/s'],
    [3e22, '30000.00 EH/s'],
  ])('%d is %s', (rate, text) => expect(formatHashrate(rate)).toBe(text));
});
