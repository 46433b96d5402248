import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** DER (X.690): a tag, the length of the content, the content. */
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >>> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...content: Uint8Array[]): Buffer => der(0x30, ...content);
const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value, 'latin1'));
/** ecdsa-with-SHA256 (1.2.840.10045.4.3.2), and the attribute commonName (2.5.4.3). */
const ecdsaSha256 = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
const commonName = der(0x06, Buffer.from('550403', 'hex'));

/**
 * A self-signed certificate of a fresh P-256 key, as two PEM files; valid from yesterday to tomorrow. Made by hand, since
 * Node makes none and a machine that runs the tests need not have openssl.
 */
export function makeCertificate(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = sequence(der(0x31, sequence(commonName, text(0x0c, name))));
  const day = (offset: number): Buffer => {
    const digits = new Date(Date.now() + offset * 86_400_000).toISOString().replace(/[-:T]|\..*/g, '');
    return text(0x17, `${digits.slice(2)}Z`);
  };
  // RFC 5280: version 3, serial number, algorithm, issuer, validity, subject, key.
  const unsigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(15)),
    ecdsaSha256,
    subject,
    sequence(day(-1), day(1)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', unsigned, privateKey));
  const pem = sequence(unsigned, ecdsaSha256, signature)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  writeFileSync(files.cert, `-----BEGIN CERTIFICATE-----\n${pem}-----END CERTIFICATE-----\n`);
  writeFileSync(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return files;
}
