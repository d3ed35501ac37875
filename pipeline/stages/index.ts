import { conclude } from "../conclude.js";
import {
  acceptRequest,
  backupRequest,
  backupsRequest,
  checkpointRequest,
  diagnoseRequest,
  fillRequest,
  findBackupRequest,
  measureRequest,
  migrateRequest,
  prepareRequest,
  recoverRequest,
  refreshRequest,
  rehearseRequest,
  repairRequest,
  resolveRequest,
  restoreRequest,
  rollbackRequest,
  stageRequest,
  verdictRequest,
  verifyRequest,
} from "../contracts.js";
import { cloudWatchSink } from "../logs/cloudWatch.js";
import type { LogSink } from "../logs/liveLog.js";
import { storeSink } from "../logs/store.js";
import { type Outcome, type RunStageOptions, type Stage, checkFields, runStage } from "../runStage.js";
import { openStore } from "../store/open.js";
import { localSample, localSampleRequest, localStart, localStartRequest, localStop } from "./local.js";

interface StoredRequest {
  readonly run: string;
  readonly environment: string;
  readonly store: string;
}

/** Keeps a stage's result and log in the run's folder of the store. */
async function keepInStore(request: StoredRequest, files: Readonly<Record<string, string>>): Promise<void> {
  const store = openStore(request.store);
  for (const [name, content] of Object.entries(files)) {
    await store.write(`${request.environment}/${request.run}/${name}`, content);
  }
}

const placesOfLog = stageRequest.pick({ store: true, settings: true }).strip();

/** Where the log of a stage that leaves evidence is kept while it runs. */
function sinksOf(stage: string, request: { run: string; environment: string }): LogSink[] {
  const { store, settings } = placesOfLog.parse(request);
  const { cloudWatch } = settings.logs;
  const inStore = storeSink(store, `${request.environment}/${request.run}/${stage}.log`);
  return [inStore, ...(cloudWatch === undefined ? [] : [cloudWatchSink(cloudWatch.groupArn, request.run, stage)])];
}

/** A stage that parses its own request, so that callers need not know what it is. */
export interface RunnableStage {
  readonly name: string;
  readonly summary: string;
  /** @throws PipelineError (`usage`) where one of these fields of a request is wrong, whatever the others are. */
  check(fields: object): void;
  run(rawRequest: unknown, options: RunStageOptions): Promise<Outcome<unknown>>;
}

function define<Request extends { run: string; environment: string }, Result>(
  stage: Stage<Request, Result>,
): RunnableStage {
  const concluding: Stage<Request, Result> =
    stage.keepEvidence === undefined
      ? stage
      : {
          ...stage,
          sinks: (request) => sinksOf(stage.name, request),
          conclude: (request, outcome, log) => {
            const { run, environment } = request;
            return conclude({ stage: stage.name, environment, run, request, outcome }, log);
          },
        };
  return {
    name: stage.name,
    summary: stage.summary,
    check: (fields) => checkFields(stage, fields),
    run: (rawRequest, options) => runStage(concluding, rawRequest, options),
  };
}

/** Every stage by its name; what a stage is made of is loaded when it runs, since each process runs one. */
export const stages = {
  preflight: define({
    name: "preflight",
    summary: "looks at everything that would make the run fail later, and touches nothing",
    request: stageRequest,
    run: async (request, context) => (await import("./preflight.js")).preflight(request, context),
    keepEvidence: keepInStore,
  }),
  backup: define({
    name: "backup",
    summary: "keeps the database and fingerprints every table under one snapshot",
    request: backupRequest,
    run: async (request, context) => (await import("./backup.js")).backup(request, context),
    keepEvidence: keepInStore,
  }),
  checkpoint: define({
    name: "checkpoint",
    summary: "a backup with a name, which stays until it is removed by that name",
    request: checkpointRequest,
    run: async (request, context) => (await import("./checkpoint.js")).checkpoint(request, context),
    keepEvidence: keepInStore,
  }),
  rehearse: define({
    name: "rehearse",
    summary:
      "restores the backup beside the database, applies the pending migrations there and proves that every value is kept",
    request: rehearseRequest,
    run: async (request, context) => (await import("./rehearse.js")).rehearse(request, context),
    keepEvidence: keepInStore,
  }),
  migrate: define({
    name: "migrate",
    summary: "applies the pending migrations, each whole or not at all",
    request: migrateRequest,
    run: async (request, context) => {
      const { withVerdict } = await import("../verdict/append.js");
      return withVerdict((await import("./migrate.js")).migrate)(request, context);
    },
    keepEvidence: keepInStore,
  }),
  verify: define({
    name: "verify",
    summary: "looks at history, drift, references, indexes, constraints, sequences and counts; writes the report",
    request: verifyRequest,
    run: async (request, context) => {
      const { withVerdict } = await import("../verdict/append.js");
      return withVerdict((await import("./verify.js")).verify)(request, context);
    },
    keepEvidence: keepInStore,
  }),
  restore: define({
    name: "restore",
    summary: "restores a backup beside the database, compares fingerprints, swaps by rename and keeps the old one",
    request: restoreRequest,
    run: async (request, context) => (await import("./restore.js")).restore(request, context),
    keepEvidence: keepInStore,
  }),
  rollback: define({
    name: "rollback",
    summary: "takes the newest migrations back with their down.sql, behind a backup",
    request: rollbackRequest,
    run: async (request, context) => (await import("./rollback.js")).rollback(request, context),
    keepEvidence: keepInStore,
  }),
  verdict: define({
    name: "verdict",
    summary: "what to do about the state that things are in, and what each way would lose; only reads",
    request: verdictRequest,
    run: async (request, context) => (await import("./verdict.js")).verdict(request, context),
  }),
  accept: define({
    name: "accept",
    summary: "records that the environment's database is another one from now on: moved, or replaced",
    request: acceptRequest,
    run: async (request, context) => (await import("./accept.js")).accept(request, context),
    keepEvidence: keepInStore,
  }),
  backups: define({
    name: "backups",
    summary: "lists the backups of the store, with what is known of each; only reads",
    request: backupsRequest,
    run: async (request, context) => (await import("./backups.js")).backups(request, context),
  }),
  recover: define({
    name: "recover",
    summary: "stops the application (pm2), restores a backup, starts the application and sees that it is healthy",
    request: recoverRequest,
    run: async (request, context) => (await import("./recover.js")).recover(request, context),
    keepEvidence: keepInStore,
  }),
  diagnose: define({
    name: "diagnose",
    summary: "looks for all that can be wrong with the database and its backups, and says what mends it; only reads",
    request: diagnoseRequest,
    run: async (request, context) => (await import("./diagnose.js")).diagnose(request, context),
    keepEvidence: keepInStore,
  }),
  repair: define({
    name: "repair",
    summary: "shows what would mend the findings of diagnose, and does it when told to, behind a backup",
    request: repairRequest,
    run: async (request, context) => (await import("./repair.js")).repair(request, context),
    keepEvidence: keepInStore,
  }),
  refresh: define({
    name: "refresh",
    summary: "gives an environment the data of another one's newest proved backup, anonymised",
    request: refreshRequest,
    run: async (request, context) => (await import("./refresh.js")).refresh(request, context),
    keepEvidence: keepInStore,
  }),
  status: define({
    name: "status",
    summary: "the state things are in; only reads",
    request: stageRequest,
    run: async (request, context) => (await import("./status.js")).status(request, context),
  }),
  "find-backup": define({
    name: "find-backup",
    summary: "what the stage that made a backup said of it; only reads",
    request: findBackupRequest,
    run: async (request, context) => (await import("./findBackup.js")).findBackup(request, context),
  }),
  "migrate-status": define({
    name: "migrate-status",
    summary: "each migration's state, and drift; only reads",
    request: stageRequest,
    run: async (request, context) => (await import("./migrateStatus.js")).migrateStatus(request, context),
  }),
  resolve: define({
    name: "resolve",
    summary: "records what a person found about a migration; no table is touched",
    request: resolveRequest,
    run: async (request, context) => (await import("./resolve.js")).resolve(request, context),
    keepEvidence: keepInStore,
  }),
  measure: define({
    name: "measure",
    summary: "measures what alarms ask for (age of backups, server, disks) and hands it to CloudWatch or a file",
    request: measureRequest,
    run: async (request, context) => (await import("./measure.js")).measure(request, context),
  }),
  health: define({
    name: "health",
    summary: "a quick health check; only reads",
    request: stageRequest,
    run: async (request, context) => (await import("./health.js")).health(request, context),
  }),
  prepare: define({
    name: "prepare",
    summary: "gives a new database of a managed server its owner, its mark and the application's password",
    request: prepareRequest,
    run: async (request, context) => (await import("./prepare.js")).prepare(request, context),
  }),
  fill: define({
    name: "fill",
    summary: "fills a database that is new and empty with a backup of the store; leaves any other as it is",
    request: fillRequest,
    run: async (request, context) => (await import("./fill.js")).fill(request, context),
    keepEvidence: keepInStore,
  }),
  "local-start": define({
    name: "local-start",
    summary: "makes and starts the local stack's cluster and database",
    request: localStartRequest,
    run: localStart,
  }),
  "local-sample": define({
    name: "local-sample",
    summary: "fills a new local database with sample data",
    request: localSampleRequest,
    run: localSample,
  }),
  "local-stop": define({
    name: "local-stop",
    summary: "stops the local stack's cluster; its data stays",
    request: localStartRequest,
    run: localStop,
  }),
};
export type StageName = keyof typeof stages;
