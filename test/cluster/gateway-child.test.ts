import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtFile } from '#base/built';
import { loadConfig } from '#base/config/load';
import type { FromGateway, GatewayStart, ToGateway } from '#cluster/messages';
import { openLogReader } from '#shares/sharelog/consumers/log-reader';
import { dataFolder, noncesOf } from '../shares/sharelog/fixtures.ts';
import { makeJob } from '../support/front.ts';
import { StratumClient } from '../support/stratum-client.ts';

const USER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.rig';

let folder: ReturnType<typeof dataFolder>;
let child: ChildProcess;
const heard: FromGateway[] = [];

/** What the pool says to a gateway. */
const say = (message: ToGateway): void => void child.send(message);
const hear = (type: FromGateway['type']): Promise<unknown> =>
  expect.poll(() => heard.some((message) => message.type === type)).toBe(true);

beforeEach(async () => {
  folder = dataFolder();
  heard.length = 0;
  child = fork(builtFile('cluster/gateway-child.ts'), { serialization: 'advanced' });
  child.on('message', (message: FromGateway) => heard.push(message));
  await hear('hello');
});
afterEach(async () => {
  child.kill('SIGKILL');
  await folder.remove();
});

/** Starts the gateway; resolves with where it listens. */
async function start(job: ReturnType<typeof makeJob>): Promise<URL> {
  const file = join(folder.path, 'sluice.toml');
  writeFileSync(
    file,
    '[stratum]\ntcp = "127.0.0.1:0"\nwebsocket = false\n[stratum.difficulty]\nstart = 1e-9\nvardiff = false\n',
  );
  const { network, stratum, verify } = loadConfig({ file, env: {} });
  mkdirSync(join(folder.path, 'data'));
  const rest = { node: 'n', logLevel: 'warn', epoch: 3, incarnation: 0, consumers: [], bans: [] } as const;
  const options: GatewayStart = {
    folder: join(folder.path, 'data'),
    journal: 'sharelog-1',
    network,
    stratum,
    verify,
    ownCoinbases: undefined,
    sizedCoinbases: false,
    ...rest,
  };
  say({ type: 'start', start: options });
  await hear('started');
  say({ type: 'job', what: 'job 1', job });
  say({ type: 'listen', ports: {} });
  await hear('listening');
  const listening = heard.find((message) => message.type === 'listening');
  return new URL((listening?.endpoints.stratumTcp ?? '').replace('stratum+tcp', 'http'));
}

function stored(): number {
  const reader = openLogReader(join(folder.path, 'data'), 'sharelog-1');
  const nonces = reader ? noncesOf(reader) : [];
  reader?.close();
  return nonces.length;
}

/** A share on its way, and whether it was answered. */
function submitted(client: StratumClient): { answered: boolean } {
  const state = { answered: false };
  void client.submit(client.solve(USER)).then(({ result }) => {
    state.answered = result === true;
  });
  return state;
}

describe('a gateway', () => {
  it('acknowledges no share, nor writes it, before the pool has the job on its disk, then has it there itself', async () => {
    const { hostname, port } = await start(makeJob(0, 1));
    const client = await StratumClient.tcp(hostname, Number(port));
    await client.login(USER);
    const share = submitted(client);
    await delay(300);
    expect([share.answered, stored()]).toEqual([false, 0]);
    say({ type: 'kept', what: 'another' });
    await delay(100);
    expect([share.answered, stored()]).toEqual([false, 0]);
    say({ type: 'kept', what: 'job 1' });
    await expect.poll(() => [share.answered, stored()]).toEqual([true, 1]);
    client.close();
  });

  it('acknowledges no share before the pool has the block on its disk that the gateway has told of', async () => {
    // So easy a target that every hash is a block's.
    const { hostname, port } = await start(makeJob(0, 1, { networkTarget: new Uint8Array(32).fill(0xff) }));
    say({ type: 'kept', what: 'job 1' });
    const client = await StratumClient.tcp(hostname, Number(port));
    await client.login(USER);
    const share = submitted(client);
    await hear('solved');
    await delay(200);
    expect([share.answered, stored()]).toEqual([false, 0]);
    const solved = heard.find((message) => message.type === 'solved');
    say({ type: 'kept', what: solved?.what ?? '' });
    await expect.poll(() => [share.answered, stored()]).toEqual([true, 1]);
    client.close();
  });
});
