import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import Table from "cli-table3";
import { build } from "esbuild";
import {
  type BackupResult,
  type Database,
  type StageRequest,
  backupResult,
  settingsSchema,
} from "../pipeline/contracts.js";
import { stockPrismaFor } from "../tools/prisma/stock.js";
import { findBinaries } from "../pipeline/postgres/binaries.js";
import { libpqEnvironment } from "../pipeline/postgres/connection.js";
import { chooseCompression } from "../pipeline/postgres/dump.js";
import { type Measured, measure, median, times } from "./measure.js";
import { onMaintenance, root, serverMajor, surroundings, withSample } from "./sample.js";

/**
 * This backup, restore and whole pipeline beside the plan's own way (`pg_dump > file.sql`, `psql -f file.sql`, its
 * `safe-migration.sh`), in one run on the same generated database. Every figure is a whole process: start to exit.
 */

interface Row {
  readonly what: string;
  readonly plan: number;
  readonly ours: number;
  readonly unit: "s" | "MB";
  readonly note: string;
}

export interface PipelineBenchOptions {
  /** Size of the generated database, in bytes. */
  readonly size: number;
  /** Runs of each figure; the median is shown. */
  readonly repeat: number;
  readonly json: boolean;
}

export async function benchPipeline({ size, repeat, json }: PipelineBenchOptions): Promise<void> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  await withSample({ size, say }, async ({ folder, database, project, cli, bytes }) => {
    say(`the database has ${(bytes / 1e6).toFixed(0)} MB; ${repeat} runs of each`);
    const request = (run: string): StageRequest => ({
      environment: "local",
      run,
      database,
      project,
      store: pathToFileURL(join(folder, "store")).href,
      settings: settingsSchema.parse({ backup: {}, preflight: {}, migrate: {} }),
    });
    const rows = await compare({ folder, database, cli, request, repeat, say });
    const around = await surroundings(database);
    if (json) process.stdout.write(`${JSON.stringify({ bytes, around, rows })}\n`);
    else process.stdout.write(render(rows, bytes, around));
  });
}

interface Bench {
  readonly folder: string;
  readonly database: Database;
  readonly cli: string;
  readonly request: (run: string) => StageRequest;
  readonly repeat: number;
  readonly say: (text: string) => void;
}

async function compare({ folder, database, cli, request, repeat, say }: Bench): Promise<Row[]> {
  const env = await libpqEnvironment(database);
  const { pgDump } = await findBinaries(await serverMajor(database));
  const compression = await chooseCompression(pgDump);
  const file = join(folder, "backup.sql");
  let peakBytes = 0;
  const stage = async (name: string, body: object): Promise<Measured> => {
    const measured = await measure(process.execPath, [cli, "--log-level", "error", name], {
      stdin: JSON.stringify(body),
    });
    peakBytes = Math.max(peakBytes, measured.peakBytes);
    return measured;
  };

  say("backup …");
  const plain = await times(repeat, () => measure("pg_dump", ["--file", file], { env }));
  const bare = await times(repeat, async () => {
    const target = join(folder, "bare");
    const measured = await measure(
      pgDump.path,
      ["--format=directory", "--jobs=2", `--compress=${compression}`, "--file", target],
      {
        env,
      },
    );
    await rm(target, { recursive: true });
    return measured;
  });
  let backup: BackupResult | undefined;
  const ours = await times(repeat, async (at) => {
    const measured = await stage("backup", request(`bench-${at}`));
    backup = backupResult.parse(JSON.parse(measured.stdout));
    return measured;
  });
  const made = backup;
  if (made === undefined) throw new Error("no backup was made");

  say("restore …");
  const psql = await times(repeat, async (at) => {
    const name = `plain_${at}`;
    await onMaintenance(database, (client) => client.query(`CREATE DATABASE ${name}`));
    const measured = await measure(
      "psql",
      ["--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--file", file],
      {
        env: { ...env, PGDATABASE: name },
      },
    );
    await onMaintenance(database, (client) => client.query(`DROP DATABASE ${name}`));
    return measured;
  });
  const restore = await times(repeat, async (at) => {
    const measured = await stage("restore", { ...request(`restore-${at}`), backup: made.id });
    const { dropKept } = JSON.parse(measured.stdout) as { dropKept: string };
    await onMaintenance(database, (client) => client.query(dropKept));
    return measured;
  });

  say("whole pipeline …");
  const own: Measured[] = [];
  const rehearsals: Measured[] = [];
  const whole = await times(repeat, async (at) => {
    const base = request(`whole-${at}`);
    const parts = [await stage("preflight", base)];
    const preflight: unknown = JSON.parse(parts[0]?.stdout ?? "");
    parts.push(await stage("backup", { ...base, preflight }));
    const fresh: unknown = JSON.parse(parts[1]?.stdout ?? "");
    parts.push(await stage("rehearse", { ...base, backup: fresh }));
    const rehearsal: unknown = JSON.parse(parts[2]?.stdout ?? "");
    parts.push(await stage("migrate", { ...base, backup: fresh, rehearsal }));
    const migrate: unknown = JSON.parse(parts[3]?.stdout ?? "");
    parts.push(await stage("verify", { ...base, preflight, backup: fresh, migrate }));
    const [looking, , rehearsing, ...rest] = parts;
    if (looking !== undefined) own.push(sum([looking, ...rest]));
    if (rehearsing !== undefined) rehearsals.push(rehearsing);
    return sum(parts);
  });
  say("the plan's script, with the stock Prisma CLI …");
  const planChecks = await bundlePlanChecks(folder);
  const script = await times(repeat, async () =>
    sum([
      await measure("pg_dump", ["--file", file], { env }),
      await stockPrisma(request("stock"), ["migrate", "status"]),
      await stockPrisma(request("stock"), ["migrate", "deploy"]),
      await measure(process.execPath, [planChecks], { env }),
    ]),
  );
  const plainBytes = (await stat(file)).size;
  const backupSeconds = median(ours).seconds;
  return [
    { what: "backup", plan: median(plain).seconds, ours: backupSeconds, unit: "s", note: "pg_dump > file.sql" },
    {
      what: "its dump alone",
      plan: median(plain).seconds,
      ours: median(bare).seconds,
      unit: "s",
      note: "no fingerprints, no checksums",
    },
    { what: "size of the backup", plan: plainBytes / 1e6, ours: made.bytes / 1e6, unit: "MB", note: "file.sql" },
    { what: "restore", plan: median(psql).seconds, ours: median(restore).seconds, unit: "s", note: "psql -f file.sql" },
    {
      what: "pipeline",
      plan: median(script).seconds,
      ours: median(whole).seconds,
      unit: "s",
      note: "the plan's safe-migration.sh",
    },
    {
      what: "preflight, migrate, verify",
      plan: median(script).seconds - median(plain).seconds,
      ours: median(own).seconds,
      unit: "s",
      note: "migrate status, deploy, two counts",
    },
    {
      what: "rehearse",
      plan: 0,
      ours: median(rehearsals).seconds,
      unit: "s",
      note: "the plan restores no backup to see that it can be",
    },
    { what: "peak memory of a stage", plan: 0, ours: peakBytes / 1e6, unit: "MB", note: "" },
  ];
}

/** The plan's verification as one file, so that its start costs what ours does. */
async function bundlePlanChecks(folder: string): Promise<string> {
  const outfile = join(folder, "planChecks.cjs");
  const source = join(root, "bench/planChecks.ts");
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["pg-native"],
  });
  return outfile;
}

/** The stock Prisma CLI on this database, its engine by the shim. */
function stockPrisma({ database, environment, project }: StageRequest, args: readonly string[]): Promise<Measured> {
  const stock = stockPrismaFor({ environment, database, project });
  return measure(stock.command, [...stock.args, ...args], { env: stock.env, cwd: stock.cwd });
}

function sum(parts: readonly Measured[]): Measured {
  return {
    seconds: parts.reduce((total, { seconds }) => total + seconds, 0),
    peakBytes: Math.max(...parts.map(({ peakBytes }) => peakBytes)),
    stdout: "",
    exitCode: 0,
  };
}

function render(rows: readonly Row[], bytes: number, around: string): string {
  const table = new Table({
    head: ["", "the plan's way", "safe-migration", "ratio", "beside"],
    style: { head: [], border: [] },
  });
  for (const { what, plan, ours, unit, note } of rows) {
    const value = (number: number) => `${number.toFixed(number < 10 ? 2 : 0)} ${unit}`;
    table.push([what, plan === 0 ? "–" : value(plan), value(ours), plan === 0 ? "–" : (ours / plan).toFixed(2), note]);
  }
  return `Database of ${(bytes / 1e6).toFixed(0)} MB; ${around}. Medians. Ratio below 1: safe-migration needs less.\n${table.toString()}\n`;
}
