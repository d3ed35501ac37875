import assert from "node:assert/strict";
import { wantsDbSnapshot } from "../../../pipeline/recovery/dbSnapshot.js";
import { besideName, copyName, fromTags, snapshotName, toTags } from "../../../pipeline/rds/names.js";
import { isPassing } from "../../../pipeline/rds/client.js";
import { assertRestorableAt } from "../../../pipeline/rds/window.js";
import { failsWith } from "../../pipeline/backupFixtures.js";

describe("a DB snapshot beside a dump, decided", () => {
  it("is made from the tier on that is named, and with nothing pending never", () => {
    const risky = [{ tier: "risky" }] as const;
    const dangerous = [{ tier: "risky" }, { tier: "dangerous" }] as const;
    for (const [when, none, safe, onRisky, onDangerous] of [
      ["never", false, false, false, false],
      ["dangerous", false, false, false, true],
      ["risky", false, false, true, true],
      ["always", false, true, true, true],
    ] as const)
      assert.deepEqual(
        [
          wantsDbSnapshot(when, 0, []),
          wantsDbSnapshot(when, 1, []),
          wantsDbSnapshot(when, 1, risky),
          wantsDbSnapshot(when, 2, dangerous),
        ],
        [none, safe, onRisky, onDangerous],
        when,
      );
  });
});

describe("what is made at RDS", () => {
  const longest = "a".repeat(40);

  it("has names that RDS takes, whatever the environment and the run are called", () => {
    const taken = /^[a-z](?:[a-z0-9]|-(?!-))*[a-z0-9]$/;
    const at = new Date("2026-01-31T14:05:09.999Z");
    for (const name of [copyName(longest), besideName(longest, { at }), besideName(longest, { snapshot: "x" })]) {
      assert.match(name, taken);
      assert.ok(name.length <= 63, name);
    }
    assert.equal(besideName("dev", { at }), "sm-dev-beside-260131140509");
    for (const run of ["2026-01-31T14_05", "--Ünï__cödé--", "R".repeat(63)])
      assert.match(snapshotName("dev", run), new RegExp(`${taken.source.slice(0, -1)}$`), run);
    assert.notEqual(snapshotName("dev", "a"), snapshotName("dev", "a"));
  });

  it("says by its tags what it is, and nothing is read from others' tags", () => {
    const tags = { environment: "dev", instance: "i", purpose: "making", backup: "b", run: "r" } as const;
    assert.deepEqual(fromTags([...toTags(tags), { Key: "environment", Value: "prod" }]), tags);
    assert.deepEqual(fromTags(undefined), {});
  });

  it("is asked for again only where what failed passes", () => {
    const of = (name: string, more: object = {}) => Object.assign(new Error("x"), { name, ...more });
    assert.ok(isPassing(of("ThrottlingException")) && isPassing(of("Error", { code: "ECONNRESET" })));
    assert.ok(isPassing(of("InternalFailure", { $metadata: { httpStatusCode: 503 } })));
    for (const lasting of [of("AccessDenied"), of("DBSnapshotNotFoundFault"), undefined, "text"])
      assert.ok(!isPassing(lasting));
  });

  it("is restored to moments that RDS keeps, up to both ends, and says which these are", () => {
    const time = (hour: number) => new Date(Date.UTC(2026, 0, 31) + hour * 3_600_000);
    const kept = { earliest: time(8), latest: time(12) };
    const at = (hour: number, window: Parameters<typeof assertRestorableAt>[1] = kept) => {
      assertRestorableAt(time(hour), window, time(13));
    };
    for (const hour of [8, 10, 12]) at(hour);
    const window = "from 2026-01-31T08:00:00.000Z to 2026-01-31T12:00:00.000Z";
    assert.throws(() => at(7), failsWith("MOMENT", new RegExp(`is before what is kept; .*${window}`)));
    assert.throws(() => at(12.5), failsWith("MOMENT", new RegExp(`is too new; .*${window}`)));
    assert.throws(() => at(14), failsWith("MOMENT", new RegExp(`has not been yet; .*${window}`)));
    assert.throws(() => at(10, { earliest: undefined, latest: undefined }), failsWith("MOMENT", /keeps no backups/));
  });
});
