import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface RegtestOptions {
  /** The bitcoind to run. */
  readonly path: string;
  /** P2P address of another node of ours to follow. */
  readonly connect?: string;
  /** Further command line arguments; a later one wins over ours. */
  readonly args?: readonly string[];
}

/** A bitcoind on a regtest chain of its own, in a folder of its own, on ports of its own. */
export interface RegtestNode {
  /** With user and password: what a pool's config takes. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly rpcPort: number;
  readonly cookie: string;
  /** zmqpubhashblock. */
  readonly zmq: string;
  /** host:port for another node's `connect`. */
  readonly p2p: string;
  readonly dataDir: string;
  readonly pid: number;
  /** One RPC call; throws the node's error. */
  rpc<T = unknown>(method: string, ...params: unknown[]): Promise<T>;
  /** One RPC call of a wallet by its name: for nodes with several. */
  walletRpc<T = unknown>(wallet: string, method: string, ...params: unknown[]): Promise<T>;
  /** An address of the node's wallet, which is made at the first call. */
  address(): Promise<string>;
  /** Mines blocks to an address, by default the wallet's; gives their hashes (display order). */
  mine(blocks: number, address?: string): Promise<string[]>;
  /** Makes the wallet rich enough to send: 101 blocks. */
  fund(): Promise<void>;
  /** Sends that many wallet transactions into the mempool; gives their txids. */
  send(transactions: number): Promise<string[]>;
  /** SIGKILL, data kept. */
  kill(): Promise<void>;
  /** Starts again on the same data and ports after `kill`. */
  restart(): Promise<void>;
  /** Kills, and removes the folder. */
  stop(): Promise<void>;
}

const USER = 'sluice';
/** Not only letters: a pool has to take these apart from a URL. */
const PASSWORD = 'p@ss:w/rd%';
const START_MS_MAX = 60_000;
const WALLET = 'tests';

/** Starts a node and waits until it answers. Its process ends with ours at the latest. */
export async function startRegtest(options: RegtestOptions): Promise<RegtestNode> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-regtest-'));
  const [rpcPort = 0, zmqPort = 0, p2pPort = 0] = await freePorts(3);
  const cookie = join(dataDir, 'regtest', '.cookie');
  const zmq = `tcp://127.0.0.1:${zmqPort}`;
  const args = [
    '-regtest',
    `-datadir=${dataDir}`,
    '-server=1',
    '-printtoconsole=0',
    `-rpcport=${rpcPort}`,
    `-rpcauth=${rpcauth(USER, PASSWORD)}`,
    `-zmqpubhashblock=${zmq}`,
    `-bind=127.0.0.1:${p2pPort}`,
    ...(options.connect === undefined ? [] : [`-addnode=${options.connect}`]),
    '-dnsseed=0',
    '-fixedseeds=0',
    '-discover=0',
    '-listenonion=0',
    '-natpmp=0',
    '-fallbackfee=0.0002',
    '-dbcache=4',
    '-par=1',
    ...(options.args ?? []),
  ];
  let child = launch();
  let hasWallet = false;

  function launch(): ChildProcess {
    const started = spawn(options.path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const end = (): void => void started.kill('SIGKILL');
    process.once('exit', end);
    started.once('exit', () => process.off('exit', end));
    return started;
  }

  async function answers(): Promise<void> {
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-2000);
    });
    const deadline = Date.now() + START_MS_MAX;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`bitcoind ended at its start: ${stderr}`);
      try {
        await rpc('getblockchaininfo');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`bitcoind does not answer: ${String(error)}`);
        await delay(50);
      }
    }
  }

  async function call<T>(path: string, method: string, params: unknown[]): Promise<T> {
    const credentials = (await readFile(cookie, 'utf8')).trim();
    return (await callRpc(rpcPort, path, credentials, method, params)) as T;
  }

  const rpc = <T = unknown>(method: string, ...params: unknown[]): Promise<T> => call<T>('/', method, params);

  async function address(): Promise<string> {
    if (!hasWallet) {
      // Loaded again at each start.
      await rpc('createwallet', WALLET, false, false, '', false, true, true);
      hasWallet = true;
    }
    return rpc<string>('getnewaddress');
  }

  async function mine(blocks: number, to?: string): Promise<string[]> {
    return rpc<string[]>('generatetoaddress', blocks, to ?? (await address()));
  }

  async function send(transactions: number): Promise<string[]> {
    const txids: string[] = [];
    for (let sent = 0; sent < transactions; sent += 1) {
      txids.push(await rpc<string>('sendtoaddress', await address(), 0.01));
    }
    return txids;
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async function restart(): Promise<void> {
    await kill();
    child = launch();
    await answers();
  }

  async function stop(): Promise<void> {
    await kill();
    await rm(dataDir, { recursive: true, force: true });
  }

  try {
    await answers();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `http://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${rpcPort}`,
    user: USER,
    password: PASSWORD,
    rpcPort,
    cookie,
    zmq,
    p2p: `127.0.0.1:${p2pPort}`,
    dataDir,
    get pid() {
      return child.pid ?? 0;
    },
    rpc,
    walletRpc: (wallet, method, ...params) => call(`/wallet/${encodeURIComponent(wallet)}`, method, params),
    address,
    mine,
    fund: async () => void (await mine(101)),
    send,
    kill,
    restart,
    stop,
  };
}

/** Bitcoin Core's share/rpcauth: a password that works beside the cookie. */
function rpcauth(user: string, password: string): string {
  const salt = '5a1c';
  return `${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function callRpc(port: number, path: string, credentials: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '1.0', id: 0, method, params });
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, path, method: 'POST', auth: credentials, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          try {
            const answer = JSON.parse(text) as { result: unknown; error: { message: string } | null };
            if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
            else resolve(answer.result);
          } catch {
            reject(new Error(`${method}: HTTP ${response.statusCode ?? 0} ${text.slice(0, 200)}`));
          }
        });
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
