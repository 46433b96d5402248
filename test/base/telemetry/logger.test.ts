import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeLine, prettyLine } from '#base/telemetry/line';
import { createLogger, formatFor, type LoggerOptions } from '#base/telemetry/logger';

function logged(options: Partial<LoggerOptions>, write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(
    createLogger({ level: 'debug', format: 'json', colour: false, ...options }, { write: (line) => lines.push(line) }),
  );
  return lines.join('');
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('a\nb', '\u001b[2J', '\u202eevil', '\u2028x', '"', '\\'),
);

describe('the logger', () => {
  it('writes an object a line for machines', () => {
    const line = logged({}, (logger) => logger.warn({ height: 5, sats: 5_000_000_000n }, 'a block'));
    expect(JSON.parse(line)).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      height: 5,
      sats: 5e9,
      msg: 'a block',
    });
    expect(line.endsWith('}\n')).toBe(true);
  });

  it('writes a sentence with its fields for people', () => {
    const line = logged({ format: 'pretty' }, (logger) =>
      logger.error({ height: 5, name: 'a b', odd: 'x=1' }, 'no node'),
    );
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR no node height=5 name=a b odd="x=1"\n$/);
  });

  it('shows an error with its message', () => {
    for (const format of ['json', 'pretty'] as const) {
      const line = logged({ format }, (logger) => logger.error({ err: new TypeError('first\nsecond') }, 'failed'));
      expect(line).toContain('first\\nsecond');
      expect(line.match(/\n/g)).toHaveLength(1);
    }
  });

  it('leaves out lines below its level', () => {
    const lines = logged({ level: 'warn' }, (logger) => {
      logger.debug({}, 'one');
      logger.info({}, 'two');
      logger.warn({}, 'three');
    });
    expect(lines).toMatch(/^[^\n]*three[^\n]*\n$/);
  });

  it('keeps one record on one line of harmless characters, whatever the strings', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, fc.constantFrom('json', 'pretty'), (message, key, value, format) => {
        const line = logged({ format }, (logger) =>
          logger.info({ [`x${key}`]: value, list: [value], err: new Error(value) }, message),
        );
        expect(line.endsWith('\n')).toBe(true);
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
      }),
      { numRuns: 500 },
    );
  });

  it('changes nothing of what JSON says', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(JSON.parse(escapeLine(JSON.stringify({ text })))).toEqual({ text });
      }),
    );
  });

  it('colours only if asked', () => {
    const json = JSON.stringify({ level: 30, time: '2026-01-01T12:00:00.000Z', msg: 'hello', a: 1 });
    expect(prettyLine(json, false)).toBe('12:00:00.000 INFO  hello a=1\n');
    expect(prettyLine(json, true)).toContain('\u001b[32mINFO \u001b[0m');
  });

  it('is pretty on a terminal alone, and respects NO_COLOR', () => {
    expect(formatFor({ isTTY: true }, {})).toEqual({ format: 'pretty', colour: true });
    expect(formatFor({ isTTY: true }, { NO_COLOR: '1' })).toEqual({ format: 'pretty', colour: false });
    expect(formatFor({ isTTY: true }, { NO_COLOR: '' })).toEqual({ format: 'pretty', colour: true });
    expect(formatFor({}, {})).toEqual({ format: 'json', colour: false });
  });
});
