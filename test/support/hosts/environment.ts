import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../../../components/hostConnection.js";
import { hostReady } from "../../../components/hostReady.js";
import { MigrationPipeline } from "../../../components/migrationPipeline.js";
import { RemoteRunner } from "../../../components/remoteRunner.js";
import { hostDatabase } from "../../../components/userData/hostUserData.js";
import { databaseSchema, settingsSchema } from "../../../pipeline/contracts.js";
import { newRunId } from "../../../pipeline/runId.js";
import { hostBundle, hostProject } from "../../../tools/build/hostBundle.js";

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
  /** Whose backups its host may read: rights are AWS's, and moto asks for none. */
  readonly refreshFrom?: { readonly environment: string; readonly store: string };
  readonly readySeconds: number;
  readonly sample: { readonly users: number; readonly orders: number };
}

/** A Pulumi program: the pipeline on a host that is there, as the stack of an environment with a host of its own has it. */
export function hostEnvironment(args: HostEnvironment): pulumi.automation.PulumiFn {
  return async () => {
    const { environment, connection, instance, store } = args;
    const paths = {
      root: resolve(__dirname, "../../.."),
      build: args.build,
      schema: resolve(args.project, "schema.prisma"),
      migrations: resolve(args.project, "migrations"),
      checks: resolve(args.project, "checks.ts"),
    };
    const run = newRunId();
    const ready = hostReady("host-ready", { connection, instance, timeoutSeconds: args.readySeconds });
    const bundle = await bundleInTurn(paths);
    const runner = new RemoteRunner("runner", { connection, instance, bundle, ready: ready.stdout });
    const project = await hostProject(paths);
    const database = runner
      .stage(
        "sample",
        {
          stage: "local-sample",
          request: {
            environment,
            run,
            database: hostDatabase({ ...args.database, stanza: environment }),
            project,
            ...args.sample,
          },
        },
        {},
      )
      .apply((result) => databaseSchema.parse(result));
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
      // What commands by hand look for, as the outputs of index.ts.
      database,
      store,
      ...(args.refreshFrom === undefined ? {} : { refreshFrom: args.refreshFrom }),
      host: { address: connection.host, port: 22, user: "pipeline", hostKey: connection.hostKey, instance },
      backup: pipeline.backup,
      applied: pipeline.migrate.applied,
      migrations: pipeline.verify.migrations,
      health: pipeline.verify.health,
      identity: pipeline.preflight.identity,
    };
  };
}

let lastBundle: Promise<unknown> = Promise.resolve();

/** Both stacks are updated by this one process, at once and from one project, whose client and bundle are built in one place. */
function bundleInTurn(paths: Parameters<typeof hostBundle>[0]): ReturnType<typeof hostBundle> {
  const bundle = lastBundle.catch(() => undefined).then(() => hostBundle(paths));
  lastBundle = bundle;
  return bundle;
}
