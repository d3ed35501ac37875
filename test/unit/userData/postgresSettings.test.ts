import assert from "node:assert/strict";
import fc from "fast-check";
import { postgresSettings, renderSettings } from "../../../components/userData/postgresSettings.js";

const megabytes = (text: string | undefined) => Number(/^(\d+)MB$/.exec(text ?? "")?.[1]);

describe("PostgreSQL's settings from the machine's size", () => {
  it("for machines as they are", () => {
    const some = ({ shared_buffers, work_mem, maintenance_work_mem, max_parallel_workers }: Record<string, string>) => [
      shared_buffers,
      work_mem,
      maintenance_work_mem,
      max_parallel_workers,
    ];
    assert.deepEqual(some(postgresSettings({ memoryMiB: 1024, vcpus: 2 })), ["256MB", "4MB", "64MB", "2"]);
    assert.deepEqual(some(postgresSettings({ memoryMiB: 8192, vcpus: 2 })), ["2048MB", "20MB", "512MB", "2"]);
    assert.deepEqual(some(postgresSettings({ memoryMiB: 131072, vcpus: 16 })), ["16384MB", "256MB", "2048MB", "16"]);
  });

  it("never promises more memory than there is, from the smallest that can do its minimum on", () => {
    const machine = fc.record({
      memoryMiB: fc.integer({ min: 1024, max: 2_000_000 }),
      vcpus: fc.integer({ min: 1, max: 192 }),
    });
    fc.assert(
      fc.property(machine, ({ memoryMiB, vcpus }) => {
        const settings = postgresSettings({ memoryMiB, vcpus });
        const connections = Number(settings["max_connections"]);
        const most = megabytes(settings["shared_buffers"]) + connections * megabytes(settings["work_mem"]);
        assert.ok(most <= memoryMiB, `${most} of ${memoryMiB}`);
        assert.ok(megabytes(settings["effective_cache_size"]) >= megabytes(settings["shared_buffers"]));
      }),
    );
  });

  it("as a file, whatever a value holds", () => {
    assert.equal(renderSettings({ a: "1", b: "it's" }), "a = '1'\nb = 'it''s'\n");
  });
});
