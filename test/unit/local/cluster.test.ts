import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { endianness, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { choose } from "../../../pipeline/local/binaries.js";
import { explained } from "../../../pipeline/local/files.js";
import { chooseLocale } from "../../../pipeline/local/initialise.js";
import { readSystemIdentifier } from "../../../pipeline/local/location.js";
import { requireOurs, type Found } from "../../../pipeline/local/ours.js";
import { parse, render, scramVerifier } from "../../../pipeline/local/passfile.js";
import { candidatePorts, findListening } from "../../../pipeline/local/port.js";
import { clusterRecord, type ClusterRecord } from "../../../pipeline/local/record.js";
import { parsePidFile, whyNotStarted } from "../../../pipeline/local/server.js";
import { renderSettings } from "../../../pipeline/local/settings.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { findInPassfile, readPassword } from "../../../pipeline/postgres/connection.js";

const record: ClusterRecord = {
  format: 1,
  systemIdentifier: "7711290713388125760",
  version: "15.14",
  port: 15_500,
  account: "postgres",
  madeAt: "2025-01-01T00:00:00.000Z",
  databases: {},
};

describe("local cluster: which programs", () => {
  const found = [13, 17, 12, 15, 19].map((major) => ({ directory: `/pg/${major}`, version: `${major}.1`, major }));

  it("takes the newest supported version for new data", () => assert.equal(choose(found)?.major, 17));
  it("takes the data's own version, and no other", () => {
    assert.equal(choose(found, 15)?.major, 15);
    assert.equal(choose(found, 16), undefined);
  });
});

describe("local cluster: whose data", () => {
  const noCluster = { path: "/c/data", uid: 100, mark: record.systemIdentifier };
  const unmarked = { path: "/c/data", uid: 100, major: 15, systemIdentifier: record.systemIdentifier };
  const data = { ...unmarked, ...noCluster };
  const account = { name: "postgres", uid: 100, gid: 100, other: true };
  const code = (found: Found) => {
    try {
      requireOurs("/c", found);
      return "ours";
    } catch (error) {
      assert.ok(error instanceof PipelineError);
      return error.code;
    }
  };
  for (const [what, found, expected] of [
    ["made here", { data, record, account }, "ours"],
    ["made here, the record not written yet", { data, record: undefined, account }, "ours"],
    ["gone", { data: undefined, record, account }, "CLUSTER_GONE"],
    ["made by somebody else", { data: unmarked, record: undefined, account }, "FOREIGN_CLUSTER"],
    ["put in the place of ours", { data: { ...data, systemIdentifier: "1" }, record, account }, "FOREIGN_CLUSTER"],
    ["of another record", { data, record: { ...record, systemIdentifier: "1" }, account }, "FOREIGN_CLUSTER"],
    ["no cluster at all", { data: noCluster, record, account }, "FOREIGN_CLUSTER"],
    ["of another user", { data: { ...data, uid: 7 }, record, account }, "OTHER_ACCOUNT"],
  ] as const) {
    it(`${what}: ${expected}`, () => assert.equal(code(found), expected));
  }
});

describe("local cluster: files", () => {
  it("has the password file read back as it was written, also by the pipeline's own reader", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((one) => !/[\n\r]/.test(one));
    fc.assert(
      fc.property(fc.dictionary(text, text, { minKeys: 1 }), fc.integer({ min: 1, max: 65535 }), (roles, port) => {
        const passwords = new Map(Object.entries(roles).filter(([user]) => user !== "*"));
        const file = render("127.0.0.1", port, passwords);
        assert.deepEqual(parse(file).passwords, passwords);
        for (const [user, password] of passwords)
          assert.equal(findInPassfile(file, { host: "127.0.0.1", port, name: "any", user }), password);
      }),
      { examples: [[{ app: ":" }, 1]] },
    );
  });
  it("has a password for copies whose names nobody could write down, where the lines of the server and role agree", async () => {
    const folder = await mkdtemp(join(tmpdir(), "safe-migration-passfile-"));
    const path = join(folder, "pgpass");
    const target = { host: "db", port: 5432, user: "app" };
    const read = async (text: string, name: string) => {
      await writeFile(path, text, { mode: 0o600 });
      return readPassword({ from: "passfile", path }, { ...target, name });
    };
    try {
      const exact = "# a comment\r\ndb:5432:shop:other:no\r\nother:*:*:app:no\r\ndb:5432:shop:app:a\\:b\r\n";
      assert.equal(await read(exact, "shop"), "a:b");
      assert.equal(await read(exact, "shop_rehearse_run"), "a:b");
      const disagree = "db:5432:shop:app:secret1\ndb:5432:postgres:app:secret2\n";
      assert.equal(await read(disagree, "shop"), "secret1");
      await assert.rejects(read(disagree, "shop_rehearse_run"), (error: unknown) => {
        assert.ok(error instanceof PipelineError && error.code === "NO_PASSWORD");
        assert.match(error.message, /no line for db:5432:shop_rehearse_run:app, and those .* hold different passwords/);
        assert.match(error.next, /Write this line into .*: db:5432:\*:app:PASSWORD/);
        assert.doesNotMatch(`${error.message}${error.next}`, /secret/);
        return true;
      });
      await assert.rejects(read("db:5433:*:app:x", "shop"), /no line for db:5432:shop:app\./);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it("keeps no line that is not a password's", () => {
    assert.deepEqual(parse("# comment\n127.0.0.1:5:*:a:b:c\nx").passwords, new Map());
  });
  it("computes the verifier of RFC 7677's example", () => {
    const verifier = scramVerifier("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"), 4096);
    assert.equal(
      verifier,
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });
  it("quotes settings, and lets none of them open the server to others", () => {
    const text = renderSettings(15_500, { search_path: "it's", listen_addresses: "*", password_encryption: "md5" });
    assert.match(text, /^search_path = 'it''s'$/m);
    assert.match(text, /^listen_addresses = '127\.0\.0\.1'$/m);
    assert.match(text, /^unix_socket_directories = ''$/m);
    assert.match(text, /^password_encryption = 'scram-sha-256'$/m);
    assert.match(text, /^port = '15500'$/m);
  });
  it("refuses a record with a field it does not know", () => {
    assert.equal(clusterRecord.safeParse(record).success, true);
    assert.equal(clusterRecord.safeParse({ ...record, password: "x" }).success, false);
  });
  it("reads the system identifier in the machine's byte order", () => {
    const control = Buffer.alloc(8);
    if (endianness() === "LE") control.writeBigUInt64LE(7_711_290_713_388_125_760n);
    else control.writeBigUInt64BE(7_711_290_713_388_125_760n);
    assert.equal(readSystemIdentifier(control), "7711290713388125760");
  });
});

describe("local cluster: server", () => {
  it("reads postmaster.pid", () => {
    const text = "4711\n/c/data\n1700000000\n15500\n\n127.0.0.1\n  123 456\nready   \n";
    assert.deepEqual(parsePidFile(text), { pid: 4711, port: 15500, ready: true });
    assert.equal(parsePidFile("4711\n/c/data\n1700000000\n15500\n\n\n\nstarting\n")?.ready, false);
    assert.equal(parsePidFile("garbage"), undefined);
  });
  for (const [said, cause] of [
    ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', "port"],
    ["FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use", "leftover"],
    ['FATAL:  could not write to file "pg_wal/x": No space left on device', "disk"],
    ["FATAL:  unrecognized configuration parameter", "other"],
  ] as const) {
    it(`knows why it did not start: ${cause}`, () => assert.equal(whyNotStarted(said), cause));
  }
  it("says how to mend a full disk and a closed folder, and hides no other error", () => {
    const errno = (code: string) => Object.assign(new Error(`${code}: write`), { code });
    for (const [code, expected] of [
      ["ENOSPC", "DISK_FULL"],
      ["EACCES", "NOT_WRITABLE"],
      ["EROFS", "NOT_WRITABLE"],
    ] as const) {
      const error = explained(errno(code), "/c");
      assert.ok(error instanceof PipelineError && error.code === expected && error.message.includes("/c"));
    }
    const defect = errno("ENOENT");
    assert.equal(explained(defect, "/c"), defect);
  });
  it("sorts by the language-free locale where there is one", () => {
    assert.equal(chooseLocale(["C", "C.utf8", "POSIX"]), "C.utf8");
    assert.equal(chooseLocale(["C", "en_US.utf8"]), "C");
  });
});

describe("local cluster: ports", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:3C8C 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 51234 1 0 100 0 0 10 0
   1: 0100007F:3C8D 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 51235 1 0 100 0 0 10 0`;

  it("finds the socket that listens, not one that is connected", () => {
    assert.equal(findListening(table, 0x3c8c), "51234");
    assert.equal(findListening(table, 0x3c8d), undefined);
    assert.equal(findListening(table, 0x1234), undefined);
  });
  it("tries each automatic port once, the same first for a directory", () => {
    const ports = candidatePorts("/a");
    assert.equal(new Set(ports).size, ports.length);
    assert.equal(ports[0], candidatePorts("/a")[0]);
    assert.ok(ports.every((port) => port >= 15_432 && port < 32_768));
  });
});
