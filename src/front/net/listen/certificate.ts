import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';

export interface CertificateFiles {
  /** Path of a PEM file: the certificate and what chains it to a root. */
  readonly cert: string;
  /** Path of a PEM file: its private key. */
  readonly key: string;
}

/** Names the parameters of sessions that may be resumed. */
const SESSION_CONTEXT = 'sluice-stratum';

/** A file that is missing, or does not fit the other. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  /** The key of the config that names it. */
  readonly key: string;
  readonly reason: string;
  /** Undefined if it takes both. */
  readonly path: string | undefined;

  constructor(key: string, reason: string, path?: string) {
    super(path === undefined ? `${key}: ${reason}` : `${key}: ${JSON.stringify(path)} ${reason}`);
    this.key = key;
    this.reason = reason;
    this.path = path;
  }
}

/** What a TLS server needs of a certificate, TLS 1.2 and later. Throws a CertificateError. */
export function loadCertificate({ cert, key }: CertificateFiles): SecureContext {
  const files = { cert: read('cert', cert), key: read('key', key) };
  try {
    return createSecureContext({
      ...files,
      minVersion: 'TLSv1.2',
      honorCipherOrder: true,
      sessionIdContext: SESSION_CONTEXT,
    });
  } catch (error) {
    throw new CertificateError('stratum.tls', `its cert and its key can not be used together: ${reasonOf(error)}`);
  }
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CertificateError(`stratum.tls.${name}`, `can not be read (${code})`, path);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
