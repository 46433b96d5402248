import { createServer } from 'node:net';

/**
 * The ceiling: what node:net can do when a share costs nothing but its JSON. It logs miners in, hands out one job, and
 * answers every `mining.submit` with `true`, parsed with JSON.parse, without looking at it. With `--per-reply` each reply is
 * a write of its own, as most pools do it; otherwise the replies to one chunk leave in one write.
 *
 * Prints `ready PORT` when it listens. Run by bench/stratum.ts.
 */
const perReply = process.argv.includes('--per-reply');

const notify = `${JSON.stringify({
  id: null,
  method: 'mining.notify',
  params: [
    '0000000001',
    '00'.repeat(32),
    '00'.repeat(100),
    '00'.repeat(120),
    [],
    '20000000',
    '1d00ffff',
    '66000000',
    true,
  ],
})}\n`;

interface Request {
  readonly id: number;
  readonly method: string;
}

function answer(line: string): string {
  const { id, method } = JSON.parse(line) as Request;
  if (method === 'mining.subscribe') return `{"id":${id},"result":[[],"00000001",8],"error":null}\n`;
  const accepted = `{"id":${id},"result":true,"error":null}\n`;
  return method === 'mining.authorize' ? accepted + notify : accepted;
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    const replies = lines.map(answer);
    if (perReply) for (const reply of replies) socket.write(reply);
    else if (replies.length > 0) socket.write(replies.join(''), 'latin1');
  });
});

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.stdout.write(`ready ${typeof address === 'object' ? address?.port : ''}\n`);
});
process.once('SIGTERM', () => process.exit(0));
