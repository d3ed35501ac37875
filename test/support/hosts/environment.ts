import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { tellingForeseen } from "../../../components/foreseen.js";
import type { HostConnection } from "../../../components/hostConnection.js";
import { hostReady } from "../../../components/hostReady.js";
import { pendingSince, runKey } from "../../../components/lastRun.js";
import { MigrationPipeline } from "../../../components/migrationPipeline.js";
import { Place } from "../../../components/place.js";
import { assertPromoted } from "../../../components/promotion.js";
import { RemoteRunner } from "../../../components/remoteRunner.js";
import { readLastRun } from "../../../components/stackReference.js";
import { hostDatabase } from "../../../components/userData/hostUserData.js";
import { type Database, databaseSchema, settingsSchema } from "../../../pipeline/contracts.js";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";
import { readSchemaFiles } from "../../../pipeline/prisma/schema.js";
import { newRunId } from "../../../pipeline/runId.js";
import { hostBundle, hostProject } from "../../../tools/build/hostBundle.js";
import type { ManagedServer } from "./managedServer.js";

export interface HostEnvironment {
  readonly environment: string;
  readonly connection: HostConnection;
  /** Identifies the machine, as an instance's id does. */
  readonly instance: string;
  readonly database: { readonly name: string; readonly owner: string };
  /** Folder of the Prisma project: `schema.prisma`, `migrations/`, `checks.ts`. */
  readonly project: string;
  /** Where the bundle is built. */
  readonly build: string;
  readonly store: string;
  /** A managed server that the database is on, instead of the host itself. */
  readonly server?: Pick<ManagedServer, "database" | "applicationSecret">;
  /** The stack whose word is taken that a migration was proved. @default none is asked */
  readonly promotedFrom?: string | undefined;
  /** Whose backups its host may read: rights are AWS's, and moto asks for none. */
  readonly refreshFrom?: { readonly environment: string; readonly store: string };
  readonly readySeconds: number;
  readonly sample: { readonly users: number; readonly orders: number };
}

/** A Pulumi program: the pipeline on a host that is there, as the stack of an environment with a host of its own has it. */
export function hostEnvironment(args: HostEnvironment): pulumi.automation.PulumiFn {
  return () => tellingForeseen(() => program(args));
}

async function program(args: HostEnvironment): Promise<Record<string, unknown>> {
  const { environment, connection, instance, store } = args;
  const paths = {
    root: resolve(__dirname, "../../.."),
    build: args.build,
    schema: resolve(args.project, "schema.prisma"),
    migrations: resolve(args.project, "migrations"),
    checks: resolve(args.project, "checks.ts"),
  };
  const run = newRunId();
  const folder = await readMigrations(paths.migrations);
  const refs = folder.migrations.map(({ name, checksum }) => ({ name, checksum }));
  await assertPromoted(environment, args.promotedFrom ?? "", pendingSince(await readLastRun(), refs));
  const ready = hostReady("host-ready", { connection, instance, timeoutSeconds: args.readySeconds });
  const bundle = await bundleInTurn(paths);
  const runner = new RemoteRunner("runner", { connection, instance, bundle, ready: ready.stdout });
  const project = await hostProject(paths);
  const database = runner
    .stage(
      "sample",
      {
        stage: "local-sample",
        request: { environment, run, database: databaseOn(runner, run, args), project, ...args.sample },
      },
      {},
    )
    .apply((result) => databaseSchema.parse(result));
  const { refreshFrom } = args;
  const { host: address, hostKey } = connection;
  const host = pulumi.output({ address, port: 22, user: "pipeline", hostKey, instance });
  const place = { database, store, host, ...(refreshFrom === undefined ? {} : { refreshFrom }) };
  // Where commands by hand look, as makeEnvironment has it.
  new Place("place", place);
  const settings = settingsSchema.parse({ backup: {}, preflight: {}, migrate: {} });
  const pipeline = new MigrationPipeline("pipeline", {
    environment,
    run,
    database,
    project,
    store,
    settings,
    runner,
  });
  return {
    ...place,
    backup: pipeline.backup,
    applied: pipeline.migrate.applied,
    migrations: pipeline.verify.migrations,
    health: pipeline.verify.health,
    identity: pipeline.preflight.identity,
    lastRun: {
      run,
      key: runKey(folder.migrations, await readSchemaFiles(paths.schema)),
      migrations: pipeline.verify.migrations,
    },
  };
}

/** The database as the stages reach it; a managed server's once it is prepared, as the stack of an RDS has it. */
function databaseOn(runner: RemoteRunner, run: string, args: HostEnvironment): pulumi.Input<Database> {
  const { environment, server } = args;
  if (server === undefined) return hostDatabase({ ...args.database, stanza: environment });
  const { database, applicationSecret } = server;
  const request = { environment, run, database, applicationSecret };
  return runner.stage("database-prepare", { stage: "prepare", request }, {}).apply(() => database);
}

let lastBundle: Promise<unknown> = Promise.resolve();

/** Both stacks are updated by this one process, at once and from one project, whose client and bundle are built in one place. */
function bundleInTurn(paths: Parameters<typeof hostBundle>[0]): ReturnType<typeof hostBundle> {
  const bundle = lastBundle.catch(() => undefined).then(() => hostBundle(paths));
  lastBundle = bundle;
  return bundle;
}
