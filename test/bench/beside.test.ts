import { describe, expect, it } from 'vitest';
import { besideServers, parseBeside } from '../../bench/run/beside.ts';

describe('a pool beside', () => {
  it('has a name, a place, processes and perhaps a user', () => {
    expect(parseBeside('their pool=stratum+tcp://127.0.0.1:3333,pid=12')).toEqual({
      text: 'their pool=stratum+tcp://127.0.0.1:3333,pid=12',
      name: 'their pool',
      transport: 'tcp',
      port: 3333,
      pids: [12],
      user: undefined,
    });
    expect(parseBeside('x=ws://127.0.0.1:80/,pid=1,user=tb1q.rig=1,pid=2')).toMatchObject({
      transport: 'websocket',
      pids: [1, 2],
      user: 'tb1q.rig=1',
    });
  });

  it.each([
    'stratum+tcp://127.0.0.1:3333,pid=12',
    '=stratum+tcp://127.0.0.1:3333,pid=12',
    'x=stratum+tcp://127.0.0.1:3333',
    'x=stratum+tcp://127.0.0.1:0,pid=12',
    'x=stratum+tcp://192.0.2.1:3333,pid=12',
    'x=stratum+tcp://127.0.0.1:3333,pid=',
    'x=stratum+tcp://127.0.0.1:3333,pid=1e3',
    'x=stratum+tcp://127.0.0.1:3333,pid=12,count=3',
  ])('is not %j', (text) => {
    expect(() => parseBeside(text)).toThrow('NAME=stratum+tcp://127.0.0.1:PORT');
  });

  it.skipIf(process.platform !== 'linux')('is measured by its processes, over the transport that it speaks', () => {
    const pool = parseBeside(`x=stratum+tcp://127.0.0.1:3333,pid=${process.pid},user=me`);
    const [server] = besideServers([pool], 'tcp');
    expect(server).toMatchObject({ name: 'x', tcpPort: 3333, user: 'me' });
    expect(server?.tree().processes).toBeGreaterThanOrEqual(1);
    expect(() => besideServers([pool], 'websocket')).toThrow('websocket');
    expect(() => besideServers([{ ...pool, pids: [2 ** 30] }], 'tcp')).toThrow('no process');
  });
});
