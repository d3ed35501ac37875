/** mocha's `spec` reporter, which also leaves its counts in the file named by TEST_COUNTS, for whoever started mocha. */
const { writeFileSync } = require("node:fs");
const { Runner, reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      if (process.env.TEST_COUNTS) {
        writeFileSync(process.env.TEST_COUNTS, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      }
    });
  }
};
