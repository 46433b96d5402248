import { App, listenUws } from '#base/uws';
import { answer } from './echo-miner.ts';

/**
 * The ceiling over WebSocket: what uWebSockets.js can do when a share costs nothing but its JSON, the replies of a tick
 * in one write.
 *
 * Prints `ready PORT` when it listens.
 */
const app = App();
app.ws('/', {
  message(socket, message) {
    for (const reply of answer(Buffer.from(message).toString('latin1'))) socket.send(reply, false);
  },
});
const { port } = await listenUws(app, '127.0.0.1', 0);
process.stdout.write(`ready ${port}\n`);
process.once('SIGTERM', () => process.exit(0));
