import assert from "node:assert/strict";
import { resolve } from "node:path";
import { assertStacksNamed } from "../../components/namedStacks.js";
import { parseConfig } from "../../config.js";
import { PipelineError } from "../../pipeline/errors.js";

const root = resolve(__dirname, "../..");

describe("stacks that a configuration names", () => {
  const named = (promotion: string, refresh = "") => {
    const { promotion: from, ...config } = parseConfig("local", {});
    return { promotion: { ...from, from: promotion }, refresh: { ...config.refresh, from: refresh } };
  };

  it("are this project's, or none", () => {
    assertStacksNamed(root, "prod", named("staging"));
    assertStacksNamed(root, "staging", named("dev", "prod"));
    assertStacksNamed(root, "dev", named(""));
  });

  it("are refused where there are none, with the one that was meant and the command that names it", () => {
    for (const [settings, key, meant] of [
      [named("stagign"), "promotion.from", "staging"],
      [named("", "porod"), "refresh.from", "prod"],
    ] as const)
      assert.throws(
        () => assertStacksNamed(root, "shop", settings),
        (error) => {
          assert.ok(error instanceof PipelineError);
          assert.equal(error.code, "NO_STACK");
          assert.match(error.message, new RegExp(`^${key.replace(".", "\\.")}: .*did you mean ${meant}\\?`));
          assert.ok(error.next.includes(`pulumi config set --path ${key} NAME --stack shop`));
          return true;
        },
      );
  });
});
