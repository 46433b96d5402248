/** The job that every ceiling hands out: as long as a job with a mainnet block's twelve merkle branches. */
export function notifyLine(jobId: string): string {
  return JSON.stringify({
    id: null,
    method: 'mining.notify',
    params: [
      jobId,
      '00'.repeat(32),
      '00'.repeat(100),
      '00'.repeat(120),
      Array.from({ length: 12 }, () => '00'.repeat(32)),
      '20000000',
      '1d00ffff',
      '66000000',
      true,
    ],
  });
}

const firstJob = notifyLine('0000000001');

/**
 * What a ceiling answers to one message: one or two messages. It parses the JSON and looks at the method; every
 * `mining.submit` is accepted.
 */
export function answer(message: string): readonly string[] {
  const { id, method } = JSON.parse(message) as { readonly id: number; readonly method: string };
  if (method === 'mining.subscribe') return [`{"id":${id},"result":[[],"00000001",8],"error":null}`];
  const accepted = `{"id":${id},"result":true,"error":null}`;
  return method === 'mining.authorize' ? [accepted, firstJob] : [accepted];
}
