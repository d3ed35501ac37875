import assert from "node:assert/strict";
import { isProtected } from "../../components/environments/environment.js";
import { parseConfig } from "../../config.js";

describe("what holds data", () => {
  const of = (name: string, database: object) =>
    isProtected({ name, config: parseConfig(name, { database }, { whole: false }) });

  it("is protected wherever a mistake would cost customers' data, by whatever name their stack goes", () => {
    for (const name of ["prod", "production", "shop-prod", "live", "qa"])
      for (const kind of ["rds", "ec2"]) assert.equal(of(name, { kind }), true, name);
    for (const name of ["dev", "staging"]) assert.equal(of(name, { kind: "ec2" }), false, name);
    const password = { from: "none" };
    assert.equal(of("shop", { kind: "existing", host: "h", user: "u", password }), true, "its bucket");
  });

  it("is, or is not, where the configuration says so", () => {
    assert.equal(of("staging", { kind: "ec2", protect: "always" }), true);
    assert.equal(of("review-42", { kind: "rds", protect: "never" }), false);
  });
});
