import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DescriptorSink, type WriteDescriptor } from '#base/telemetry/log-sink';
import { createLogger } from '#base/telemetry/logger';
import { removeFolder } from '../../support/remove-folder.ts';

/** A descriptor that fails with `code` until it is cleared; keeps what it took, at most `bytesMax` a write. */
function descriptor(bytesMax = Number.POSITIVE_INFINITY): {
  code: string;
  taken: string;
  readonly write: WriteDescriptor;
} {
  const state = {
    code: '',
    taken: '',
    write: ((_fd, bytes, offset, length, _position, callback) => {
      setImmediate(() => {
        if (state.code !== '') {
          callback(Object.assign(new Error(state.code), { code: state.code }), 0);
          return;
        }
        const part = Buffer.from(bytes).subarray(offset, offset + Math.min(length, bytesMax));
        state.taken += part.toString('latin1');
        callback(null, part.length);
      });
    }) as WriteDescriptor,
  };
  return state;
}

describe('the log', () => {
  it.each(['ENOSPC', 'EIO', 'EPIPE', 'EAGAIN'])('goes on after %s, with no line torn', async (code) => {
    const end = descriptor(7);
    const sink = new DescriptorSink({ fd: -1, failedMs: 1, write: end.write });
    sink.write('before it\n');
    await expect.poll(() => end.taken).toBe('before it\n');
    end.code = code;
    sink.write('one\n');
    sink.write('two\n');
    end.code = '';
    await expect.poll(() => end.taken).toBe('before it\none\ntwo\n');
  });

  it('drops lines over its bound, and later logs how many', async () => {
    const end = descriptor();
    end.code = 'ENOSPC';
    const sink = new DescriptorSink({ fd: -1, pendingCharsMax: 400, failedMs: 1, write: end.write });
    const logger = createLogger({ level: 'info', format: 'json', colour: false }, sink);
    for (let i = 0; i < 100; i += 1) logger.info({ i }, 'a line');
    end.code = '';
    await expect.poll(() => end.taken).toContain('log lines were dropped');
    const lines = end.taken
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const kept = lines.filter(({ msg }) => msg === 'a line').length;
    expect(kept).toBeGreaterThan(0);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', lines: 100 - kept });
  });

  it('does not wait for a blocked pipe, even when the process ends', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Open at both ends, so that a writer need not wait for a reader.
    const fd = openSync(pipe, 'r+');
    const script = `
      import { createLogger } from './dist/base/telemetry/logger.js';
      const logger = createLogger({ level: 'info', format: 'json', colour: false });
      for (let i = 0; i < 5000; i += 1) logger.info({ i, fill: 'x'.repeat(200) }, 'a line');
      setTimeout(() => { process.stdout.write('alive'); process.exit(7); }, 300);`;
    try {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', fd] });
      const said = once(child.stdout as NodeJS.ReadableStream, 'data');
      const [code] = await once(child, 'exit');
      expect(code).toBe(7);
      expect(String((await said)[0])).toBe('alive');
      const first = Buffer.alloc(30);
      readSync(fd, first);
      expect(first.toString()).toMatch(/^\{"level":"info"/);
    } finally {
      closeSync(fd);
      await removeFolder(folder);
    }
  });
});
