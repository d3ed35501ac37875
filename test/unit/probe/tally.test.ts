import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { openLoop } from "../../../pipeline/probe/openLoop.js";
import { type Sample, Tally } from "../../../pipeline/probe/tally.js";

describe("time without service", () => {
  const answered = (intended: number, ended: number): Sample => ({ intended, ended, answered: true });

  it("counts a request that is answered in time as service", () => {
    const tally = new Tally(100, 10);
    tally.record("a", answered(0, 100));
    assert.deepEqual(tally.counts(), { requests: 1, refused: 0 });
    assert.equal(tally.refusedMs(), 0);
    assert.equal(tally.seen()[0]?.slowestMs, 100);
  });

  it("counts from the intended start, and times that overlap once", () => {
    const tally = new Tally(100, 10);
    // One lock from 0 to 500, met by reads and writes that were to start every 100.
    for (const start of [0, 100, 200, 300, 400, 500]) tally.record("read", answered(start, 500));
    for (const start of [50, 150]) tally.record("write", answered(start, 600));
    assert.equal(tally.counts().refused, 6);
    assert.equal(tally.refusedMs(), 600);
    assert.equal(tally.longestRefusedMs(), 600);
    assert.deepEqual(
      tally.seen().map(({ target, longestRefusedMs }) => [target, longestRefusedMs]),
      [
        ["write", 550],
        ["read", 500],
      ],
    );
  });

  it("takes two locks apart from one another for two", () => {
    const tally = new Tally(10, 10);
    tally.record("a", answered(0, 100));
    tally.record("a", answered(110, 111));
    tally.record("a", answered(200, 350));
    assert.equal(tally.refusedMs(), 250);
    assert.equal(tally.longestRefusedMs(), 150);
  });

  it("lets a request that failed at once stand for the time until the next", () => {
    const tally = new Tally(100, 50);
    tally.record("a", { intended: 0, ended: 1, answered: false });
    tally.record("a", { intended: 50, ended: 51, answered: false });
    assert.equal(tally.refusedMs(), 100);
  });

  it("counts what waits still, once it is late, and waits that were seen otherwise", () => {
    const tally = new Tally(100, 50);
    assert.equal(tally.refusedMs({ since: [0], now: 100 }), 0);
    assert.equal(tally.refusedMs({ since: [0, 20], now: 150 }), 150);
    tally.recordWait("sessions", 1_000, 1_050);
    assert.equal(tally.refusedMs(), 0);
    tally.recordWait("sessions", 1_000, 1_400);
    assert.equal(tally.refusedMs({ since: [1_300], now: 1_500 }), 500);
  });
});

describe("an open loop", () => {
  it("counts the requests that were to start while one waited, as answered when that is", async () => {
    const samples: Sample[] = [];
    let release = () => undefined as void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const loop = openLoop({
      everyMs: 5,
      ask: () => held.then(() => "answered" as const),
      record: (sample) => samples.push(sample),
    });
    await sleep(40);
    assert.equal(samples.length, 0);
    assert.notEqual(loop.since(), undefined);
    release();
    while (samples.length < 6) await sleep(1);
    await loop.stop(1_000);
    const [first, second] = samples;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.intended, first.intended + 5, "at fixed times");
    assert.equal(second.ended, first.ended);
    assert.equal(loop.since(), undefined);
  });

  it("counts one that is given up as refused, and none when there is nothing left to ask", async () => {
    const samples: Sample[] = [];
    const record = (sample: Sample) => void samples.push(sample);
    const never = openLoop({ everyMs: 5, ask: () => new Promise(() => undefined), record });
    await never.stop(5);
    assert.deepEqual(
      samples.map((sample) => sample.answered),
      [false],
    );
    const gone = openLoop({ everyMs: 5, ask: () => Promise.resolve("gone"), record });
    await gone.stop(1_000);
    assert.equal(samples.length, 1);
  });
});
