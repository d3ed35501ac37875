import assert from "node:assert/strict";
import { RunError } from "@pulumi/pulumi/errors";
import { tellingForeseen } from "../../components/foreseen.js";
import { ConfigError } from "../../config.js";
import { PipelineError } from "../../pipeline/errors.js";

describe("what a program foresees", () => {
  const thrownBy = async (error: Error): Promise<unknown> => {
    const program = () => Promise.reject(error);
    return tellingForeseen(program).then(
      () => assert.fail(),
      (thrown: unknown) => thrown,
    );
  };

  it("is shown by Pulumi without a stack, with state and next command, and is still known by what it was", async () => {
    const details = {
      code: "X",
      kind: "refused",
      message: "No.",
      state: "Nothing was touched.",
      next: "Mend it.",
    } as const;
    const refused = new PipelineError(details);
    const thrown = await thrownBy(refused);
    assert.ok(RunError.isInstance(thrown));
    assert.equal(thrown.message, "No.\nState: Nothing was touched.\nNext: Mend it.");
    assert.equal(thrown.cause, refused);
    assert.ok(RunError.isInstance(await thrownBy(new ConfigError("dev", ["a: wrong"]))));
  });

  it("is told from a defect, which keeps its stack", async () => {
    for (const error of [new Error("x"), new TypeError("x"), new RunError("x")])
      assert.equal(await thrownBy(error), error);
  });
});
