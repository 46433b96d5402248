import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { LineFramer } from '#front/net/listen/framer';
import { listenTcp } from '#front/net/listen/tcp';
import { Client, makeJob } from '../front/session/support.ts';
import { recordedLogger } from '../support/recorded-logger.ts';
import { StratumClient } from '../support/stratum-client.ts';
import { type Dialogue, dialogues } from './dialogue.ts';
import { makeFront } from './front.ts';

/** What the pool says to a client whose bytes come cut as `chunks` says. */
function transcript({ turns }: Dialogue, chunks: (bytes: Buffer, write: number) => readonly Uint8Array[]): string[] {
  const deferred: (() => void)[] = [];
  const bench = makeFront((settle) => deferred.push(settle));
  const { handler, wire } = new Client(bench.stratum);
  const framer = new LineFramer(limits.lineBytesMax, (bytes, begin, end) => {
    handler.onMessage(bytes, begin, end);
    return wire.closes === 0;
  });
  let [serial, write] = [1, 0];
  for (const turn of turns) {
    if (turn.kind === 'write') {
      for (const chunk of chunks(Buffer.from(turn.lines.map((line) => `${line}\n`).join('')), write))
        framer.push(chunk);
      for (const settle of deferred.splice(0)) settle();
      write += 1;
    } else if (turn.kind === 'job') {
      serial += 1;
      bench.registry.broadcast(makeJob(serial, { cleanJobs: turn.clean }));
    }
  }
  return wire.texts;
}

describe.each(dialogues)('the bytes of $client', (dialogue) => {
  const whole = transcript(dialogue, (bytes) => [bytes]);

  it('say the same one by one', () => {
    expect(transcript(dialogue, (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('say the same cut at every place', () => {
    let cuts = 0;
    for (const [write, turn] of dialogue.turns.filter(({ kind }) => kind === 'write').entries()) {
      const bytes = turn.kind === 'write' ? Buffer.byteLength(`${turn.lines.join('\n')}\n`) : 0;
      for (let at = 1; at < bytes; at += 1) {
        const cut = transcript(dialogue, (chunk, index) =>
          index === write ? [chunk.subarray(0, at), chunk.subarray(at)] : [chunk],
        );
        if (cut.join('\n') !== whole.join('\n')) expect(cut, `write ${write}, cut at ${at}`).toEqual(whole);
        cuts += 1;
      }
    }
    expect(cuts).toBeGreaterThan(100);
  });
});

describe('a client that is cut off during its login', () => {
  it('leaves nothing behind, at whatever byte, and the next one is served', async () => {
    const login =
      '{"id":1,"method":"mining.subscribe","params":["cut/1"]}\n{"id":2,"method":"mining.authorize","params":["me","x"]}\n';
    const bench = makeFront(setImmediate);
    const listener = await listenTcp(
      { host: '127.0.0.1', port: 0 },
      { accept: (wire) => bench.stratum.accept(wire), logger: recordedLogger() },
    );
    for (let at = 0; at <= login.length; at += 1) {
      const socket = connect(listener.address);
      await new Promise<void>((resolve) => socket.once('connect', resolve));
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        if (at % 2 === 0) socket.end(login.slice(0, at), () => socket.destroy());
        else socket.write(login.slice(0, at), () => socket.resetAndDestroy());
      });
    }
    const client = await StratumClient.tcp(listener.address.host, listener.address.port);
    await client.login('next');
    expect(client.work.jobId).toMatch(/^0000000001/);
    client.close();
    await listener.close();
    await expect.poll(() => bench.registry.sessions).toBe(0);
    expect(bench.registry.counters.authorizedWorkers).toBe(0);
  });
});
