import { describe, expect, it } from 'vitest';
import { inShort, MemoryWire, makeBench, makeJob } from '../../session/support.ts';

describe('a conversation', () => {
  it('takes nothing more when the gateway closes, and still answers what was taken', () => {
    const { registry, connect, intake } = makeBench();
    registry.broadcast(makeJob(1));
    const client = connect();
    client.login();
    const submit = ['someone.rig', '00000000010001', '0000000000000001', '6553f164', '00000001'];
    client.call('mining.submit', submit, 1);
    registry.stopHearing();
    client.call('mining.submit', submit, 2);
    expect(client.call('mining.ping', [], 3)).toEqual([]);
    expect(intake.held.map(({ reply }) => reply)).toEqual([1]);
    intake.settle('accepted');
    expect(inShort(client.wire.take())).toEqual(['result true']);
  });

  it('counts its connection from its begin to its end, once', () => {
    const counts: string[] = [];
    const connections = {
      opened: (transport: string) => void counts.push(`opened ${transport}`),
      closed: (transport: string) => void counts.push(`closed ${transport}`),
    };
    const { connect, stratum, registry } = makeBench({ sessionsMax: 1 }, { connections });
    const client = connect();
    expect(stratum.accept(new MemoryWire()), 'one too many').toBeUndefined();
    client.handler.onClose();
    client.handler.onClose();
    expect(counts).toEqual(['opened tcp', 'closed tcp']);
    expect(registry.sessions).toBe(0);
  });

  it.each(['onEnd', 'onClose'] as const)('contains an error in its own %s', (end) => {
    const connections = {
      opened: () => {},
      closed: () => {
        throw new Error('closed');
      },
    };
    const { connect, contained } = makeBench({}, { connections });
    const client = connect();
    if (end === 'onEnd') {
      client.wire.close = () => {
        throw new Error('close');
      };
    }
    client.handler[end]();
    expect(contained.errors).toBe(1);
  });

  it('refuses a connection whose session can not be made, and contains the error', () => {
    const { stratum, contained } = makeBench(
      {},
      {
        newSessionId: () => {
          throw new Error('no id');
        },
      },
    );
    expect(stratum.accept(new MemoryWire())).toBeUndefined();
    expect(contained.errors).toBe(1);
  });

  it('writes a job once for all sessions that get it under its own id', () => {
    const { registry, connect, stratum } = makeBench();
    registry.broadcast(makeJob(1));
    const clients = [connect(), connect()];
    for (const client of clients) client.login();
    const job = makeJob(2, { cleanJobs: true });
    registry.broadcast(job);
    const [one, other] = clients.map(({ wire }) => wire.texts);
    expect(one).toEqual([stratum.notify(job).text]);
    expect(other).toEqual(one);
    expect(stratum.notify(job)).toBe(stratum.notify(job));
  });
});
