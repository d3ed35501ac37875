import { Series, type SeriesSeen } from "./series.js";

/** One request of an open loop, its times in milliseconds since the epoch or any other start. */
export interface Sample {
  /** When it was to start, whether it could or not: waiting for the one before it counts. */
  readonly intended: number;
  readonly ended: number;
  /** It was answered, however late. */
  readonly answered: boolean;
}

/** What was seen of one target. */
export interface TargetSeen {
  readonly target: string;
  readonly requests: number;
  /** Answered too late or not at all. */
  readonly refused: number;
  /** Milliseconds from the intended start to the answer, of the slowest. */
  readonly slowestMs: number;
  /** The longest time without service, in milliseconds. */
  readonly longestRefusedMs: number;
}

/** A time without service. */
interface Stretch {
  from: number;
  to: number;
}

interface Target {
  requests: number;
  refused: number;
  slowest: number;
  /** In order, apart from one another. */
  readonly stretches: Stretch[];
}

/**
 * Counts requests and the time without service. A request that was answered after more than `refusedAfterMs`, or not at all, was
 * refused: from its intended start to its end there was no service. Times that overlap are counted once.
 */
export class Tally {
  readonly #targets = new Map<string, Target>();
  readonly #series = new Series();

  constructor(
    readonly refusedAfterMs: number,
    /** How much of the time a request that failed at once stands for, in milliseconds: until the next one. */
    readonly everyMs: number,
  ) {}

  record(name: string, { intended, ended, answered }: Sample): void {
    const target = this.#target(name);
    const took = ended - intended;
    target.requests += 1;
    this.#series.record(intended, took);
    target.slowest = Math.max(target.slowest, took);
    if (answered && took <= this.refusedAfterMs) return;
    target.refused += 1;
    const to = answered ? ended : Math.max(ended, intended + this.everyMs);
    add(target.stretches, { from: intended, to });
  }

  /** A time without service that was seen otherwise than by a request. */
  recordWait(name: string, from: number, to: number): void {
    if (to - from <= this.refusedAfterMs) return;
    const target = this.#target(name);
    target.slowest = Math.max(target.slowest, to - from);
    add(target.stretches, { from, to });
  }

  /**
   * Milliseconds in which at least one target was without service.
   *
   * @param open intended starts of requests that have no answer yet, and the time it is.
   */
  refusedMs(open?: { readonly since: readonly number[]; readonly now: number }): number {
    return total(this.#all(open));
  }

  /** The longest time without service of any target, in milliseconds. */
  longestRefusedMs(): number {
    return longest(this.#all());
  }

  /** Requests, and those of them that were refused. */
  counts(): { readonly requests: number; readonly refused: number } {
    const targets = [...this.#targets.values()];
    return {
      requests: targets.reduce((sum, { requests }) => sum + requests, 0),
      refused: targets.reduce((sum, { refused }) => sum + refused, 0),
    };
  }

  /** The slowest answers over time. */
  series(): SeriesSeen | undefined {
    return this.#series.seen();
  }

  /** Each target; those that were the longest without service first. */
  seen(): TargetSeen[] {
    return [...this.#targets]
      .map(([target, { requests, refused, slowest, stretches }]) => ({
        target,
        requests,
        refused,
        slowestMs: Math.round(slowest),
        longestRefusedMs: Math.round(longest(stretches)),
      }))
      .sort((a, b) => b.longestRefusedMs - a.longestRefusedMs || b.slowestMs - a.slowestMs);
  }

  #target(name: string): Target {
    const known = this.#targets.get(name) ?? { requests: 0, refused: 0, slowest: 0, stretches: [] };
    this.#targets.set(name, known);
    return known;
  }

  #all(open?: { readonly since: readonly number[]; readonly now: number }): Stretch[] {
    const late = (open?.since ?? []).filter((since) => (open?.now ?? 0) - since > this.refusedAfterMs);
    const all = [...this.#targets.values()].flatMap(({ stretches }) => stretches.map((stretch) => ({ ...stretch })));
    all.push(...late.map((from) => ({ from, to: open?.now ?? from })));
    return merged(all);
  }
}

/** Adds a stretch to those of one target, which are nearly in order. */
function add(stretches: Stretch[], stretch: Stretch): void {
  const last = stretches.at(-1);
  if (last === undefined || stretch.from > last.to) stretches.push(stretch);
  else stretches.splice(0, stretches.length, ...merged([...stretches, stretch]));
}

function merged(stretches: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || from > last.to) result.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return result;
}

function total(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0);
}

function longest(stretches: readonly Stretch[]): number {
  return stretches.reduce((most, { from, to }) => Math.max(most, to - from), 0);
}
