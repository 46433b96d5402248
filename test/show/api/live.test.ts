import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Topic } from '#show/api/live/topic';
import { Watcher } from '#show/api/live/watcher';
import type { Server } from '#show/api/server';
import type { PoolStatus } from '#show/api/status';
import { startHttp } from '../../support/http.ts';

const opened: Server[] = [];
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

/** What the feed says, as it comes. */
interface Message {
  readonly topic?: string;
  readonly error?: string;
  readonly snapshot?: Record<string, unknown>;
  readonly delta?: Record<string, unknown>;
}

async function watch(address: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://${address}/live`, { headers });
  sockets.push(socket);
  const messages: Message[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  await once(socket, 'open');
  return { socket, messages, say: (message: unknown) => socket.send(JSON.stringify(message)) };
}

/** Only what the feed reads of it. */
const status = (uptimeSeconds: number) => ({ name: 'sluice', uptimeSeconds }) as PoolStatus;

describe('the live feed', () => {
  it('sends a snapshot of a topic, then what changes; asks once for all who watch, and not for nobody', async () => {
    let asked = 0;
    const started = await startHttp({ pool: () => status(asked++) });
    opened.push(started.server);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(asked).toBe(0);
    const watchers = await Promise.all(Array.from({ length: 20 }, () => watch(started.address)));
    for (const { say } of watchers) say({ subscribe: ['pool'] });
    for (const { messages } of watchers) {
      await expect.poll(() => messages.length).toBeGreaterThan(2);
      const [first, second] = messages;
      expect(first).toMatchObject({ topic: 'pool', snapshot: { name: 'sluice', uptimeSeconds: expect.any(Number) } });
      expect(Object.keys(second?.delta ?? second?.snapshot ?? {})).toContain('uptimeSeconds');
    }
    expect(watchers[0]?.messages.at(-1)?.delta).toEqual({ uptimeSeconds: expect.any(Number) });
    // Twenty began to watch, each of whom may have had it asked for; from then on it is once a second.
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(asked - before).toBeLessThanOrEqual(4);
  });

  it('says what can not be watched, bounds what is, and shows out who floods it', async () => {
    const started = await startHttp({ pool: () => status(1), miner: async () => ({ kind: 'nobody' }) });
    opened.push(started.server);
    const { socket, messages, say } = await watch(started.address);
    say({ subscribe: ['no such', '__proto__', 'miner:nobody'] });
    await expect.poll(() => messages.map(({ error }) => error)).toHaveLength(3);
    socket.send('no JSON');
    await expect.poll(() => messages.length).toBe(4);
    const closed = once(socket, 'close');
    for (let message = 0; message < 100; message += 1) say({ subscribe: [] });
    expect((await closed)[0]).toBe(1008);
    const { socket: other } = await watch(started.address);
    const gone = once(other, 'close');
    other.send('x'.repeat(5_000));
    await gone;
    expect((await fetch(`${started.url}/readyz`)).status).toBe(200);
  });

  it('is for the sites of the config alone, and leaves other upgrades alone', async () => {
    const started = await startHttp({ pool: () => status(1) }, { origins: ['https://farm.example'] });
    opened.push(started.server);
    await watch(started.address, { origin: 'https://farm.example' });
    await expect(watch(started.address, { origin: 'https://evil.example' })).rejects.toThrow('403');
    const answer = await fetch(`${started.url}/readyz`, { headers: { origin: 'https://evil.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const good = await fetch(`${started.url}/readyz`, { headers: { origin: 'https://farm.example' } });
    expect(good.headers.get('access-control-allow-origin')).toBe('https://farm.example');
    const raw = connect(started.server.port, '127.0.0.1');
    raw.write('GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    let text = '';
    raw.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(raw, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('a slow watcher', () => {
  it('gets the newest state when it has read, and nothing of what was between', async () => {
    let value = 0;
    const topic = new Topic('t', async () => ({ value, same: 1 }));
    const sent: Message[] = [];
    const channel = { waitingBytes: 0, send: (message: string) => void sent.push(JSON.parse(message)) };
    const watcher = new Watcher(channel);
    watcher.watch(topic);
    for (; value < 5; value += 1) {
      await topic.refresh();
      watcher.push();
      channel.waitingBytes = value > 0 ? 1 : 0;
    }
    expect(sent).toHaveLength(2);
    expect(sent[1]).toMatchObject({ delta: { value: 1 } });
    channel.waitingBytes = 0;
    watcher.push();
    expect(sent.slice(2)).toMatchObject([{ snapshot: { value: 4, same: 1 } }]);
    watcher.push();
    expect(sent).toHaveLength(3);
    watcher.forgetAll();
    expect(topic.watchers).toBe(0);
  });

  it('hears that a topic can not be told, and of it again', async () => {
    let fails = true;
    const topic = new Topic('t', async () => {
      if (fails) throw new Error('no work yet');
      return { height: 1 };
    });
    await topic.refresh();
    expect(JSON.parse(topic.edition?.snapshot ?? '')).toMatchObject({ snapshot: { unavailable: 'no work yet' } });
    fails = false;
    await topic.refresh();
    expect(JSON.parse(topic.edition?.delta ?? '')).toMatchObject({ delta: { height: 1, unavailable: null } });
  });
});
