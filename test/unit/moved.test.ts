import assert from "node:assert/strict";
import { assertNotMoved, placeOf } from "../../components/moved.js";
import { assertNotRenamed } from "../../components/renamed.js";
import { assertSameMajor } from "../../components/sameMajor.js";
import { parseConfig } from "../../config.js";
import { failsWith } from "../pipeline/backupFixtures.js";

describe("a stack whose database would be another one", () => {
  const lastIn = (place?: { kind: string; region?: string; major?: number }) => ({
    ...{ run: "r", key: "k", migrations: [] },
    ...(place === undefined ? {} : { place }),
  });
  const ec2 = { kind: "ec2", region: "eu-west-1" };
  const rds = { kind: "rds", region: "eu-west-1" };
  const refused = (before: typeof ec2, now: { kind: string; region?: string }, message: RegExp, restoreFrom = "") =>
    assert.throws(() => assertNotMoved("staging", lastIn(before), now, restoreFrom), failsWith("STACK_MOVED", message));

  it("is refused another region, and another kind but where it is filled from a backup", () => {
    refused(ec2, { ...ec2, region: "us-east-1" }, /is in eu-west-1, and aws:region says us-east-1/, "newest");
    refused(ec2, rds, /is of kind ec2, and database\.kind says rds/);
    refused(rds, ec2, /is of kind rds, and database\.kind says ec2/);
    refused(ec2, { kind: "existing" }, /database\.kind says existing/, "newest");
    assert.doesNotThrow(() => assertNotMoved("staging", lastIn(ec2), rds, "newest"));
  });

  it("is as it was, or was never brought up, or not by a version that records it: not refused", () => {
    for (const last of [undefined, lastIn(), lastIn(ec2)])
      assert.doesNotThrow(() => assertNotMoved("staging", last, ec2, ""));
    assert.doesNotThrow(() => assertNotMoved("local", lastIn({ kind: "local" }), { kind: "local" }, ""));
  });

  it("has a region only where something of it is on AWS", () => {
    assert.deepEqual(placeOf(parseConfig("local", {}), "eu-west-1"), { kind: "local" });
    const config = parseConfig("dev", { "aws:region": "eu-west-1", database: { kind: "rds" } }, { whole: false });
    assert.deepEqual(placeOf(config, "eu-west-1"), { ...rds, major: 17 });
  });

  it("is refused under another name, after which all of it is named", () => {
    const last = { ...lastIn(ec2), environment: "staging" };
    assert.throws(
      () => assertNotRenamed("stage", last),
      failsWith("STACK_RENAMED", /was "staging" at its last run, and is "stage" now/),
    );
    for (const known of [undefined, lastIn(ec2), last]) assert.doesNotThrow(() => assertNotRenamed("staging", known));
  });

  it("is refused another major version of PostgreSQL, which no update brings about", () => {
    const last = { ...lastIn({ ...rds, major: 16 }), postgresMajor: 16 };
    const asking = (major: number, before: typeof last = last) =>
      assertSameMajor.bind(null, "dev", before, { ...rds, major });
    assert.throws(asking(17), failsWith("POSTGRES_MAJOR", /had PostgreSQL 16 at its last run, and .* says 17/));
    assert.throws(asking(15), failsWith("POSTGRES_MAJOR", /says 15/));
    assert.doesNotThrow(asking(16));
    // Upgraded at RDS: what it was found to have may be written down, and what it was asked for may stay.
    const upgraded = { ...last, postgresMajor: 17 };
    assert.doesNotThrow(asking(17, upgraded));
    assert.doesNotThrow(asking(16, upgraded));
    // One that was never brought up, is moved here from a host, was recorded by an earlier version, or is none of RDS.
    for (const before of [undefined, lastIn(rds), { ...last, place: ec2 }])
      assert.doesNotThrow(() => assertSameMajor("dev", before, { ...rds, major: 17 }));
    assert.doesNotThrow(() => assertSameMajor("dev", last, ec2));
  });
});
