import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { linkAwsPlugin } from "./awsPlugin.mjs";
import { environmentFor, fingerprintOf, installedIn, provideCommandPlugin } from "./commandPlugin.mjs";
import { which } from "./find.mjs";
import { provideHostTools } from "./hostTools.mjs";
import { withLock } from "./lock.mjs";
import { installNodePackages, lockHash, nodePackagesAreThere } from "./nodePackages.mjs";
import { cacheRoot, root } from "./places.mjs";
import { providePostgres } from "./postgres.mjs";
import { providePulumi } from "./pulumiCli.mjs";
import { standInHash } from "./standIn.mjs";

/** What set-up found last time; it is looked at afresh before it is believed. */
const stampPath = join(root, "node_modules", ".safe-migration", "setup.json");

/** While the stand-in is in use, how often the real plugin is looked for again. */
const lookAgainAfter = 24 * 60 * 60 * 1000;

/**
 * Makes sure that what a script needs is there, and returns what to add to its environment.
 *
 * @param {readonly ("packages" | "postgres" | "pulumi" | "hosts")[]} needs
 * @param {{ lookAgain?: boolean }} [options] `lookAgain`: believe nothing found last time
 * @returns {Promise<Record<string, string>>}
 */
export async function setUp(needs, { lookAgain = false } = {}) {
  const stamp = lookAgain ? {} : readStamp();
  if (needs.includes("packages") && !nodePackagesAreThere(lockHash())) {
    await withLock(join(cacheRoot(), "packages.lock"), "the Node packages", installNodePackages);
  }
  const before = JSON.stringify(stamp);
  if (needs.includes("postgres") && !postgresStillThere(stamp.postgres)) {
    stamp.postgres = await withLock(join(cacheRoot(), "postgres.lock"), "PostgreSQL", async () => ({
      bin: await providePostgres(),
      onPath: which("initdb"),
    }));
  }
  if (needs.includes("hosts")) {
    await withLock(join(cacheRoot(), "hosts.lock"), "what hosts need", provideHostTools);
  }
  if (needs.includes("pulumi") && !pulumiStillThere(stamp.pulumi)) {
    const cli = await providePulumi();
    const plugin = await provideCommandPlugin(cli);
    const onPath = which("pulumi");
    stamp.pulumi = { cli, plugin, onPath, program: fingerprintOf(cli.path), at: Date.now() };
  }
  if (needs.includes("pulumi")) linkAwsPlugin(stamp.pulumi.plugin.home);
  if (JSON.stringify(stamp) !== before) writeStamp(stamp);
  return environmentOf(needs, stamp);
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, "utf8"));
  } catch {
    return {};
  }
}

function writeStamp(stamp) {
  const temporary = `${stampPath}.${process.pid}`;
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(temporary, JSON.stringify(stamp));
  renameSync(temporary, stampPath);
}

function postgresStillThere(found) {
  return (
    found !== undefined && which("initdb") === found.onPath && fingerprintOf(join(found.bin, "postgres")) !== "none"
  );
}

function pulumiStillThere(found) {
  if (found === undefined || found.onPath !== which("pulumi") || found.program !== fingerprintOf(found.cli.path))
    return false;
  const { kind, home } = found.plugin;
  if (process.env.PULUMI_HOME && kind === "real" && home !== process.env.PULUMI_HOME) return false;
  if (!home.startsWith(cacheRoot()) && !process.env.PULUMI_HOME && found.cli.own) return false;
  if (kind === "real") return which("pulumi-resource-command") !== undefined || installedIn(home)?.kind === "real";
  if (Date.now() - found.at > lookAgainAfter) return false;
  return installedIn(home)?.hash === standInHash();
}

function environmentOf(needs, stamp) {
  const path = [];
  const env = {};
  if (needs.includes("pulumi")) {
    path.push(dirname(stamp.pulumi.cli.path));
    Object.assign(env, environmentFor(stamp.pulumi.plugin.home));
    env.SAFE_MIGRATION_COMMAND_PLUGIN = stamp.pulumi.plugin.kind;
  }
  if (needs.includes("postgres")) path.push(stamp.postgres.bin);
  env.PATH = [...path, process.env.PATH ?? ""].join(delimiter);
  return env;
}
