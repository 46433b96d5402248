/** Names that somebody may choose who means harm to a log, a terminal, a page, a query, a label or a path. */
const nasty: readonly string[] = [
  '\n{"level":"error","msg":"forged"}',
  'a\r\nb',
  '\u001b[2J\u001b[31mred',
  '\u009b31m',
  '\u202egnp.exe',
  '\u2066\u2069\ufeff\u200b',
  '\u2028x\u2029',
  "'; DROP TABLE shares; --",
  "' OR '1'='1",
  '") FORMAT JSON',
  "\\'; SELECT 1; --",
  '\\N\t\\x00\\',
  '/* x */ -- y',
  '{x:String}',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '&lt;svg/onload=alert(1)&gt;',
  'javascript:alert(1)',
  'sluice_shares_total{verdict="accepted"} 1e9',
  '"} 1\n# HELP x y',
  '../../etc/passwd',
  '%2e%2e%2f%00',
  '$\u007bjndi:ldap://x}',
  '$(reboot)`reboot`',
  '{{7*7}}',
  '%s%n%d',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  '\u0000',
  '\u0000\u0001\u0002',
  '\ud800',
  '\u{1f4a9}'.repeat(40),
  'x'.repeat(1000),
  'ﷺ'.repeat(100),
  'Z̸̢͎'.repeat(50),
  ' ',
  '=1+1',
];

/** So many names, each another one, and each with something nasty in it. */
export function hostileNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const part = nasty[i % nasty.length] ?? '';
    // Before the first dot is the account, after it the worker: both are whatever anybody likes where anybody may mine.
    return i % 2 === 0 ? `a${i}.${part}` : `${i} ${part}`;
  });
}
