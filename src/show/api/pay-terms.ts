/** How the pool pays, as other pools' shapes tell it. */
export interface PayTerms {
  readonly scheme: 'pplns' | 'prop' | 'pps' | 'fpps' | 'solo';
  /** Per cent. */
  readonly feePercent: number;
  /** The least that is paid, a decimal integer. */
  readonly minimumSats: string;
  /** The pool's own. */
  readonly address: string;
  /** Payouts are made by themselves. */
  readonly isScheduled: boolean;
  /** Where miners connect, with the difficulty that they begin with. */
  readonly ports: readonly { readonly port: number; readonly tls: boolean }[];
  readonly startDifficulty: number;
  readonly difficultyMin: number;
  readonly difficultyMax: number;
  readonly confirmations: number;
}
