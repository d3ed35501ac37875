import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isProgram, which } from "./find.mjs";
import { run, tail } from "./run.mjs";
import { SetupError, say, step } from "./say.mjs";

/** What the local stack and the tests need of PostgreSQL. */
export const programs = ["initdb", "postgres", "pg_ctl", "pg_dump", "pg_restore", "psql"];

/** Where distributions keep PostgreSQL's programs, with a version in the place of `*`. */
const places = [
  "/usr/lib/postgresql/*/bin",
  "/usr/pgsql-*/bin",
  "/opt/homebrew/opt/postgresql@*/bin",
  "/opt/homebrew/bin",
  "/usr/local/opt/postgresql@*/bin",
  "/Applications/Postgres.app/Contents/Versions/*/bin",
];

function hasAll(dir) {
  return programs.every((name) => isProgram(join(dir, name)));
}

/** Folders that exist for a place, newest version first. */
function expand(place) {
  const star = place.indexOf("*");
  if (star < 0) return [place];
  const base = place.slice(0, place.lastIndexOf("/", star));
  const prefix = place.slice(base.length + 1, star);
  const rest = place.slice(star + 1);
  if (!existsSync(base)) return [];
  return readdirSync(base)
    .filter((name) => name.startsWith(prefix) && /^\d+(\.\d+)*$/.test(name.slice(prefix.length)))
    .sort((left, right) => parseFloat(right.slice(prefix.length)) - parseFloat(left.slice(prefix.length)))
    .map((name) => `${base}/${name}${rest}`);
}

/** The folder with all of PostgreSQL's programs: the one on PATH, else the newest of the usual places. */
export function findPostgres(path = process.env.PATH) {
  const onPath = which("initdb", path);
  if (onPath && hasAll(dirname(onPath))) return dirname(onPath);
  return places.flatMap(expand).find(hasAll);
}

/** Finds PostgreSQL's programs, installing them where that is possible without asking. @throws SetupError saying how else. */
export async function providePostgres() {
  const found = findPostgres();
  if (found) return found;
  if (!existsSync("/etc/debian_version") || !which("apt-get")) throw new SetupError(advice("they are not installed"));
  const prefix = await rightsToInstall();
  if (prefix === undefined) throw new SetupError(advice("they are not installed, and installing them needs root"));
  await step("installing PostgreSQL (apt-get install postgresql)", () => installOnDebian(prefix));
  const installed = findPostgres();
  if (!installed)
    throw new SetupError(advice("apt-get installed PostgreSQL, but its programs are not where Debian keeps them"));
  return installed;
}

/** What to put before a command so that it runs as root; nothing if that is not possible without a password. */
async function rightsToInstall() {
  if (process.getuid?.() === 0) return [];
  const sudo = which("sudo");
  if (sudo && (await run(sudo, ["-n", "true"])).code === 0) return [sudo, "-n"];
  return undefined;
}

async function installOnDebian(prefix) {
  const root = async (...command) => {
    const [program, ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", ...command];
    const { code, output } = await run(program, args);
    if (code !== 0)
      throw new SetupError(`${command.join(" ")} failed with exit code ${code}:\n${tail(output)}\n  ${advice("")}`);
  };
  await root("apt-get", "update");
  await root("apt-get", "install", "-y", "--no-install-recommends", "postgresql-common");
  await keepDebianFromMakingACluster(root);
  await root("apt-get", "install", "-y", "--no-install-recommends", "postgresql");
}

/** Only the machine's own administrator should have a cluster made and started at boot; the local stack makes its own. */
async function keepDebianFromMakingACluster(root) {
  const path = "/etc/postgresql-common/createcluster.conf";
  const setting = "create_main_cluster = false";
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (/^\s*create_main_cluster\s*=/m.test(text)) return;
  say(`writing "${setting}" to ${path}, so that no cluster is made and started by the package`);
  if (process.getuid?.() === 0) writeFileSync(path, `${text}${setting}\n`);
  else await root("sh", "-c", `echo '${setting}' >> ${path}`);
}

function advice(reason) {
  const how =
    process.platform === "darwin"
      ? "brew install postgresql@17"
      : existsSync("/etc/redhat-release")
        ? "sudo dnf install postgresql-server postgresql"
        : "sudo apt-get install postgresql";
  const start =
    reason === ""
      ? "PostgreSQL's programs are needed"
      : `PostgreSQL's programs (${programs.join(", ")}) are needed: ${reason}`;
  return `${start}. Install PostgreSQL 14 or newer (here: ${how}), or put its bin folder on PATH, and run the same command again.`;
}
