import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { type Client, inShort, makeBench, makeJob } from './support.ts';

function proxy(): { client: Client; login: (name: string, password: string) => string[] } {
  const { registry, connect, clock } = makeBench();
  registry.broadcast(makeJob(1));
  const client = connect();
  client.call('mining.subscribe', ['farm-proxy/1']);
  const login = (name: string, password: string): string[] => {
    clock.ms += 5_000;
    return inShort(client.call('mining.authorize', [name, password]));
  };
  return { client, login };
}

const refusal = (wish: string): string => `message ${wish} is not used: another worker of this connection has d=1024`;

describe('d= on a connection with several workers', () => {
  it('holds for all, and a different one of another worker is refused aloud', () => {
    const { login } = proxy();
    expect(login('me.1', 'd=1024')).toEqual(['result true', 'difficulty 1024', 'job 00000000010001 clean']);
    expect(login('me.2', 'd=8192')).toEqual(['result true', refusal('d=8192 of me.2')]);
    expect(login('me.3', 'x')).toEqual(['result true']);
    expect(login('me.4', 'fd=1024')).toEqual(['result true']);
  });

  it('is that of a later worker, if those before it have none', () => {
    const { login } = proxy();
    login('me.1', 'x');
    expect(login('me.2', 'd=1024').slice(0, 2)).toEqual(['result true', 'difficulty 1024']);
    expect(login('me.1', 'd=5')).toEqual(['result true', refusal('d=5 of me.1')]);
  });

  it('may be changed by the worker that brought it', () => {
    const { login } = proxy();
    login('me.1', 'd=512');
    expect(login('me.1', 'd=1024').slice(0, 2)).toEqual(['result true', 'difficulty 1024']);
    expect(login('me.2', 'd=512')).toEqual(['result true', refusal('d=512 of me.2')]);
  });

  it('is refused with a bounded number of messages', () => {
    const { login } = proxy();
    login('me.0', 'd=1024');
    let messages = 0;
    for (let worker = 1; worker <= 100; worker += 1) {
      const lines = login(`me.${worker}`, `d=${worker}`);
      expect(lines[0]).toBe('result true');
      messages += lines.length - 1;
    }
    expect(messages).toBe(limits.refusedWishesToldMax);
  });

  it('is not that of a worker that was refused', () => {
    const { login, client } = proxy();
    client.wire.keptOut.add('me.1');
    expect(login('me.1', 'd=1024')).toEqual(['error 24']);
    expect(login('me.2', 'd=77').slice(0, 2)).toEqual(['result true', 'difficulty 77']);
  });
});
