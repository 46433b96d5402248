import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError, showValue } from '../config/problem.ts';
import { CertificateError, loadCertificate } from '../net/certificate.ts';
import type { Io } from './io.ts';

/** The config of a pool that is to run: the files that it names are looked at as well. Throws a ConfigError. */
export function poolConfig(file: string | undefined, { env }: Pick<Io, 'env'>): Config {
  const config = loadConfig({ file, env });
  try {
    if (config.stratum.tls) loadCertificate(config.stratum.tls);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const { key, path, reason } = error;
    throw new ConfigError([{ key, value: path === undefined ? undefined : showValue(path), bound: reason }]);
  }
  return config;
}
