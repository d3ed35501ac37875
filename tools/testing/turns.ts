/** Takes output as it comes. */
export interface Sink {
  write(chunk: string | Uint8Array): void;
  /** A line about work whose output is still held back, shown at once; nothing where the output itself is. */
  tell(line: string): void;
  /** Nothing more comes. */
  end(): void;
}

/**
 * Puts the output of work that goes on side by side one after the other, so that it can be read: the first one's as it comes, that of
 * the next once the one before has ended, what it has said so far first.
 *
 * @param out where all of it goes.
 */
export class Turns {
  readonly #waiting: { readonly held: (string | Uint8Array)[]; ended: boolean }[] = [];

  #atLineStart = true;

  constructor(private readonly out: (chunk: string | Uint8Array) => void) {}

  /** The next in turn. */
  next(): Sink {
    const own = { held: [] as (string | Uint8Array)[], ended: false };
    this.#waiting.push(own);
    return {
      write: (chunk) => {
        if (this.#waiting[0] === own) this.#show(chunk);
        else own.held.push(chunk);
      },
      tell: (line) => {
        if (this.#waiting[0] !== own) this.#show(`${this.#atLineStart ? "" : "\n"}${line}\n`);
      },
      end: () => {
        own.ended = true;
        this.#goOn();
      },
    };
  }

  #goOn(): void {
    while (this.#waiting[0]?.ended === true) {
      this.#waiting.shift();
      for (const chunk of this.#waiting[0]?.held.splice(0) ?? []) this.#show(chunk);
    }
  }

  #show(chunk: string | Uint8Array): void {
    this.out(chunk);
    const last = chunk.at(-1);
    if (last !== undefined) this.#atLineStart = last === "\n" || last === newline;
  }
}

const newline = 10;
