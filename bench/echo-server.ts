import { createServer } from 'node:net';
import { answer } from './echo-miner.ts';

/**
 * The ceiling over TCP: what node:net can do when a share costs nothing but its JSON. With `--per-reply` each reply is a
 * write of its own, as most pools do it; otherwise the replies to one chunk leave in one write.
 *
 * Prints `ready PORT` when it listens.
 */
const perReply = process.argv.includes('--per-reply');

const server = createServer({ noDelay: true }, (socket) => {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    let replies = '';
    for (const line of lines) {
      for (const reply of answer(line)) {
        if (perReply) socket.write(`${reply}\n`, 'latin1');
        else replies += `${reply}\n`;
      }
    }
    if (replies !== '') socket.write(replies, 'latin1');
  });
});

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.stdout.write(`ready ${typeof address === 'object' ? address?.port : ''}\n`);
});
process.once('SIGTERM', () => process.exit(0));
