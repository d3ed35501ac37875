import * as pulumi from "@pulumi/pulumi";
import { makeEnvironment } from "./components/environments/index.js";
import { tellingForeseen } from "./components/foreseen.js";
import { reviewPending } from "./components/gate.js";
import { chooseRun, runKey } from "./components/lastRun.js";
import { MigrationPipeline } from "./components/migrationPipeline.js";
import { assertNotMoved, placeOf } from "./components/moved.js";
import { assertStacksNamed } from "./components/namedStacks.js";
import { reportPending } from "./components/pendingReport.js";
import { assertPromoted } from "./components/promotion.js";
import { readRefreshSource } from "./components/refreshSource.js";
import { assertNotRenamed } from "./components/renamed.js";
import { assertSameMajor } from "./components/sameMajor.js";
import { sinceRefresh } from "./components/sinceRefresh.js";
import { readLastRun } from "./components/stackReference.js";
import { reportWindow } from "./components/windowReport.js";
import { parseConfig, resolvePaths, stageSettings, withTold } from "./config.js";
import { majorOf } from "./pipeline/postgres/version.js";
import { readMigrations } from "./pipeline/prisma/migrations.js";
import { readSchemaFiles } from "./pipeline/prisma/schema.js";
import { pageBeside } from "./pipeline/report/write.js";
import { newRunId } from "./pipeline/runId.js";
import { overrideOf, readOverride, withOverride } from "./tools/windowOverride.js";

/** The program: configuration → components → outputs. */
export = (): Promise<Outputs> => tellingForeseen(program);

type Outputs = Record<string, pulumi.Input<unknown>>;

async function program(): Promise<Outputs> {
  const environment = pulumi.getStack();
  const config = parseConfig(environment, pulumi.runtime.allConfig());
  const paths = resolvePaths(config, __dirname);
  assertStacksNamed(__dirname, environment, config);

  const folder = await readMigrations(paths.migrations);
  const key = runKey(folder.migrations, await readSchemaFiles(paths.schema));
  const before = await readLastRun();
  assertNotRenamed(environment, before);
  const place = placeOf(config, new pulumi.Config("aws").get("region"));
  assertNotMoved(environment, before, place, "restoreFrom" in config.database ? config.database.restoreFrom : "");
  assertSameMajor(environment, before, place);
  const { last, against, warning } =
    config.refresh.from === "" ? { last: before } : await sinceRefresh(environment, before);
  if (warning !== undefined) await pulumi.log.warn(warning);
  const run = chooseRun(config.pipeline.run, last, key, newRunId());
  const now = overrideOf(run, last, readOverride(__dirname));
  const settings = withOverride(stageSettings(config), now);
  const defaultSchema = config.database.schema;
  const review = await reviewPending({ environment, folder, last, risk: settings.risk, defaultSchema, against });
  await reportPending(environment, review);
  await assertPromoted(environment, config.promotion.from, review.pending);
  await reportWindow(settings.window, review.pending.length);

  const refreshFrom = await readRefreshSource(environment, config);
  const { database, project, store, storeAccess, runner, connection, host, told, watch } = await makeEnvironment({
    name: environment,
    config,
    paths,
    run,
    ...(refreshFrom === undefined ? {} : { refreshFrom }),
  });
  const pipeline = new MigrationPipeline("pipeline", {
    environment,
    run,
    database,
    project,
    store,
    settings: pulumi.output(told ?? {}).apply((places) => withTold(settings, places)),
    runner,
  });

  watch?.(pipeline.verify.run);

  return {
    connection,
    ...(host === undefined ? {} : { host }),
    store,
    ...(storeAccess === undefined ? {} : { storeAccess }),
    ...(refreshFrom === undefined
      ? {}
      : { refreshFrom: { environment: refreshFrom.environment, store: refreshFrom.store } }),
    ...(told === undefined ? {} : { told }),
    // Where commands by hand find it; a password only as the place where it is.
    database,
    backup: pipeline.backup.apply(({ id, location, bytes, rows, physical, dbSnapshot }) => ({
      ...{ id, location, bytes, rows },
      ...(physical?.method === "pgbackrest"
        ? { method: physical.method, restorePoint: physical.restorePoint.name }
        : {}),
      ...(physical?.method === "snapshot" ? { method: physical.method, snapshot: physical.identifier } : {}),
      ...(dbSnapshot === undefined ? {} : { snapshot: dbSnapshot.identifier }),
    })),
    rehearsal: pipeline.rehearse.apply(({ verdict, summary }) => ({ verdict, summary })),
    provedBackup: pipeline.verify.proved,
    migrations: pipeline.verify.migrations,
    appliedNow: pipeline.migrate.applied.apply((applied) => applied.map(({ name }) => name)),
    health: pipeline.verify.health,
    report: pipeline.verify.report.apply(pageBeside),
    lastRun: {
      run,
      environment,
      key,
      migrations: pipeline.verify.migrations,
      tables: pipeline.verify.tables,
      place,
      store,
      ...(now === undefined ? {} : { now }),
      postgresMajor: pipeline.preflight.identity.serverVersion.apply(majorOf),
    },
  };
}
