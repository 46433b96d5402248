import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { closings } from '#front/session/closings';
import { type Bench, type Client, inShort, makeBench, makeJob } from './support.ts';

function setUp(): Bench & { client: Client } {
  const bench = makeBench();
  bench.registry.broadcast(makeJob(1));
  return { ...bench, client: bench.connect() };
}

function last({ wire }: Client): string | undefined {
  return inShort(wire.take()).at(-1);
}

describe('a session that is closed', () => {
  it('is told that it did not subscribe, or did not log in, in time', () => {
    const { registry, clock, client, connect } = setUp();
    const halfway = connect();
    client.call('mining.configure', [[], {}]);
    halfway.call('mining.subscribe');
    clock.ms = limits.subscribeMsMax + 1;
    registry.tick();
    expect(last(client)).toBe(`message ${closings.unsubscribed}`);
    expect(last(halfway)).toBeUndefined();
    clock.ms = limits.authorizeMsMax + 1;
    registry.tick();
    expect(last(halfway)).toBe(`message ${closings.unauthorized}`);
    expect([client, halfway].map(({ wire }) => wire.closes > 0)).toEqual([true, true]);
  });

  it('is told that it was silent', () => {
    const { registry, clock, client } = setUp();
    client.login();
    clock.ms = limits.idleMsMax;
    registry.tick();
    expect(client.wire.closes).toBe(0);
    clock.ms += limits.idleMsMax + 1;
    registry.tick();
    expect(last(client)).toBe(`message ${closings.silent}`);
  });

  it('is told that its lines were no messages', () => {
    const { client } = setUp();
    client.login();
    const lines = Array.from({ length: limits.unparsableLinesMax }, () => client.say('nonsense')).at(-1) ?? [];
    expect(inShort(lines)).toEqual(['error -32700', `message ${closings.junk}`]);
  });

  it('is told that it sent too much while its password was checked', () => {
    const bench = makeBench({}, { authorize: () => new Promise(() => {}) });
    const client = bench.connect();
    client.call('mining.authorize', ['someone', 'x']);
    const line = JSON.stringify({ id: 2, method: 'mining.ping', params: ['x'.repeat(1000)] });
    const linesMax = Math.floor(limits.heldBytesMax / line.length);
    for (let lines = 0; lines < linesMax; lines += 1) expect(client.say(line)).toEqual([]);
    expect(inShort(client.say(line))).toEqual([`message ${closings.held}`]);
    expect(client.wire.closes).toBe(1);
  });
});

describe('the closing message', () => {
  it('is bounded, whatever the reason is', () => {
    const { client } = setUp();
    client.login();
    const message = client.handler.closingMessage('鉱'.repeat(10_000)) ?? '';
    expect(message.length).toBeLessThan(limits.lineBytesMax);
    expect(JSON.parse(message).params).toEqual(['鉱'.repeat(limits.closingCharsMax)]);
  });

  it.each([
    ['nothing at all', []],
    ['lines of another protocol', ['GET / HTTP/1.1', 'Host: pool']],
    ['answers to what nobody asked', ['{"id":1,"result":true}']],
    ['methods that Stratum does not have', ['{"id":1,"method":"eth_submitWork","params":[]}']],
  ])('is not for a client that has sent %s', (_name, lines) => {
    const { client } = setUp();
    for (const line of lines) client.say(line);
    expect(client.handler.closingMessage('why')).toBeUndefined();
    client.call('mining.subscribe');
    expect(client.handler.closingMessage('why')).toContain('client.show_message');
  });
});
