/** A statement with what a client sends beside it. */
export interface Query {
  readonly sql: string;
  /** One of ClickHouse's output formats, unless the statement names one itself. */
  readonly format: string;
  /** Values of the statement's `{name:Type}`, by name, written as ClickHouse's HTTP interface takes them (escaped as in TSV). */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The database that the client takes names from; `default` is the pool's. */
  readonly database?: string;
  /** ClickHouse's settings, by name; `checkSettings` says which ones may be set. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Why a query may not go to the engine: ClickHouse's number and name of the error, and the reason, for the user. */
export interface Refusal {
  readonly code: number;
  readonly name: string;
  readonly reason: string;
}

/** ClickHouse's errors that Sluice gives by itself: what the engine would say of the same mistake. */
export const errors = {
  syntax: { code: 62, name: 'SYNTAX_ERROR' },
  unknownDatabase: { code: 81, name: 'UNKNOWN_DATABASE' },
  unknownFormat: { code: 73, name: 'UNKNOWN_FORMAT' },
  readonly: { code: 164, name: 'READONLY' },
  tooMany: { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES' },
  badParameter: { code: 457, name: 'BAD_QUERY_PARAMETER' },
} as const;
