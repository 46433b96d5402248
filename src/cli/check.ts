import type { Config } from '#base/config/config';
import { formatHostPort, type HostPort } from '#base/config/endpoint';
import { keys } from '#base/config/keys';
import { ConfigError } from '#base/config/problem';
import { formatDuration } from '#base/std/duration';
import { adviceFor } from './advice.ts';
import { poolConfig } from './config.ts';
import { type ExitCode, exitCodes, type Io, paint } from './io.ts';

/** `sluice check`: prints the settings of a config, or all of its errors. */
export function check(options: { readonly config?: string; readonly json?: boolean }, io: Io): ExitCode {
  if (options.json === true) return checkJson(options.config, io);
  const config = poolConfig(options.config, io);
  const rows = summary(config);
  const width = Math.max(...rows.map(([label]) => label.length));
  for (const [label, text] of rows) {
    io.stdout.write(`${paint(io, io.stdout, 'dim', label.padEnd(width))}  ${text}\n`);
  }
  for (const warning of [...config.warnings, ...adviceFor(config)]) {
    io.stdout.write(`${paint(io, io.stdout, 'yellow', 'warning'.padEnd(width))}  ${warning}\n`);
  }
  io.stdout.write(`${paint(io, io.stdout, 'green', 'The configuration is valid.')}\n`);
  return exitCodes.fine;
}

function checkJson(file: string | undefined, io: Io): ExitCode {
  try {
    const config = poolConfig(file, io);
    io.stdout.write(
      `${JSON.stringify({ ok: true, problems: [], warnings: [...config.warnings, ...adviceFor(config)] })}\n`,
    );
    return exitCodes.fine;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    io.stdout.write(`${JSON.stringify({ ok: false, problems: error.problems, warnings: [] })}\n`);
    return exitCodes.usage;
  }
}

/** The config in words, without anything secret. */
function summary({
  network,
  data,
  node,
  stratum,
  verify,
  payout,
  clickhouse,
  http,
}: Config): [label: string, text: string][] {
  const { difficulty } = stratum;
  const at = (address: HostPort | undefined): string => (address === undefined ? 'off' : formatHostPort(address));
  const nodes =
    node.kind === 'simulated'
      ? `simulated, in this process; a block every ${node.blockDifficulty} × 2^32 hashes`
      : `${node.endpoints.map(({ url }) => url).join(', ')}; ${node.zmq.length === 0 ? 'polled' : `ZMQ ${node.zmq.join(', ')}, and polled`}`;
  const database =
    clickhouse === undefined ? `embedded, under ${data}` : `${clickhouse.url}, database ${clickhouse.database}`;
  return [
    ['network', network],
    ['data', data],
    ['node', nodes],
    [
      'stratum',
      `TCP ${at(stratum.tcp)}, WebSocket ${at(stratum.websocket)}, TLS ${at(stratum.tls?.listen)}, users by ${stratum.authorization}`,
    ],
    [
      'bans',
      `${stratum.bans.enabled ? 'on' : 'off'}; never: ${stratum.bans.allow.join(', ') || 'nobody'}; always: ${stratum.bans.deny.join(', ') || 'nobody'}`,
    ],
    [
      'difficulty',
      `start ${difficulty.start}, from ${difficulty.min} to ${difficulty.max}, vardiff ${difficulty.vardiff ? 'on' : 'off'}`,
    ],
    [
      'verify',
      verify.threads === 0 ? 'threads by cores' : `${verify.threads} thread${verify.threads === 1 ? '' : 's'}`,
    ],
    ['payout', payoutText(payout)],
    [
      'blocks',
      `pay ${payout.address}, tag ${JSON.stringify(payout.tag)}, booked after ${payout.confirmations} confirmations, spent after ${payout.maturity}`,
    ],
    ['clickhouse', database],
    ['http', formatHostPort(http.listen)],
  ];
}

function payoutText(payout: Config['payout']): string {
  const { scheme, window, feeBasisPoints, donationBasisPoints, minimumSats, method, intervalMs } = payout;
  const percent = (basisPoints: number): string => `${basisPoints / 100} %`;
  return [
    scheme === 'pplns' ? `pplns over ${window} blocks' worth of work` : scheme,
    `fee ${percent(feeBasisPoints)}`,
    ...(donationBasisPoints > 0 ? [`donation ${percent(donationBasisPoints)}`] : []),
    `by ${method}, ${intervalMs === undefined ? 'by hand' : `every ${formatDuration(intervalMs)}`}, from ${minimumSats} sats`,
  ].join(', ');
}

/** Every key with its variable and its rule, for `--help`. */
export function keyHelp(): string {
  const lines = keys.map(
    ({ name, env, rule }) =>
      `  ${name}\n      ${env ?? '(in the file only; * is a name of your choice)'}\n      ${rule}\n`,
  );
  return `\nKeys, the variables that override them, and what they take:\n${lines.join('')}`;
}
