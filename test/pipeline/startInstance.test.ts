import assert from "node:assert/strict";
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { resolve } from "node:path";
import { run } from "../../pipeline/process.js";
import { startInstance } from "../../tools/aws/startInstance.js";
import { type Moto, motoOrSkip, motoRegion } from "../support/moto.js";
import { typescript } from "../support/typescript.js";
import { failsWith } from "./backupFixtures.js";

/** EC2 as moto has it, which starts and stops at once: the waiting itself is held by what the client is made to answer. */
describe("a host that stops by itself is started", function () {
  this.timeout(120_000);
  let moto: Moto;
  let ec2: EC2Client;
  let instance: string;
  const options = { signal: new AbortController().signal, everyMs: 1 };

  before(async function () {
    moto = await motoOrSkip(this);
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    ec2 = new EC2Client({ endpoint: moto.endpoint, region: motoRegion, credentials });
    const { Images: images = [] } = await ec2.send(new DescribeImagesCommand({}));
    const made = await ec2.send(new RunInstancesCommand({ ImageId: images[0]?.ImageId, MinCount: 1, MaxCount: 1 }));
    instance = made.Instances?.[0]?.InstanceId ?? assert.fail();
  });

  const stop = () => ec2.send(new StopInstancesCommand({ InstanceIds: [instance] }));
  const state = async () =>
    (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance] }))).Reservations?.[0]?.Instances?.[0]?.State
      ?.Name;

  it("is left as it is where it runs, and started where it has stopped, which is said", async () => {
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    assert.equal(await startInstance(ec2, instance, { ...options, say }), false);
    await stop();
    assert.equal(await state(), "stopped");
    assert.equal(await startInstance(ec2, instance, { ...options, say }), true);
    assert.equal(await state(), "running");
    assert.deepEqual(said, [`starting the host ${instance}`]);
  });

  it("is waited for while it stops and while it starts, and asked for once; not for ever", async () => {
    const answers = ["stopping", "stopping", "stopped", "stopped", "pending", "running"];
    const asked: string[] = [];
    const slow = {
      send: (command: object) => {
        asked.push(command.constructor.name);
        const name = answers[asked.filter((one) => one.startsWith("Describe")).length - 1];
        return Promise.resolve({ Reservations: [{ Instances: [{ State: { Name: name } }] }] });
      },
    } as unknown as EC2Client;
    assert.equal(await startInstance(slow, instance, options), true);
    assert.deepEqual(
      asked.filter((one) => one.startsWith("Start")),
      ["StartInstancesCommand"],
    );
    asked.length = 0;
    await assert.rejects(
      startInstance(slow, instance, { ...options, patienceMs: 0 }),
      failsWith("HOST_START", /it is still stopping/),
    );
  });

  it("as the program that a Command runs, with the credentials of whoever runs Pulumi", async () => {
    await stop();
    const root = resolve(__dirname, "../..");
    const args = [...typescript, "tools/aws/startHost.ts"];
    const env = { ...moto.env, AWS_ENDPOINT_URL_EC2: moto.endpoint };
    const stdin = JSON.stringify({ instance, region: motoRegion, run: "r1" });
    const result = await run(process.execPath, args, { cwd: root, env, stdin });
    assert.equal(result.exitCode, 0, result.stderr);
    assert.equal(result.stdout, `${instance} runs, for r1\n`);
    assert.equal(await state(), "running");
  });

  it("says what is wrong where there is none such, or it is gone for good", async () => {
    const none = startInstance(ec2, "i-0123456789abcdef0", options);
    await assert.rejects(none, failsWith("HOST_START", /i-0123456789abcdef0 could not be started: .*does not exist/));
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance] }));
    await assert.rejects(startInstance(ec2, instance, options), failsWith("HOST_START", /it is terminated/));
  });
});
