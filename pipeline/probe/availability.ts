import type pg from "pg";
import type { StageContext } from "../context.js";
import type { Availability, Database, Measured, Settings } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { withClient } from "../postgres/connection.js";
import type { Session } from "../postgres/sessions.js";
import { migrateApplicationName } from "../prisma/apply.js";
import { type OpenLoop, openLoop } from "./openLoop.js";
import { watchSessions } from "./sessionWatch.js";
import { Tally } from "./tally.js";
import { type Target, healthTarget, tableTargets } from "./targets.js";
import { findTouched, touchedBy } from "./touched.js";

/** The most tables that are probed, with two connections each. */
const mostTables = 8;

/** How long the last answers are waited for when a migration is over, in milliseconds. */
const patienceMs = 2_000;

/** How often the budget is looked at, in milliseconds. */
const budgetEveryMs = 50;

export interface ProbeOptions {
  readonly settings: Settings;
  readonly log: Logger;
}

/** What the application would meet while the migrations of a run are applied; one for each run, as the budget is the run's. */
export class AvailabilityProbe {
  readonly #tally: Tally;
  readonly #waits: { from: number; to: number }[] = [];
  #probed = false;
  #leftOut = 0;

  constructor(
    private readonly database: Database,
    private readonly options: ProbeOptions,
  ) {
    const { refusedAfterMs, probeEveryMs } = options.settings.migrate;
    this.#tally = new Tally(refusedAfterMs, probeEveryMs);
  }

  /** Watches one migration, with all its attempts. */
  async watch(sql: string): Promise<Watch> {
    const { maxRefusedMs, probeEveryMs } = this.options.settings.migrate;
    const tally = this.#tally;
    const sessions = await watchSessions(this.database, migrateApplicationName, ({ from, to }) => {
      this.#waits.push({ from, to });
      tally.recordWait("sessions that waited for the migration", from, to);
    });
    const targets = probeEveryMs === 0 ? [] : await this.#targets(sql);
    if (targets.length > 0) this.#probed = true;
    const loops: OpenLoop[] = targets.map((target) =>
      openLoop({
        everyMs: probeEveryMs,
        ask: () => target.ask(),
        record: (sample) => tally.record(target.name, sample),
      }),
    );
    const refusedMs = () => {
      const since = loops.flatMap((loop) => loop.since() ?? []);
      return tally.refusedMs({ since: [...since, ...sessions.waitingSince()], now: Date.now() });
    };
    const exceeded = new AbortController();
    const timer = setInterval(() => {
      if (refusedMs() >= maxRefusedMs) exceeded.abort(new Error("the availability budget is used up"));
    }, budgetEveryMs);
    return {
      exceeded: exceeded.signal,
      refusedMs,
      blockers: () => sessions.blockers(),
      nextAttempt: () => sessions.nextAttempt(),
      async stop() {
        clearInterval(timer);
        await Promise.all(loops.map((loop) => loop.stop(patienceMs)));
        await Promise.all(targets.map((target) => target.end()));
        await sessions.stop();
      },
    };
  }

  /** What was seen; `undefined` where nothing was probed. */
  seen(): Availability | undefined {
    if (!this.#probed) return undefined;
    const { maxRefusedMs, refusedAfterMs } = this.options.settings.migrate;
    const { requests, refused } = this.#tally.counts();
    const series = this.#tally.series();
    const durations = this.#waits.map(({ from, to }) => to - from);
    return {
      requests,
      refused,
      refusedMs: Math.round(this.#tally.refusedMs()),
      longestRefusedMs: Math.round(this.#tally.longestRefusedMs()),
      refusedAfterMs,
      budgetMs: maxRefusedMs,
      waited: { sessions: durations.length, longestMs: Math.round(Math.max(0, ...durations)) },
      // What a stack's state holds is to be small; the others were no worse.
      targets: this.#tally.seen().slice(0, 20),
      tablesLeftOut: this.#leftOut,
      ...(series === undefined ? {} : { series }),
    };
  }

  /** Keeps what was seen during some work for the stage's record, however the work ends. */
  async noting<T>({ measured }: StageContext, during: Measured["during"], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      const availability = this.seen();
      if (availability !== undefined) measured?.({ during, availability });
    }
  }

  async #targets(sql: string): Promise<Target[]> {
    const { log } = this.options;
    const targets: Target[] = [];
    try {
      const { tables, leftOut } = await withClient(
        this.database,
        { applicationName: "safe-migration watch" },
        async (client) => {
          const most = Math.min(mostTables, await affordable(client));
          const found = await findTouched(client, touchedBy(sql), 1_000);
          return { tables: found.slice(0, most), leftOut: Math.max(0, found.length - most) };
        },
      );
      this.#leftOut = Math.max(this.#leftOut, leftOut);
      if (leftOut > 0) log.info(`${leftOut} touched table(s) are not probed: the ${tables.length} biggest are`);
      for (const table of tables) targets.push(...(await tableTargets(this.database, table)));
    } catch (error) {
      // The migration is none the worse for it; the budget is then kept by what is measured.
      log.warn(`availability is measured in part only: ${messageOf(error)}`);
    }
    const { healthUrl } = this.options.settings.application;
    if (healthUrl === "") return targets;
    const health = healthTarget(healthUrl);
    if ((await health.ask()) === "answered") return [...targets, health];
    log.warn(`${health.name} did not answer well before the migration: it is not counted`);
    await health.end();
    return targets;
  }
}

/** One migration being watched. */
export interface Watch {
  /** Aborted when the application has been refused for as long as the budget allows. */
  readonly exceeded: AbortSignal;
  /** Milliseconds without service so far, in the whole run. */
  refusedMs(): number;
  /** Sessions that the migration was last seen to wait for, since the last attempt began. */
  blockers(): readonly Session[];
  nextAttempt(): void;
  stop(): Promise<void>;
}

/** How many tables can be probed with a quarter of the connections that are free. */
async function affordable(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ free: number }>(
    `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS free`,
  );
  return Math.max(0, Math.floor((rows[0]?.free ?? 0) / 8));
}

/** What was measured, in a line. */
export function describeAvailability(seen: Availability): string {
  const { requests, refused, refusedMs, longestRefusedMs, waited } = seen;
  const waits =
    waited.sessions === 0
      ? ""
      : `; ${waited.sessions} session(s) of the application waited for it, the longest ${waited.longestMs} ms`;
  return refused === 0 && refusedMs === 0
    ? `${requests} probes of the touched tables, none refused${waits}`
    : `${refused} of ${requests} probes of the touched tables refused, ${refusedMs} ms in all, ${longestRefusedMs} ms at most at once${waits}`;
}
