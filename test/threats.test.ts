import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const here = new URL('.', import.meta.url);
const lines = readFileSync(new URL('threats.md', here), 'utf8').split('\n');
const named = lines.flatMap((line) => {
  const [, file, name] = /^- `([^`]+)`: (.+)$/.exec(line) ?? [];
  return file === undefined || name === undefined ? [] : [{ file, name }];
});

describe('what shows that attacks fail', () => {
  it('is named, row by row', () => {
    expect(lines.filter((line) => line.startsWith('## ')).length).toBeGreaterThan(12);
    expect(named).toHaveLength(lines.filter((line) => line.startsWith('- ')).length);
  });

  it.each(named)('$file has: $name', ({ file, name }) => {
    const path = file.startsWith('bench/') ? `../${file}` : file;
    const text = readFileSync(new URL(path, here), 'utf8').replace(/\s+/g, ' ');
    expect(file.startsWith('bench/') ? text.includes(`function ${name}(`) : text.includes(name)).toBe(true);
    expect(text).not.toMatch(/\b(?:it|describe)\.(?:skip|todo|fails)\b/);
  });
});
