import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { backupResult, rehearseResult, verifyResult } from "../../pipeline/contracts.js";
import type { RunResult } from "../../pipeline/process.js";
import { openStore } from "../../pipeline/store/open.js";
import type { Checkout } from "../support/checkout.js";
import { type Estate, shop } from "../support/hosts/estate.js";
import { withEnvironment } from "../support/moto.js";

/** What the tests of commands on a host have at hand. */
export interface OnHost {
  /** Runs an npm script of the checkout. */
  npm(
    script: string,
    args: string[],
    more: Record<string, string>,
  ): Promise<Pick<RunResult, "exitCode" | "stdout" | "stderr">>;
  /** Puts sections into the stack's file. */
  configure(sections: object): Promise<void>;
  /** Asks the database there. */
  query(sql: string): Promise<string>;
  /** Runs a command there. @returns what it printed */
  output(command: string): Promise<string>;
  place(): Checkout;
  estate(): Estate;
}

const staging = { NODE_ENV: "staging" };
const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/**
 * Tests of `backup.method: pgbackrest`, among the others of a host that is up.
 *
 * @param fingerprint SQL of what the payments are
 * @returns what they were in the backup; 50 of them are gone by then
 */
export function tooLargeToDump(on: OnHost, fingerprint: string): () => string {
  const copies = "/home/pipeline/copies";
  const copied = `ls -d ${copies}/* 2>/dev/null; pgrep -u pipeline postgres; true`;
  const load = "happy-baby-load";
  let intact = "";

  it("what is too large to dump is kept by pgBackRest, once the host lets it and there is room for its copy", async () => {
    await on.configure({ "safe-migration:backup": { method: "pgbackrest" } });
    await on.output("mv /etc/sudoers.d/safe-migration-archive /root/rule");
    const denied = await on.npm("db:backup", ["--json"], staging);
    assert.equal(denied.exitCode, 4, all(denied));
    const { error } = JSON.parse(denied.stdout) as { error: { code: string; next: string } };
    assert.equal(error.code, "BASE_BACKUP");
    await on.output(/As root on it: (.*?); then/.exec(error.next)?.[1] ?? assert.fail(error.next));
    assert.equal(await on.output("diff /root/rule /etc/sudoers.d/safe-migration-archive"), "");
    await on.output("fallocate -l $(( $(df --output=avail -B1 /srv/data | tail -n 1) - 200000000 )) /srv/data/filler");
    await rm(on.place().path("prisma/migrations/20260602000000_drop"), { recursive: true });
    const full = await on.npm("db:preflight", ["--json"], staging);
    assert.equal(full.exitCode, 3, all(full));
    assert.match(full.stdout, /"DISK_SPACE".*the rehearsal recovers the server beside.*\(rehearse\.folder\)/);
    await on.configure({ "safe-migration:rehearse": { folder: copies } });
  });

  it("its rehearsal is killed on the recovered server: neither that nor its files stay behind", async () => {
    // Somebody commits all the time.
    await on.output(
      `systemd-run --quiet --unit ${load} --uid pipeline bash -c 'while sleep 0.02; do echo "UPDATE products SET name = name WHERE id = (SELECT min(id) FROM products);"; done | psql -Xq -d ${shop.name}'`,
    );
    intact = await on.query(fingerprint);
    const killed = on.npm("prisma:migrate:deploy", [], staging);
    await on.output(
      `until ls ${copies}/safe-migration-recovery-*/files/data/postmaster.pid 2>/dev/null; do sleep 0.05; done; pkill -9 -u pipeline node`,
    );
    assert.notEqual((await killed).exitCode, 0);
    await on.output("while pgrep -u pipeline postgres; do sleep 0.05; done");
  });

  it("a migration is rehearsed on it, found equal while others write, and applied", async () => {
    const deployed = await on.npm("prisma:migrate:deploy", ["--json"], staging);
    assert.equal(deployed.exitCode, 0, all(deployed));
    await on.output(`systemctl stop ${load}; rm /srv/data/filler`);
    const { run: id } = verifyResult.parse(JSON.parse(deployed.stdout));
    const putBack = withEnvironment(on.estate().moto.env);
    const store = openStore(on.estate().store("staging"));
    const kept = async (stage: string) =>
      (JSON.parse((await store.read(`staging/${id}/${stage}.json`)) ?? "{}") as { result: unknown }).result;
    const rehearsed = rehearseResult.parse(await kept("rehearse"));
    const { physical } = backupResult.parse(await kept("backup"));
    const report = await store.read(`staging/${id}/report.md`).finally(putBack);
    assert.ok(rehearsed.verdict === "proved" && physical?.method === "pgbackrest", rehearsed.summary);
    assert.match(rehearsed.summary, /the same \d+ rows .* on a server that pgBackRest recovered beside$/);
    assert.deepEqual(
      rehearsed.migrations.map(({ name, down }) => [name, down?.verdict]),
      [["20260601000000_note", "proved"]],
    );
    assert.match(physical.restorePoint.name, /^safe-migration-backup:/);
    assert.match(report ?? "", /\| made by \| pgbackrest: base backup \d{8}-\d{6}F_\S+, and the log to restore point/);
    assert.equal(await on.output(copied), "");
    const listed = await on.npm("db:restore", ["--list", "--verify"], staging);
    assert.equal(listed.exitCode, 0, all(listed));
    assert.match(listed.stdout, new RegExp(`${id} .*pgbackrest.*\\(rehearse\\).*complete`));
    await on.configure({ "safe-migration:backup": {}, "safe-migration:rehearse": {} });
    await on.query("DELETE FROM payments WHERE id IN (SELECT id FROM payments LIMIT 50)");
  });
  return () => intact;
}
