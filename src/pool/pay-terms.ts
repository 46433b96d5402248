import type { Config } from '#base/config/config';
import type { PayTerms } from '#show/api/pay-terms';

/** How the pool pays, for HTTP. */
export function payTerms({ payout, stratum }: Config): PayTerms {
  const { difficulty, tcp, websocket, tls } = stratum;
  const port = (listen: { readonly port: number } | undefined, isTls: boolean) =>
    listen === undefined ? [] : [{ port: listen.port, tls: isTls }];
  return {
    scheme: payout.scheme,
    feePercent: payout.feeBasisPoints / 100,
    minimumSats: String(payout.minimumSats),
    address: payout.address,
    isScheduled: payout.intervalMs !== undefined,
    ports: [...port(tcp, false), ...port(websocket, false), ...port(tls?.listen, true)],
    startDifficulty: difficulty.start,
    difficultyMin: difficulty.min,
    difficultyMax: difficulty.max,
    confirmations: payout.maturity,
  };
}
