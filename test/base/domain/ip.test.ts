import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalIp, formatIp, hostOf, inAnyRange, parseIp, parseRange, subnetOf } from '#base/domain/ip';

const range = (text: string) => {
  const parsed = parseRange(text);
  if (parsed === undefined) throw new Error(`${text} is no range`);
  return parsed;
};

describe('addresses', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is %s', (text, canonical) => {
    expect(formatIp(parseIp(text) ?? new Uint8Array(4))).toBe(canonical);
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', 'fe80::1%eth0', ':::', '1::2::3', 'localhost', '::1/64'])(
    '%j is no address',
    (text) => {
      expect(parseIp(text)).toBeUndefined();
    },
  );

  it('are read back as they were written', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(bytes, (address) => {
        const again = parseIp(formatIp(address));
        // An IPv4 address in IPv6 comes back as what it is.
        expect([...(again ?? [])]).toEqual([...address.slice(-(again?.length ?? 0))]);
      }),
    );
  });
});

describe('the one spelling', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['no address', 'no address'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical);
  });
});

describe('ranges', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.255/25', '10.1.2.128/25'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['::/0', '::/0'],
  ])('%s is %s', (text, canonical) => {
    expect(range(text).text).toBe(canonical);
  });

  it.each(['', '/8', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/-1', '::/129', 'a/8', '10.0.0.0/8/8'])(
    '%j is none',
    (text) => {
      expect(parseRange(text)).toBeUndefined();
    },
  );

  it('hold what has their leading bits, and nothing of the other family', () => {
    const ranges = ['10.0.0.0/8', '192.0.2.128/25', '2001:db8::/47'].map(range);
    for (const inside of ['10.255.0.1', '192.0.2.255', '::ffff:10.0.0.1', '2001:db8:1:ffff::1']) {
      expect(inAnyRange(ranges, inside), inside).toBe(true);
    }
    for (const outside of ['11.0.0.0', '192.0.2.127', '2001:db8:2::', '::a00:1', 'nonsense']) {
      expect(inAnyRange(ranges, outside), outside).toBe(false);
    }
    expect(inAnyRange([range('0.0.0.0/0')], '255.255.255.255')).toBe(true);
    expect(inAnyRange([], '10.0.0.1')).toBe(false);
  });

  it('know the customer and the neighbours of an address', () => {
    expect(hostOf('203.0.113.7')).toBe('203.0.113.7');
    expect(hostOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(subnetOf('203.0.113.7')).toBe('203.0.113.0/24');
    expect(subnetOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1::/48');
    expect(hostOf('nonsense')).toBe('nonsense');
  });
});
