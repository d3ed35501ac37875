/** What a plot of a run's requests needs. */
export interface SeriesSeen {
  /** Length of one interval, in milliseconds. */
  readonly everyMs: number;
  /** The slowest answer to a request of each interval, in milliseconds; `null` where none was sent. */
  readonly slowestMs: (number | null)[];
}

/** The slowest answers over time, in a list that does not grow: when it is full, its intervals are made twice as long. */
export class Series {
  #start: number | undefined;
  #slowest: (number | null)[] = [];

  constructor(
    private everyMs = 50,
    private readonly most = 120,
  ) {}

  /** @param at when the request was to start, in milliseconds. @param took milliseconds until its answer. */
  record(at: number, took: number): void {
    this.#start ??= at;
    // Requests of several loops are not quite in order.
    const since = Math.max(0, at - this.#start);
    while (since >= this.everyMs * this.most) this.#widen();
    const interval = Math.floor(since / this.everyMs);
    while (this.#slowest.length <= interval) this.#slowest.push(null);
    this.#slowest[interval] = Math.max(this.#slowest[interval] ?? 0, Math.round(took));
  }

  /** `undefined` where nothing was recorded. */
  seen(): SeriesSeen | undefined {
    return this.#start === undefined ? undefined : { everyMs: this.everyMs, slowestMs: [...this.#slowest] };
  }

  #widen(): void {
    const half = Math.ceil(this.#slowest.length / 2);
    this.#slowest = Array.from({ length: half }, (_, at) => {
      const pair = [this.#slowest[2 * at] ?? null, this.#slowest[2 * at + 1] ?? null].filter((value) => value !== null);
      return pair.length === 0 ? null : Math.max(...pair);
    });
    this.everyMs *= 2;
  }
}
