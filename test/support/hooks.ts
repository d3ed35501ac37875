import { stopTestCluster } from "./postgres.js";

/** Mocha's root hooks, for `--require`: the run's cluster ends with the run. */
export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(60_000);
    await stopTestCluster();
  },
};
