import type { OutputMap } from "@pulumi/pulumi/automation";
import { messageOf } from "../../../pipeline/errors.js";
import { renderTable, visible } from "../../../tools/stack/table.js";
import { findPython } from "../moto.js";
import { Estate, type UpResult } from "./estate.js";
import { Hosts, lacking } from "./hosts.js";

/**
 * `npm run demo`: dev (a managed server with TLS, and a host that runs the pipeline), staging and prod as Debian 13 hosts on this machine,
 * set up by their user data and reached by SSH, and a change that goes from one to the next; one that fails and those that are refused are shown on
 * the way. All of it is removed at the end.
 */
async function demo(): Promise<void> {
  const python = await findPython();
  const reason = (await lacking()) ?? (python === undefined ? "Python 3.10 with venv is not here" : undefined);
  if (reason !== undefined || python === undefined) {
    say(`The demo needs machines of its own, which cannot be made here: ${reason}. Nothing was changed.`);
    process.exitCode = 2;
    return;
  }
  say(
    "Three machines, and a change that goes from dev to staging to prod. It takes some four minutes; Ctrl-C removes it all.",
  );
  const hosts = await Hosts.start();
  // Ctrl-C ends this process; the watcher of the hosts then removes everything.
  try {
    await play(await Estate.start(hosts, Object.keys(promotedFrom), python));
  } finally {
    say("Removing the hosts.");
    await hosts.stop();
  }
}

/** Each environment, and the one whose word it takes. */
const promotedFrom = { dev: undefined, staging: "dev", prod: "staging" } as const;
type Name = keyof typeof promotedFrom;
const names = Object.keys(promotedFrom) as Name[];

async function play(estate: Estate): Promise<void> {
  const last = new Map<Name, OutputMap>();
  const up = async (name: Name) => {
    const result = await estate.up(name, { promotedFrom: promotedFrom[name] });
    if (result.ok) last.set(name, result.outputs);
    return result;
  };
  for (const name of names) {
    say(`${name}: the host sets itself up; sample data; backup, rehearsal and the first migrations`);
    mustWork(await up(name));
  }
  say("A change that fails in its second statement, on dev:");
  await estate.addMigration("20260601000000_half", "CREATE TABLE half (id int);\nINSERT INTO half VALUES ('x');\n");
  mustFail(await up("dev"));
  await estate.removeMigration("20260601000000_half");
  say("A good change with its way back, on dev:");
  await estate.addMigration(
    "20260603000000_note",
    'ALTER TABLE "orders" ADD COLUMN "note" TEXT;\n',
    'ALTER TABLE "orders" DROP COLUMN "note";\n',
  );
  mustWork(await up("dev"));
  say("prod refuses it, before staging has proved it:");
  mustFail(await up("prod"));
  for (const name of ["staging", "prod"] as const) {
    say(`The same change on ${name}:`);
    mustWork(await up(name));
  }
  say("A change that would lose a table, which nobody approved, on staging (asked of the gate of risk alone):");
  await estate.addMigration("20260604000000_drop_payments", 'DROP TABLE "payments";\n');
  mustFail(await estate.up("staging"));
  say("The outputs of each stack:");
  for (const [name, outputs] of last) {
    process.stdout.write(`\n${name}\n${renderTable(visible(outputs), process.stdout.columns || 100)}\n`);
  }
}

function mustWork({ ok, output }: UpResult): void {
  if (!ok) throw new Error(output);
  const lines = output.match(
    /\[MIGRATION\] (backup|rehearse|migrate|verify) [^\n]*(complete|applied|healthy|equal|proved)[^\n]*/g,
  );
  for (const line of new Set(lines ?? [])) say(`  ${line}`);
}

function mustFail({ ok, output }: UpResult): void {
  if (ok) throw new Error(`this was not to work:\n${output}`);
  const told = output.slice(output.indexOf("Diagnostics:")).split("\n");
  const from = Math.max(
    0,
    told.findIndex((line) => /\[MIGRATION ERROR\]|takes only migrations/.test(line)),
  );
  const length = told.slice(from).findIndex((line) => line.trim() === "");
  // The engine tells the program's error once for itself, and once for each resource that waited for it.
  for (const line of new Set(told.slice(from, length === -1 ? undefined : from + length))) say(line);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

demo().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);
