/** A value of a topic: fields that may each change. */
export type Fields = Readonly<Record<string, unknown>>;

/** What watchers are sent of one state of a topic; written once for all of them. */
export interface Edition {
  /** Counts up from 1. */
  readonly number: number;
  /** The whole value, as a message. */
  readonly snapshot: string;
  /** What has changed since the edition before, as a message; undefined of the first one. */
  readonly delta: string | undefined;
}

/** One thing that can be watched. It is asked for once however many watch it, and only while somebody does. */
export class Topic {
  readonly name: string;
  readonly #ask: () => Promise<Fields>;
  /** Each field as JSON. */
  #fields: ReadonlyMap<string, string> = new Map();
  #edition: Edition | undefined;
  #asking = false;
  /** Those who watch it. */
  watchers = 0;

  constructor(name: string, ask: () => Promise<Fields>) {
    this.name = name;
    this.#ask = ask;
  }

  /** Undefined before the first answer. */
  get edition(): Edition | undefined {
    return this.#edition;
  }

  /** Asks again unless an answer is awaited; makes an edition if something has changed. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.#take(await this.#ask());
    } catch (error) {
      this.#take({ unavailable: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#asking = false;
    }
  }

  #take(value: Fields): void {
    const fields = new Map(Object.entries(value).map(([name, field]) => [name, JSON.stringify(field) ?? 'null']));
    const changed = [...fields].filter(([name, json]) => this.#fields.get(name) !== json);
    const gone = [...this.#fields.keys()].filter((name) => !fields.has(name)).map((name) => [name, 'null'] as const);
    if (this.#edition !== undefined && changed.length + gone.length === 0) return;
    this.#fields = fields;
    const number = (this.#edition?.number ?? 0) + 1;
    this.#edition = {
      number,
      snapshot: this.#message('snapshot', number, [...fields]),
      delta: number === 1 ? undefined : this.#message('delta', number, [...changed, ...gone]),
    };
  }

  #message(kind: 'snapshot' | 'delta', number: number, fields: readonly (readonly [string, string])[]): string {
    const body = fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',');
    return `{"topic":${JSON.stringify(this.name)},"edition":${number},"${kind}":{${body}}}`;
  }
}
