import { rename, rm, statfs, writeFile } from "node:fs/promises";
import type { StageContext } from "../context.js";
import type { BackupFigures, MeasureRequest, MeasureResult } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { putMetrics } from "../measure/cloudWatch.js";
import { readServer } from "../measure/server.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment } from "../postgres/identity.js";
import { readMigrations } from "../prisma/migrations.js";
import { loadSchema } from "../prisma/schema.js";
import { renderMeasured } from "../report/metrics.js";
import { scanBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { readProvedBackup } from "../store/provedAge.js";
import { stamp } from "./stamp.js";

/**
 * Measures what alarms ask for: the age of the newest proved backup, the server's health, disks. What cannot be measured is left
 * out and said; that it is missing is itself what an alarm goes by. Only reads.
 *
 * @throws PipelineError (`MEASURE`) where a file cannot be written; from the timer also CloudWatch's error.
 */
export async function measure(request: MeasureRequest, { log }: StageContext): Promise<MeasureResult> {
  const started = Date.now();
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      log.warn(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const server = await attempt("the server could not be asked", () => askServer(request));
  const backups = await attempt("the store could not be read", () => readBackups(request));
  const disks: Record<string, { used: number; of: number }> = {};
  for (const path of request.disks) {
    const found = await attempt(`the space of ${path} is not known`, () => spaceOf(path));
    if (found !== undefined) disks[path] = found;
  }
  const result: MeasureResult = {
    stage: "measure",
    ...stamp(request, started),
    ...(server === undefined ? {} : { server }),
    ...(backups === undefined ? {} : { backups }),
    disks,
  };
  const { cloudWatch, textfile, keepRequest, ...again } = request;
  if (textfile !== undefined) await replace(textfile, renderMeasured(result), 0o644);
  // Before it is put: where that fails, the timer tries again.
  if (keepRequest !== undefined)
    await replace(
      keepRequest,
      JSON.stringify({
        ...again,
        ...(cloudWatch === undefined ? {} : { cloudWatch }),
        ...(textfile === undefined ? {} : { textfile }),
      }),
      0o600,
    );
  if (cloudWatch !== undefined) {
    const put = () => putMetrics(cloudWatch, result);
    // An update does not fail because CloudWatch does not answer: the timer tries again, and that nothing is heard raises an alarm.
    await (keepRequest === undefined ? put() : attempt("the metrics could not be put", put));
  }
  log.info("measured", { up: server !== undefined, proved: backups?.proved ?? "none" });
  return result;
}

async function askServer({ database, environment, project }: MeasureRequest) {
  const folder = await readMigrations(project.migrations);
  const schema = await loadSchema(project.schema, database.schema);
  return withClient(database, { applicationName: "safe-migration measure" }, async (client) => {
    await assertEnvironment(client, environment);
    return readServer(client, folder, schema);
  });
}

async function readBackups({ environment, store: url }: MeasureRequest): Promise<BackupFigures> {
  const store = openStore(url);
  const { complete, damaged } = await scanBackups(store, environment);
  const [newest] = complete;
  const proved = await readProvedBackup(store, environment);
  return {
    complete: complete.length,
    damaged: damaged.length,
    ...(newest === undefined ? {} : { newest: newest.created }),
    ...(proved === undefined ? {} : { proved: proved.made }),
  };
}

/** As `df` counts it: what only root may use is not free. */
async function spaceOf(path: string): Promise<{ used: number; of: number }> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  const used = (blocks - bfree) * bsize;
  return { used, of: used + bavail * bsize };
}

/** A reader sees the old file or the new one, never a part. */
async function replace(path: string, content: string, mode: number): Promise<void> {
  const partial = `${path}.${process.pid}`;
  try {
    await writeFile(partial, content, { mode });
    await rename(partial, path);
  } catch (error) {
    throw new PipelineError(
      {
        code: "MEASURE",
        kind: "failedUnchanged",
        message: `${path} could not be written: ${messageOf(error)}.`,
        state: "What was measured is in no file, and the timer measures as it did before. The database was only read.",
        next: "The user data of the host makes that folder (step measure): look at /var/log/safe-migration/measure.log there, or replace a host that was made before there was such a step; then run the same command.",
      },
      { cause: error },
    );
  } finally {
    await rm(partial, { force: true });
  }
}
