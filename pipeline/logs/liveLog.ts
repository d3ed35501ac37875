import { messageOf } from "../errors.js";

/** A place that a stage's log is kept in while the stage runs. */
export interface LogSink {
  /** What it is, for messages. */
  readonly name: string;
  /** How often it is brought up to date, in milliseconds. */
  readonly everyMs: number;
  /** Whether it is told of the last lines as well; otherwise whoever made it writes them. */
  readonly untilEnd: boolean;
  /** @param lines all of them so far @param from how many of them it was given before */
  write(lines: readonly string[], from: number): Promise<void>;
}

/**
 * Keeps a log in its places as it grows, so that others can follow it and a process that is killed leaves what it said. What
 * fails is tried again with the next lines.
 */
export class LiveLog {
  readonly #lines: string[] = [];
  readonly #pumps: readonly Pump[];

  constructor(sinks: readonly LogSink[]) {
    this.#pumps = sinks.map((sink) => new Pump(sink, this.#lines));
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** @param line JSON, without the line's end */
  add(line: string): void {
    this.#lines.push(line);
  }

  /** Stops, and waits for what is on its way. What is written to the same places afterwards is not overwritten. */
  async settle(): Promise<void> {
    await Promise.all(this.#pumps.map((pump) => pump.stop()));
  }

  /** Hands on the last lines, after {@link settle}. @returns what could not be kept, and why */
  async end(): Promise<string[]> {
    await Promise.all(this.#pumps.map((pump) => pump.finish()));
    return this.#pumps.flatMap(({ failure, sink }) => (failure === undefined ? [] : [`${sink.name}: ${failure}`]));
  }
}

class Pump {
  failure: string | undefined;
  #given = 0;
  #busy: Promise<void> = Promise.resolve();
  readonly #timer: NodeJS.Timeout;

  constructor(
    readonly sink: LogSink,
    private readonly lines: readonly string[],
  ) {
    let idle = true;
    this.#timer = setInterval(() => {
      if (!idle) return;
      idle = false;
      this.#busy = this.#bring().finally(() => (idle = true));
    }, sink.everyMs);
    // It keeps no process alive.
    this.#timer.unref();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return this.#busy;
  }

  async finish(): Promise<void> {
    if (this.sink.untilEnd) await this.#bring();
    else this.failure = undefined;
  }

  async #bring(): Promise<void> {
    const upTo = this.lines.length;
    if (upTo === this.#given) return;
    try {
      await this.sink.write(this.lines.slice(0, upTo), this.#given);
      this.#given = upTo;
      this.failure = undefined;
    } catch (error) {
      this.failure = messageOf(error);
    }
  }
}
