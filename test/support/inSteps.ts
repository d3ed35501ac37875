/**
 * For a suite in which each test stands on the one before: after one that fails the others are skipped, and reported so. Mocha's own
 * `bail` does not do: it leaves them out of the report, and with them whole suites for what failed in another file.
 */
export function inSteps(suite: Mocha.Suite): void {
  let failed = false;
  suite.beforeEach(function () {
    if (failed) this.skip();
  });
  suite.afterEach(function () {
    failed ||= this.currentTest?.isFailed() === true;
  });
}
