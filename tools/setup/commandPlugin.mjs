import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isProgram, which } from "./find.mjs";
import { withLock } from "./lock.mjs";
import { pulumiIsReachable } from "./network.mjs";
import { cacheRoot } from "./places.mjs";
import { run, tail } from "./run.mjs";
import { say, SetupError, step } from "./say.mjs";
import { marker, standInHash, withStandInTarball } from "./standIn.mjs";
import { dropForgotten, standInHome } from "./standInHome.mjs";
import { commandPluginVersion } from "./version.mjs";

const name = `resource-command-v${commandPluginVersion}`;

/** Pulumi's folder of the person: plugins, credentials, policies. */
export function userHome(env = process.env) {
  return env.PULUMI_HOME || join(homedir(), ".pulumi");
}

/** Pulumi's folder of this project, in the cache. */
export function ownHome() {
  return join(cacheRoot(), "pulumi-home");
}

/**
 * What is installed in one of Pulumi's folders under the name of the plugin.
 *
 * @returns {{ kind: "real" } | { kind: "stand-in", hash: string } | undefined}
 */
export function installedIn(home) {
  const folder = join(home, "plugins", name);
  // Pulumi leaves this beside a plugin whose installation was broken off.
  if (!isProgram(join(folder, "pulumi-resource-command")) || existsSync(`${folder}.partial`)) return undefined;
  try {
    return { kind: "stand-in", hash: String(JSON.parse(readFileSync(join(folder, marker), "utf8")).hash) };
  } catch (error) {
    if (error.code === "ENOENT") return { kind: "real" };
    return { kind: "stand-in", hash: "unreadable" };
  }
}

/**
 * Makes the `command` plugin available: the real one wherever it can be had, else the stand-in.
 *
 * The real one goes where its user's `pulumi` looks for it, which also finds the credentials and the other plugins there.
 * The stand-in never goes there, where other projects would take it for the real one: it lives in a Pulumi folder of its own,
 * inside the cache, which `environment` then points Pulumi at. A CLI of our own has one there for the real plugin as well,
 * unless PULUMI_HOME says otherwise.
 *
 * @param {{ path: string, own: boolean }} cli
 * @returns {Promise<{ kind: "real" | "stand-in", home: string }>}
 */
export function provideCommandPlugin(cli) {
  return withLock(join(cacheRoot(), "command-plugin.lock"), "the command plugin", async () => {
    const home = cli.own && !process.env.PULUMI_HOME ? ownHome() : userHome();
    // The engine prefers a plugin on PATH to any other.
    if (which("pulumi-resource-command") || installedIn(home)?.kind === "real") return { kind: "real", home };
    if (await copyFromUser(home)) return { kind: "real", home };
    if (await pulumiIsReachable()) {
      if (await download(cli, home)) return { kind: "real", home };
    }
    await installStandIn(cli);
    return { kind: "stand-in", home: standInHome(cacheRoot(), standInHash()) };
  });
}

/** Takes the real plugin from the person's own folder, if it is there. */
async function copyFromUser(home) {
  const [from, to] = [join(userHome(), "plugins", name), join(home, "plugins", name)];
  if (from === to || installedIn(userHome())?.kind !== "real") return false;
  const temporary = `${to}.copy`;
  rmSync(temporary, { recursive: true, force: true });
  cpSync(from, temporary, { recursive: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(temporary, to);
  say(`took the command plugin ${commandPluginVersion} from ${userHome()}`);
  return true;
}

async function download(cli, home) {
  const result = await step(`downloading the command plugin ${commandPluginVersion}`, () =>
    install(cli, home, installedIn(home) ? ["--reinstall"] : []),
  );
  if (result.code === 0 && installedIn(home)?.kind === "real") {
    return true;
  }
  say(
    `the command plugin could not be downloaded (pulumi plugin install, exit code ${result.code}):\n${tail(result.output, 5)}`,
  );
  return false;
}

async function installStandIn(cli) {
  const home = standInHome(cacheRoot(), standInHash());
  mkdirSync(home, { recursive: true });
  utimesSync(home, new Date(), new Date());
  dropForgotten(cacheRoot(), home);
  if (installedIn(home)?.hash === standInHash()) return;
  await step("installing the stand-in for the command plugin, as Pulumi's download cannot be reached", () =>
    withStandInTarball(async (tarball) => {
      const result = await install(cli, home, ["--file", tarball, "--reinstall"]);
      if (result.code === 0) return;
      throw new SetupError(
        `pulumi plugin install --file failed with exit code ${result.code}:\n${tail(result.output)}\n  ` +
          `Remove ${home} and run the same command again.`,
      );
    }),
  );
}

function install(cli, home, flags) {
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return run(cli.path, ["plugin", "install", "resource", "command", commandPluginVersion, ...flags], { env });
}

/** What to add to the environment so that Pulumi uses this folder, and still knows the logins of its user. */
export function environmentFor(home, env = process.env) {
  const added = { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const user = userHome(env);
  if (home !== user && !env.PULUMI_CREDENTIALS_PATH && existsSync(join(user, "credentials.json"))) {
    added.PULUMI_CREDENTIALS_PATH = user;
  }
  return added;
}

/** Size and time of the plugin's program: changes when it is replaced. */
export function fingerprintOf(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.size}-${stat.mtimeMs}` : "none";
}
