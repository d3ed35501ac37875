import assert from "node:assert/strict";
import { utils } from "ssh2";
import { unpackScript } from "../../components/userData/script.js";
import { type Composed, compose } from "./program.js";
import { backup, measured, migrate, preflight, rehearsal, verify } from "./stageResults.js";

const [client, host] = [utils.generateKeyPairSync("ed25519"), utils.generateKeyPairSync("ed25519")];
const owner = {
  "aws:region": "eu-west-1",
  "safe-migration:connection": {
    from: ["203.0.113.7/32"],
    publicKey: client.public,
    privateKey: client.private,
    hostKey: host.public,
    hostPrivateKey: host.private,
  },
};
const stages = { prepare: {}, preflight, backup, rehearse: rehearsal, migrate, verify };
const stopping = { "safe-migration:runner": { where: "byDatabase", stopAfterMinutes: 15 } };

/** The program itself, with the stand-in for AWS; that such a host stops is proved in test/hosts, that it is started in test/pipeline. */
describe("dev, whose host beside RDS stops by itself", function () {
  this.timeout(120_000);
  let made: Composed;

  before(async () => {
    const answers = { ...stages, "tools/aws/startHost.ts": "runs" };
    made = await compose({ stack: "dev", owner: { ...owner, ...stopping }, answers });
  });

  const named = (name: string) => {
    const [found, ...more] = made.resources.filter(
      (resource) => resource.name === name && resource.type.startsWith("command:"),
    );
    return found === undefined || more.length > 0 ? assert.fail(`${more.length + 1} of ${name}`) : found;
  };
  const userDataOf = ({ resources }: Composed) => {
    const [instance, ...more] = resources.filter(({ type }) => type === "aws:ec2/instance:Instance");
    assert.ok(instance !== undefined && more.length === 0);
    assert.equal(instance.inputs["instanceInitiatedShutdownBehavior"], "stop");
    return unpackScript(String(instance.inputs["userData"]));
  };

  it("has its host look each minute whether there is work, and stop after the minutes given", () => {
    assert.match(
      userDataOf(made),
      /-lt 900 \][^]*OnUnitActiveSec=60[^]*enable --quiet --now safe-migration-idle\.timer/,
    );
  });

  it("starts it for each run, where Pulumi runs, and waits for it by SSH anew before anything is sent there", () => {
    const start = named("runner-start");
    const { instance, run, region } = JSON.parse(String(start.inputs["stdin"])) as Record<string, string>;
    assert.deepEqual([region, run], ["eu-west-1", (made.outputs["lastRun"] as { run: string }).run]);
    assert.equal(instance, (made.outputs["host"] as { instance: string }).instance);
    const ready = named("host-ready");
    assert.match(String(ready.inputs["stdin"]), /^# "runs"\n/);
    assert.ok(ready.after.includes(start.urn));
    assert.ok(named("runner-room").after.includes(ready.urn));
  });

  it("is so only where it is asked for, and for no other host", async () => {
    const plain = await compose({ stack: "dev", owner, answers: { ...stages, measure: measured } });
    // A host that is not there for most of the time measures nothing that an alarm would miss.
    const measures = ({ resources }: Composed) => resources.some(({ name }) => name === "measure");
    assert.deepEqual([measures(made), measures(plain)], [false, true]);
    assert.ok(!plain.resources.some(({ name }) => name === "runner-start"));
    assert.doesNotMatch(userDataOf(plain), /safe-migration-idle/);
    await assert.rejects(
      compose({ stack: "staging", owner: { ...owner, ...stopping }, answers: stages }),
      /runner\.stopAfterMinutes: only the small host beside RDS/,
    );
  });
});
