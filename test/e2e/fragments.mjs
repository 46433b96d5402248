// Runs in a network of its own, with the receive buffers that it was given: starts a pool, has other processes flood its WebSocket
// port with empty fragments, and pings it over TCP meanwhile. Prints one line of JSON: pings answered during the flood, bytes sent.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const CONNECTIONS = 20;
const FLOOD_MS = 6_000;
const PING_EVERY_MS = 50;
const UPGRADE =
  'GET / HTTP/1.1\r\nHost: pool\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
/** A text message begins; it never ends. */
const BEGIN = Buffer.from([0x01, 0x80, 0, 0, 0, 0]);
const EMPTY = Buffer.from([0x00, 0x80, 0, 0, 0, 0]);

const [role, argument] = process.argv.slice(2);
if (role === 'flood') await flood(Number(argument));
else await measure(argument);

async function flood(port) {
  const frames = Buffer.concat(Array.from({ length: 65_536 / EMPTY.length }, () => EMPTY));
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.write(UPGRADE);
  }
  await Promise.all(sockets.map((socket) => once(socket, 'data')));
  process.send('ready');
  for (const socket of sockets) {
    const fill = () => {
      while (socket.writable && socket.write(frames));
    };
    socket.write(BEGIN);
    socket.on('drain', fill);
    fill();
  }
  await delay(FLOOD_MS);
  process.send(sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0));
  process.exit();
}

async function measure(config) {
  const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const pool = spawn(process.execPath, [cli, 'start', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: pool.stdout }), 'line');
  const [tcp, websocket] = ['tcp', 'ws'].map((scheme) =>
    Number(new RegExp(`stratum\\+${scheme}://[^ ]*:(\\d+)`).exec(line)[1]),
  );
  const flooder = spawn(process.execPath, [fileURLToPath(import.meta.url), 'flood', websocket], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const miner = connect(tcp, '127.0.0.1');
  const answers = createInterface({ input: miner })[Symbol.asyncIterator]();
  const ping = async (id) => {
    miner.write(`{"id":${id},"method":"mining.ping","params":[]}\n`);
    await answers.next();
  };
  await ping(0);
  await once(flooder, 'message');
  let bytes;
  flooder.once('message', (sum) => {
    bytes = sum;
  });
  let answered = 0;
  while (bytes === undefined) {
    await ping(answered + 1);
    if (bytes === undefined) answered += 1;
    await delay(PING_EVERY_MS);
  }
  process.stdout.write(`${JSON.stringify({ answered, bytes })}\n`);
  pool.kill('SIGKILL');
  process.exit();
}
