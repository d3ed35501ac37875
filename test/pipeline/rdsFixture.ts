import { randomBytes } from "node:crypto";
import type { StageRequest } from "../../pipeline/contracts.js";
import { withRds } from "../../pipeline/rds/client.js";
import { listSnapshots } from "../../pipeline/rds/snapshots.js";
import { backups } from "../../pipeline/stages/backups.js";
import { motoOrSkip, motoRegion, withEnvironment } from "../support/moto.js";
import { discard, temporaryDirectory } from "../support/postgres.js";
import { apply } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import type { OwnInstance } from "../support/rds/estate.js";
import { RdsStandIn } from "../support/rds/standIn.js";
import { requestOf } from "../support/stageRequest.js";
import { query, quiet, temporaryStore } from "./backupFixtures.js";

const init = `
  CREATE TABLE items (id int PRIMARY KEY, name text, seen int NOT NULL DEFAULT 0);
  CREATE TABLE notes (id serial PRIMARY KEY, item int NOT NULL REFERENCES items, text text);
  CREATE UNLOGGED TABLE cache (key text PRIMARY KEY);`;
const fill = `INSERT INTO items SELECT i, 'item ' || i FROM generate_series(1, 400) i; INSERT INTO cache VALUES ('a')`;

/** A project on an instance of the stand-in for RDS, with one migration applied. */
export interface OnRds {
  readonly rds: RdsStandIn;
  readonly own: OwnInstance;
  readonly project: TestProject;
  readonly store: Awaited<ReturnType<typeof temporaryStore>>;
  /** What is asked of a stage, with `backup.method: snapshot` unless told otherwise. */
  request(run: string, backup?: object): StageRequest;
  /** The DB snapshots that this program has made, as their tags say. */
  snapshots(): Promise<{ readonly identifier: string; readonly purpose?: string; readonly backup?: string }[]>;
  /** The backups that the store has, with their state. */
  backups(): Promise<string[]>;
  stop(): Promise<void>;
}

export const rdsEnvironment = "dev";

/** @param archived its log is kept, for a restore to a moment */
export async function onRds(context: Mocha.Context, { archived = false } = {}): Promise<OnRds> {
  const moto = await motoOrSkip(context);
  const directory = await temporaryDirectory();
  const rds = await RdsStandIn.start(moto, directory);
  const putBack = withEnvironment({ ...rds.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" });
  const store = await temporaryStore();
  const project = await writeProject({ "1_init": init });
  const own = await rds.estate.make(`shop-${randomBytes(3).toString("hex")}`, { archived });
  await apply(own.database, project, "1_init");
  await query(own.database, fill);
  const request = (run: string, backup: object = {}) =>
    requestOf(
      { database: own.database, project, store },
      {
        run,
        environment: rdsEnvironment,
        settings: { backup: { method: "snapshot", rdsAskSeconds: 0.1, ...backup } },
      },
    );
  return {
    ...{ rds, own, project, store, request },
    snapshots: () =>
      withRds({ instance: own.name, region: motoRegion }, rdsEnvironment, quiet.signal, async (asked) =>
        (await listSnapshots(asked)).map(({ identifier, tags }) => ({ identifier, ...tags })),
      ),
    backups: async () => {
      const { backups: listed } = await backups({ ...request("list"), verify: false }, quiet);
      return listed.map(({ id, state }) => `${id} ${state}`);
    },
    stop: async () => {
      putBack();
      await rds.stop();
      await store.remove();
      await project.remove();
      await discard(directory);
    },
  };
}
