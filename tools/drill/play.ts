import type { Pm2Application } from "../../test/support/application/pm2Application.js";
import type { Load, LoadSeen } from "../../test/support/application/load.js";
import { Pm2 } from "../../pipeline/application/pm2.js";
import type { StageContext } from "../../pipeline/context.js";
import {
  type DiagnoseResult,
  type StageRequest,
  backupRequest,
  checkpointRequest,
  diagnoseRequest,
  migrateRequest,
  recoverRequest,
  rehearseRequest,
  repairRequest,
  restoreRequest,
} from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { fingerprintDatabase } from "../../pipeline/postgres/fingerprint.js";
import { type Fingerprints, compareFingerprints } from "../../pipeline/postgres/fingerprints.js";
import { backup } from "../../pipeline/stages/backup.js";
import { checkpoint } from "../../pipeline/stages/checkpoint.js";
import { diagnose } from "../../pipeline/stages/diagnose.js";
import { health } from "../../pipeline/stages/health.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { recover } from "../../pipeline/stages/recover.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { repair } from "../../pipeline/stages/repair.js";
import { restore } from "../../pipeline/stages/restore.js";
import type { ScratchStack } from "./scratch.js";

/** One line of what is shown. */
export interface Line {
  readonly what: string;
  readonly seen: string;
  readonly ms: number;
  /** As it should be. */
  readonly good: boolean;
}

/** What the emergencies are played with. */
export interface Stage {
  readonly stack: ScratchStack;
  readonly application: Pm2Application;
  readonly load: Load;
  readonly context: StageContext;
  readonly tell: (line: Line) => void;
}

type Seen = readonly [seen: string, good: boolean];

/** Does a step and tells of it. */
async function step<T>({ tell }: Stage, what: string, work: () => Promise<T>, seen: (result: T) => Seen): Promise<T> {
  const begun = Date.now();
  const result = await work();
  const [text, good] = seen(result);
  tell({ what, seen: text, ms: Date.now() - begun, good });
  return result;
}

const fine = (text: string): Seen => [text, true];
const patienceMs = 60_000;

/** The plan's first emergency: a migration fails half-way, in a file that gives up being applied whole. */
export async function failedMigration(stage: Stage): Promise<void> {
  const { stack, application, context } = stage;
  const name = "29990101000000_fails_half_way";
  const request = (): StageRequest => stack.request(settingsOf(application));
  await stack.addMigration(
    name,
    "-- no-transaction\nALTER TABLE orders RENAME COLUMN total TO amount;\nDELETE FROM order_items;\nSELECT 1 / 0;\n",
  );
  await stopApplication(stage);
  const base = request();
  const made = await step(
    stage,
    "npm run db:backup",
    () => backup(backupRequest.parse(base), context),
    ({ rows }) => fine(`${rows} rows`),
  );
  const before = await fingerprints(stage);
  await step(
    stage,
    "the rehearsal, as it is by default",
    () => failing(rehearse(rehearseRequest.parse({ ...base, backup: made }), context)),
    ({ code, kind }) => [`stops it (${code}); the database is untouched`, kind !== "failedChanged"],
  );
  const reason = "the drill wants to see what happens without it";
  const without = { ...base, settings: { ...base.settings, rehearse: { mode: "never" as const, reason } } };
  const rehearsal = await rehearse(rehearseRequest.parse({ ...without, backup: made }), context);
  await step(
    stage,
    "prisma:migrate:deploy, the rehearsal switched off",
    () => failing(migrate(migrateRequest.parse({ ...without, backup: made, rehearsal }), context)),
    ({ code, kind }) => [`${code}: applied in part`, kind === "failedChanged"],
  );
  await stack.removeMigration(name);
  await step(
    stage,
    "npm run recover",
    () => recover(recoverRequest.parse({ ...request(), backup: made.id }), context),
    ({ steps }) => fine(steps.map(({ step: one, outcome }) => `${one}: ${outcome}`).join(", ")),
  );
  await sameAs(stage, before, "what was there before the migration", true);
  await step(
    stage,
    "npm run health:check",
    () => health(request(), context),
    ({ status }) => [status, status === "healthy"],
  );
}

/** The plan's second emergency: rows are gone behind the back of the foreign keys, and an index lacks rows. */
export async function corruptData(stage: Stage): Promise<void> {
  const { stack, application, context } = stage;
  const request = (): StageRequest => stack.request(settingsOf(application));
  const diagnosing = () => diagnose(diagnoseRequest.parse(request()), context);
  await stopApplication(stage);
  // An old wound, which the checkpoint has, too, and only a repair mends.
  await run(stage, "SELECT setval(pg_get_serial_sequence('orders', 'id'), 1)");
  await step(
    stage,
    "npm run db:checkpoint -- --name drill",
    () => checkpoint(checkpointRequest.parse({ ...request(), name: "drill" }), context),
    () => fine("made"),
  );
  const before = await fingerprints(stage);
  await run(
    stage,
    `ALTER TABLE user_profiles DISABLE TRIGGER ALL;
     DELETE FROM user_profiles WHERE id IN (SELECT user_id FROM orders WHERE user_id IS NOT NULL ORDER BY id LIMIT 20);
     ALTER TABLE user_profiles ENABLE TRIGGER ALL`,
  );
  await run(stage, "UPDATE pg_index SET indisready = false WHERE indexrelid = 'orders_number_key'::regclass");
  await run(stage, "UPDATE orders SET number = 'X' || id WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 50)");
  await run(stage, "UPDATE pg_index SET indisready = true WHERE indexrelid = 'orders_number_key'::regclass");
  stage.tell({
    what: "(by hand) users deleted, numbers of orders changed, an index not kept up",
    seen: "",
    ms: 0,
    good: true,
  });

  await step(stage, "npm run db:diagnose", diagnosing, (seen) => [
    errorsOf(seen).join(", "),
    hasAll(seen, ["corrupt-index", "orphans", "sequence-behind"]),
  ]);
  await step(
    stage,
    "npm run db:restore:checkpoint -- --name drill",
    () => restore(restoreRequest.parse({ ...request(), checkpoint: "drill" }), context),
    ({ swapMs }) => fine(`${swapMs} ms without a database`),
  );
  await sameAs(stage, before, "the checkpoint");
  await step(stage, "npm run db:diagnose", diagnosing, (seen) => [
    `left: ${errorsOf(seen).join(", ")}`,
    errorsOf(seen).join() === "sequence-behind",
  ]);
  await step(
    stage,
    "npm run db:repair -- --apply",
    () => repair(repairRequest.parse({ ...request(), apply: true }), context),
    ({ steps, left }) => {
      const errors = left.filter(({ severity }) => severity === "error");
      const done = steps.map(({ what, outcome }) => `${what}: ${outcome}`).join("; ");
      return [`${done}; ${errors.length} error(s) left`, errors.length === 0];
    },
  );
  await sameAs(stage, before, "the checkpoint, its sequence mended");
  const pm2 = new Pm2(application.process, context.signal);
  await step(
    stage,
    `pm2 start ${application.process}`,
    () => pm2.start(patienceMs),
    () => fine("online"),
  );
  await step(
    stage,
    "npm run health:check",
    () => health(request(), context),
    ({ status }) => [status, status === "healthy"],
  );
}

/** Before the backup, so that nothing is written after it: a restore then loses nothing. */
async function stopApplication(stage: Stage): Promise<void> {
  const pm2 = new Pm2(stage.application.process, stage.context.signal);
  await step(
    stage,
    `pm2 stop ${pm2.name}`,
    () => pm2.stop(patienceMs),
    () => fine("stopped, so that nothing is written after the backup"),
  );
}

function settingsOf({ process, healthUrl }: Pm2Application): StageRequest["settings"]["application"] {
  return { process, account: "", healthUrl };
}

async function failing(work: Promise<unknown>): Promise<PipelineError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PipelineError) return error;
  throw error instanceof Error ? error : new Error("the migration did not fail");
}

function fingerprints({ stack, context }: Stage): Promise<Fingerprints> {
  return fingerprintDatabase(stack.database, { jobs: 2, ...context });
}

async function sameAs(stage: Stage, before: Fingerprints, what: string, running = false): Promise<void> {
  await step(
    stage,
    "fingerprints of every table",
    () => fingerprints(stage),
    (now) => {
      // What the application has written since it was started again is more, and no difference.
      const differences = compareFingerprints(before, now).filter(({ object }) => !running || !grows.has(object));
      return [
        differences.length === 0
          ? `equal to ${what}`
          : differences.map(({ object, message }) => `${object} ${message}`).join("; "),
        differences.length === 0,
      ];
    },
  );
}

/** The tables that the application writes to as soon as it runs; their rows are compared one by one at the end. */
const grows = new Set(["public.orders", "public.order_items"]);

function errorsOf({ findings }: DiagnoseResult): string[] {
  return [...new Set(findings.filter(({ severity }) => severity === "error").map(({ check }) => check))].sort();
}

function hasAll(seen: DiagnoseResult, checks: readonly string[]): boolean {
  return checks.every((check) => errorsOf(seen).includes(check));
}

async function run({ stack }: Stage, sql: string): Promise<void> {
  await withClient(stack.database, { applicationName: "safe-migration drill" }, (client) => client.query(sql));
}

/** What became of the orders that the application said it had taken, and of those whose answer was lost. */
export async function losses({ stack }: Stage, seen: LoadSeen): Promise<{ lost: string[]; unknownThere: number }> {
  return withClient(stack.database, { applicationName: "safe-migration drill" }, async (client) => {
    const there = async (numbers: readonly string[]): Promise<Set<string>> => {
      const { rows } = await client.query<{ number: string }>(
        `SELECT o.number FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.number = ANY ($1)`,
        [numbers],
      );
      return new Set(rows.map(({ number }) => number));
    };
    const kept = await there(seen.acknowledged);
    const lost = seen.acknowledged.filter((number) => !kept.has(number));
    return { lost, unknownThere: (await there(seen.unknown)).size };
  });
}
