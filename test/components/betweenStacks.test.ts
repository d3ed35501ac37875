import assert from "node:assert/strict";
import { beforePromotionVariable } from "../../components/beforePromotion.js";
import { PipelineError } from "../../pipeline/errors.js";
import { type Composed, compose } from "./program.js";
import { type Shipped, owner, shippedStacks } from "./shippedStacks.js";

/** What one stack takes of another's outputs; the hosts and AWS are stand-ins. */
describe("the stacks on AWS, between each other", function () {
  this.timeout(180_000);
  let made: Shipped["made"];
  let answers: Shipped["answers"];
  let names: Shipped["names"];

  before(async () => {
    ({ made, answers, names } = await shippedStacks());
  });

  describe("staging refreshed from prod", () => {
    const refreshed = (before: Readonly<Record<string, Readonly<Record<string, unknown>>>>) =>
      compose({ stack: "staging", owner: { ...owner, "safe-migration:refresh": { from: "prod" } }, answers, before });
    const policyOf = ({ resources }: Composed) => {
      const [own, ...more] = resources.filter(({ type }) => type === "aws:iam/rolePolicy:RolePolicy");
      assert.ok(own !== undefined && more.length === 0);
      return (JSON.parse(String(own.inputs["policy"])) as { Statement: { Sid: string }[] }).Statement;
    };

    it("lets its host read prod's backups, their key, and no more, once it is asked for and not before", async () => {
      const { dev, prod } = { dev: made.dev.outputs, prod: made.prod.outputs };
      const { bucketArn, keyArn } = prod["storeAccess"] as Record<string, string>;
      const composed = await refreshed({ dev, prod });
      const plain = policyOf(made.staging);
      assert.ok(![bucketArn, keyArn].some((arn) => JSON.stringify(plain).includes(arn ?? "")));
      const known = new Set(plain.map(({ Sid }) => Sid));
      const added = policyOf(composed).filter(({ Sid }) => !known.has(Sid));
      const backups = "backups/prod";
      assert.deepEqual(added, [
        {
          Sid: "ListBackupsOfprod",
          Effect: "Allow",
          Action: "s3:ListBucket",
          Resource: bucketArn,
          Condition: { StringLike: { "s3:prefix": [`${backups}/*`] } },
        },
        { Sid: "ReadBackupsOfprod", Effect: "Allow", Action: "s3:GetObject", Resource: `${bucketArn}/${backups}/*` },
        { Sid: "ReadKeyOfprod", Effect: "Allow", Action: "kms:Decrypt", Resource: keyArn },
      ]);
      assert.deepEqual(composed.outputs["refreshFrom"], { environment: "prod", store: prod["store"] });
      assert.equal(made.staging.outputs["refreshFrom"], undefined);
    });

    it("says what to bring up first where prod says nothing of its backups, and never takes prod itself", async () => {
      await assert.rejects(refreshed({ dev: made.dev.outputs }), (error) => {
        assert.ok(error instanceof PipelineError);
        assert.deepEqual([error.code, /npm run up -- --stack prod/.test(error.next)], ["NO_REFRESH_SOURCE", true]);
        return true;
      });
      const wrong = { ...owner, "safe-migration:refresh": { from: "staging" } };
      await assert.rejects(
        compose({ stack: "prod", owner: wrong, answers }),
        /refresh\.from: "prod" is never refreshed/,
      );
    });
  });

  describe("staging moved from its host to RDS", () => {
    const moved = (restoreFrom: string, changes: object = {}) =>
      compose({
        stack: "staging",
        owner: { ...owner, "safe-migration:database": { kind: "rds", restoreFrom }, ...changes },
        answers: { ...answers, fill: {} },
        before: { dev: made.dev.outputs, staging: made.staging.outputs },
      });
    const refused = (composed: Promise<unknown>, message: RegExp) =>
      assert.rejects(composed, (error) => {
        assert.ok(error instanceof PipelineError);
        assert.equal(error.code, "STACK_MOVED");
        assert.match(error.message, message);
        return true;
      });

    it("is refused while nothing fills the new database, and in another region at all", async () => {
      await refused(moved(""), /is of kind ec2, and database\.kind says rds/);
      await refused(moved("newest", { "aws:region": "us-east-1" }), /is in eu-west-1, and aws:region says us-east-1/);
    });

    it("has the new database filled once it is prepared, and before the pipeline comes to it", async () => {
      const { resources } = await moved("newest");
      const named = (name: string) => resources.find((each) => each.name === name) ?? assert.fail(name);
      const fill = named("database-fill");
      assert.equal((JSON.parse(String(fill.inputs["stdin"])) as { backup: string }).backup, "newest");
      assert.ok(fill.after.includes(named("database-prepare").urn));
      assert.ok(named("pipeline-preflight").after.includes(fill.urn));
      assert.ok(!made.staging.resources.some(({ name }) => name === "database-fill"));
    });
  });

  describe("promotion to prod", () => {
    interface LastRun {
      readonly migrations: readonly { readonly name: string; readonly checksum: string }[];
    }
    const proved = () => made.staging.outputs["lastRun"] as LastRun;
    const takes = (lastRun: object | undefined, secretOutputs: string[] = []) =>
      compose({ stack: "prod", owner, answers, before: { staging: { lastRun } }, secretOutputs });
    const refuses = (lastRun: object | undefined, code: string, message: RegExp) =>
      assert.rejects(takes(lastRun), (error) => {
        assert.ok(error instanceof PipelineError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });

    it("names each pending migration that staging has not verified, or in another version, and no other", async () => {
      const { migrations } = proved();
      const lastRun = {
        ...proved(),
        migrations: [...migrations.slice(0, 5), { name: names[5] ?? "", checksum: "0".repeat(64) }],
      };
      await assert.rejects(takes(lastRun), (error) => {
        assert.ok(error instanceof PipelineError);
        assert.equal(error.code, "NOT_PROMOTED");
        assert.deepEqual(
          names.filter((name) => error.message.includes(name)),
          names.slice(5),
        );
        assert.ok(error.message.includes(`${names[5]}: staging verified another version`));
        assert.ok(error.message.includes(`${names[6]}: staging has not verified it`));
        return true;
      });
    });

    it("takes nothing while staging records no verified run", () =>
      refuses(undefined, "NO_PROMOTION", /"staging" records no verified run/));

    it("is told of and not refused before a merge, by a preview that asks for that, and by nothing else", async () => {
      const lastRun = { ...proved(), migrations: proved().migrations.slice(0, -1) };
      const program = { stack: "prod", owner, answers, before: { staging: { lastRun } } };
      process.env[beforePromotionVariable] = "yes";
      try {
        const { said, resources } = await compose({ ...program, preview: true });
        assert.ok(said.includes(`${names.at(-1)}: staging has not verified it`));
        assert.ok(resources.some(({ name }) => name === "pipeline-verify"));
        await assert.rejects(compose(program), /these are not/);
      } finally {
        delete process.env[beforePromotionVariable];
      }
      await assert.rejects(compose({ ...program, preview: true }), /these are not/);
    });

    it("takes what staging verified, whether its outputs are secrets or not", async () => {
      for (const secret of [[], ["lastRun"]])
        assert.ok((await takes(proved(), secret)).resources.some(({ name }) => name === "pipeline-verify"));
    });
  });
});
