import assert from "node:assert/strict";
import fc from "fast-check";
import { Series } from "../../../pipeline/probe/series.js";

describe("series of answers", () => {
  it("keeps the slowest of each interval, and says where there was none", () => {
    const series = new Series(10, 8);
    for (const [at, took] of [
      [100, 1],
      [109, 3],
      [105, 2],
      [121, 4.4],
      [99, 9],
    ] as const)
      series.record(at, took);
    assert.deepEqual(series.seen(), { everyMs: 10, slowestMs: [9, null, 4] });
    assert.equal(new Series().seen(), undefined);
  });

  it("makes its intervals longer instead of growing", () => {
    const series = new Series(10, 4);
    for (const at of [0, 15, 35, 45]) series.record(at, at);
    assert.deepEqual(series.seen(), { everyMs: 20, slowestMs: [15, 35, 45] });
    series.record(1_000, 7);
    assert.deepEqual(series.seen(), { everyMs: 320, slowestMs: [45, null, null, 7] });
  });

  it("never loses the slowest answer, and never holds more than it may", () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(100_000), fc.nat(5_000)), { minLength: 1, maxLength: 50 }), (samples) => {
        const series = new Series(1, 16);
        for (const [at, took] of samples) series.record(at, took);
        const seen = series.seen()?.slowestMs ?? [];
        assert.ok(seen.length <= 16);
        assert.equal(Math.max(...seen.map((value) => value ?? 0)), Math.max(...samples.map(([, took]) => took)));
      }),
    ));
});
