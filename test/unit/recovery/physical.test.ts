import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { type ArchivedBackup, databaseSchema } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { silent } from "../../../pipeline/log.js";
import type { Fingerprints } from "../../../pipeline/postgres/fingerprints.js";
import { backupPointName, restorePointName } from "../../../pipeline/postgres/restorePoint.js";
import { Archived, archiveOf } from "../../../pipeline/recovery/archived.js";
import { mayMakeBaseBackups } from "../../../pipeline/recovery/baseBackupCommand.js";
import { baseOf, describeGoal, goalArguments } from "../../../pipeline/recovery/goal.js";
import { baseForPoint, placeInLog } from "../../../pipeline/recovery/moment.js";
import { parseSnapshot, unseen } from "../../../pipeline/recovery/snapshots.js";
import { applyRetention } from "../../../pipeline/store/housekeeping.js";
import { compareWithBackup } from "../../../pipeline/store/compareWithBackup.js";
import { type Manifest, asDump, parseManifest, renderManifest } from "../../../pipeline/store/manifest.js";
import { openStore } from "../../../pipeline/store/open.js";
import { temporaryStore } from "../../pipeline/backupFixtures.js";

const base = (label: string, stop?: string) => ({
  label,
  completeMs: Date.parse("2026-06-01T12:00:00Z"),
  ...(stop === undefined ? {} : { stop }),
  bytes: 1,
  added: 1,
});
const restorePoint = { name: "safe-migration-backup:0a1b:run", lsn: "10/5000100", at: "2026-06-01T13:00:00.000Z" };
const physical: ArchivedBackup = {
  method: "pgbackrest",
  stanza: "staging",
  base: "20260601-120000F",
  restorePoint,
  snapshot: "7:9:7",
  writersHeld: false,
  unlogged: ["public.cache"],
};

describe("a snapshot of transactions", () => {
  it("is read as PostgreSQL prints it, and nothing else is", () => {
    assert.deepEqual(parseSnapshot("10:20:10,14"), { end: 20n, running: [10n, 14n] });
    assert.deepEqual(parseSnapshot("10:10:"), { end: 10n, running: [] });
    for (const text of ["", "10", "10:20", "10:20:a", "10:20:1,", "10:20:,1", "-1:2:"])
      assert.throws(() => parseSnapshot(text), /not a snapshot/, text);
  });

  it("does not see those that were running, nor those that began since; it sees all others from before a later one", () => {
    assert.deepEqual(unseen(parseSnapshot("10:13:10,12"), parseSnapshot("10:15:")), [10n, 12n, 13n, 14n]);
    assert.deepEqual(unseen(parseSnapshot("10:10:"), parseSnapshot("10:10:")), []);
    const ids = fc.uniqueArray(fc.integer({ min: 100, max: 130 }), { maxLength: 8 });
    fc.assert(
      fc.property(ids, fc.integer({ min: 0, max: 20 }), (running, more) => {
        const earlier = { end: 131n, running: running.map(BigInt) };
        const missing = new Set(unseen(earlier, { end: 131n + BigInt(more), running: [] }));
        for (let id = 100n; id < 131n + BigInt(more); id++)
          assert.equal(missing.has(id), id >= 131n || running.includes(Number(id)), String(id));
      }),
    );
  });
});

describe("a restore point of a backup", () => {
  it("has a name that no other has, which PostgreSQL takes whole", () => {
    const names = [1, 2].map(() => backupPointName("r".repeat(80)));
    assert.equal(new Set(names).size, 2);
    for (const name of names) assert.ok(Buffer.byteLength(name) === 63 && name.startsWith("safe-migration-backup:"));
    assert.equal(restorePointName("r", "m"), "safe-migration:r:m");
  });

  it("is reached from the newest base backup that is not behind it in the log, which is not a matter of text", () => {
    const backups = [base("a", "9/FFFFFFFF"), base("b", "10/50000FF"), base("c", "10/5000101"), base("d")];
    assert.equal(baseForPoint(restorePoint, backups)?.label, "b");
    assert.equal(baseForPoint({ lsn: "9/FFFFFFFE" }, backups), undefined);
    assert.equal(placeInLog("1/0") - placeInLog("0/FFFFFFFF"), 1n);
    assert.throws(() => placeInLog("10"), /not a place/);
    const goal = { to: "point", restorePoint } as const;
    assert.equal(baseOf(goal, backups, new Date()).label, "b");
    assert.throws(
      () => baseOf(goal, [base("c", "11/0")], new Date()),
      (error: unknown) => error instanceof PipelineError && error.code === "POINT_GONE" && error.kind === "refused",
    );
  });

  it("is where a recovery ends, by its name; a moment by its time", () => {
    assert.deepEqual(goalArguments({ to: "point", restorePoint }), ["--type=name", `--target=${restorePoint.name}`]);
    const moment = { to: "moment", at: new Date("2026-01-31T14:05:00Z") } as const;
    assert.deepEqual(goalArguments(moment), ["--type=time", "--target=2026-01-31 14:05:00.000+00"]);
    assert.equal(describeGoal(moment), "2026-01-31T14:05:00.000Z");
  });
});

const none: Fingerprints = {
  algorithm: "chain-1",
  image: "exact",
  tables: [],
  largeObjects: { count: 0, hash: "0" },
  sequences: [],
  materializedViews: [],
};
const manifestOf = (more: Partial<Manifest>): Manifest => ({
  format: 1,
  id: "run",
  environment: "staging",
  run: "run",
  created: restorePoint.at,
  identity: { systemIdentifier: "1", database: "shop", serverVersion: "17.2" },
  databaseBytes: 8,
  migrations: [],
  properties: {
    owner: "o",
    encoding: "UTF8",
    collate: "C",
    ctype: "C",
    localeProvider: "libc",
    tablespace: "pg_default",
    connectionLimit: -1,
    isTemplate: false,
    grants: [],
    settings: [],
    securityLabels: [],
  },
  needs: { roles: [], extensions: [], tablespaces: [], subscriptions: [] },
  fingerprints: none,
  files: [],
  ...more,
});

describe("a backup that is no dump", () => {
  const table = (name: string, rows: number) => ({ schema: "public", name, rows, hash: String(rows), columns: ["id"] });
  const fingerprints = (...tables: Fingerprints["tables"]): Fingerprints => ({ ...none, tables });

  it("says in its manifest where its data is, and is not taken for a dump", () => {
    const manifest = manifestOf({ physical, fingerprints: fingerprints(table("orders", 3)) });
    const text = renderManifest(manifest);
    assert.deepEqual(parseManifest(text, "here"), manifest);
    assert.throws(() => asDump(manifest), /is no dump: its data is in the archive of its own server \(pgbackrest\)/);
    const dump = manifestOf({ tools: { pgDump: "17.2", compression: "zstd" } });
    assert.equal(asDump(parseManifest(renderManifest(dump), "here")).tools.pgDump, "17.2");
    for (const wrong of [manifestOf({}), { ...dump, physical }])
      assert.throws(() => parseManifest(renderManifest(wrong), "here"), /does not say how its data was made/);
  });

  it("is held against what came back, but for what is in no log", () => {
    const manifest = { physical, fingerprints: fingerprints(table("cache", 9), table("orders", 3)) };
    assert.deepEqual(compareWithBackup(manifest, fingerprints(table("cache", 0), table("orders", 3))), []);
    const [difference] = compareWithBackup(manifest, fingerprints(table("cache", 0), table("orders", 2)));
    assert.equal(difference?.object, "public.orders");
    const dump = { fingerprints: manifest.fingerprints };
    assert.equal(compareWithBackup(dump, fingerprints(table("cache", 0), table("orders", 3))).length, 1);
  });

  it("goes with what the archive has of it, not before, and not where that cannot be known", async () => {
    const made = await temporaryStore();
    const path = process.env["PATH"] ?? "";
    const signal = new AbortController().signal;
    /** Stands in for pgBackRest, of which only the answer counts here. */
    const answers = async (script: string) => {
      await writeFile(join(made.root, "pgbackrest"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      process.env["PATH"] = `${made.root}:${path}`;
    };
    const bases = (...stops: string[]) =>
      JSON.stringify([
        {
          name: "staging",
          status: { code: 0, message: "ok" },
          backup: stops.map((stop) => ({
            ...{ label: stop, timestamp: { stop: 1 }, lsn: { stop } },
            info: { size: 1, repository: { delta: 1 } },
          })),
        },
      ]);
    const store = openStore(made.url);
    const keep = async (id: string, lsn: string, created: string) => {
      const manifest = manifestOf({ id, created, physical: { ...physical, restorePoint: { ...restorePoint, lsn } } });
      await store.write(`staging/${id}/manifest.json`, renderManifest(manifest));
    };
    const retained = () => applyRetention(store, "staging", { keep: 9, justMade: "new", log: silent, signal });
    try {
      await keep("old", "1/10", "2026-01-01T00:00:00.000Z");
      await keep("new", "1/30", "2026-01-02T00:00:00.000Z");
      await answers("exit 1");
      assert.deepEqual(await retained(), []);
      assert.match((await new Archived(signal).whyNot(physical)) ?? "", /cannot be asked/);
      await answers(`echo '${bases("1/5", "1/20")}'`);
      assert.deepEqual(await retained(), []);
      assert.equal(await new Archived(signal).whyNot(physical), undefined);
      await answers(`echo '${bases("1/20")}'`);
      const gone = { ...physical, restorePoint: { ...restorePoint, lsn: "1/10" } };
      assert.match((await new Archived(signal).whyNot(gone)) ?? "", /no base backup that leads to 2026-06-01T13/);
      assert.deepEqual(await retained(), ["old"]);
      assert.deepEqual((await store.list("staging")).sort(), ["new/"]);
    } finally {
      process.env["PATH"] = path;
      await made.remove();
    }
  });

  it("is refused where there is no archive, with what can be done", () => {
    const on = (archive?: { stanza: string }) =>
      archiveOf(
        "dev",
        databaseSchema.parse({ host: "h", port: 1, name: "n", user: "u", password: { from: "none" }, archive }),
      );
    assert.equal(on({ stanza: "staging" }), "staging");
    assert.throws(on, /backup\.method is pgbackrest, and the log of the server of "dev" is not archived/);
  });

  it("is begun by the one command that the host lets the pipeline's account run as the server's", () => {
    assert.equal(
      mayMakeBaseBackups("pipeline", "staging"),
      "pipeline ALL=(postgres) NOPASSWD: /usr/bin/pgbackrest --stanza\\=staging --type\\=incr backup",
    );
  });
});
