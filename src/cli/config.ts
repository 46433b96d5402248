import type { Config } from '#base/config/config';
import { loadConfig } from '#base/config/load';
import { ConfigError, showValue } from '#base/config/problem';
import { CertificateError, loadCertificate } from '#front/net/listen/certificate';
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
