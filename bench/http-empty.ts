import { App, listenUws } from '#base/uws';

/**
 * The ceiling of HTTP: uWebSockets.js with one route and nothing to look up.
 *
 * Prints `ready PORT` when it listens.
 */
const app = App();
app.get('/', (response) => {
  response.end('ok');
});
const { port } = await listenUws(app, '127.0.0.1', 0);
process.stdout.write(`ready ${port}\n`);
process.once('SIGTERM', () => process.exit(0));
