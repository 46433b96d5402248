import type { Wire, WireHandler } from '#base/domain/ports';

/** The pool's end of a connection: keeps what comes, and answers each message with `echo` and it. */
export class EchoEnd implements WireHandler {
  readonly wire: Wire;
  readonly messages: string[] = [];
  readonly expelled: string[] = [];
  readonly closed: Promise<void>;
  #closed: () => void = () => undefined;

  constructor(wire: Wire) {
    this.wire = wire;
    this.closed = new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  onMessage(bytes: Uint8Array, begin: number, end: number): void {
    const text = Buffer.from(bytes.subarray(begin, end)).toString();
    this.messages.push(text);
    this.wire.send(`echo ${text}`);
  }

  onEnd(): void {
    this.wire.close();
  }

  closingMessage(why: string): string {
    return `closing ${why}`;
  }

  expel(name: string): void {
    this.expelled.push(name);
  }

  onClose(): void {
    this.#closed();
  }
}

/** Accepts everybody, and remembers them in order. */
export function echoEnds(): { readonly ends: EchoEnd[]; readonly accept: (wire: Wire) => WireHandler } {
  const ends: EchoEnd[] = [];
  return {
    ends,
    accept(wire) {
      const end = new EchoEnd(wire);
      ends.push(end);
      return end;
    },
  };
}
