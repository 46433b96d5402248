import type { ClickHouseConfig, RpcEndpoint } from './config.ts';

/** A service's URL with its credentials in it, as clients take it. Never to be logged. */
function href(url: string, username: string, password: string, path = ''): string {
  const full = new URL(path, url);
  full.username = encodeURIComponent(username);
  full.password = encodeURIComponent(password);
  return full.href;
}

/** A node's RPC URL; without credentials if they come from a cookie file. */
export function rpcHref({ url, login }: RpcEndpoint): string {
  return 'cookie' in login ? url : href(url, login.username, login.password);
}

/** A ClickHouse server's URL, the database as its path. */
export function clickhouseHref({ url, username, password, database }: ClickHouseConfig): string {
  return href(url, username, password, `/${encodeURIComponent(database)}`);
}
