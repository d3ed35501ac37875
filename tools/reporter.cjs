/**
 * mocha's `spec` reporter, which also leaves its counts in the file named by TEST_COUNTS, for whoever started mocha, and tells that one
 * of each suite that has ended.
 */
const { writeFileSync } = require("node:fs");
const { Runner, reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const atBegin = { time: 0, passes: 0, failures: 0 };
    runner.on(Runner.constants.EVENT_SUITE_BEGIN, ({ parent }) => {
      const { passes, failures } = this.stats;
      if (parent?.root) Object.assign(atBegin, { time: Date.now(), passes, failures });
    });
    runner.on(Runner.constants.EVENT_SUITE_END, ({ parent, title }) => {
      if (!parent?.root) return;
      const { passes, failures } = this.stats;
      const [passed, failed] = [passes - atBegin.passes, failures - atBegin.failures];
      process.send?.({ suite: title, seconds: (Date.now() - atBegin.time) / 1000, passed, failed });
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      if (process.env.TEST_COUNTS) {
        writeFileSync(process.env.TEST_COUNTS, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      }
    });
  }
};
