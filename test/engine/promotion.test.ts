import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { Checkout } from "../support/checkout.js";

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/** What is promoted from a stack that is there is decided in `components/promotion.ts`, and tested there. */
describe("promotion from a stack that is not there", function () {
  this.timeout(300_000);
  let checkout: Checkout;

  before(async () => {
    checkout = await Checkout.make(
      "config:\n  safe-migration:promotion: { from: staging }\n  safe-migration:sample: { enabled: false }\n",
    );
  });
  after(() => checkout.remove());

  for (const script of ["preview", "up"])
    it(`is refused by ${script}, with the command that makes it, before anything is touched`, async () => {
      const result = await checkout.npm(script, ["--stack", "local"]);
      assert.notEqual(result.exitCode, 0);
      assert.match(all(result), /unknown stack "organization\/safe-migration\/staging"/);
      assert.match(all(result), /bring it up first: npm run up -- --stack staging/);
      assert.ok(!existsSync(checkout.path(".local/cluster")), "no database was made");
    });
});
