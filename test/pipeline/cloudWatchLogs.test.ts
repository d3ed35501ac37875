import assert from "node:assert/strict";
import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { logsSettings } from "../../pipeline/contracts.js";
import { cloudWatchSink } from "../../pipeline/logs/cloudWatch.js";
import { LiveLog } from "../../pipeline/logs/liveLog.js";
import { motoOrSkip, motoRegion, withEnvironment } from "../support/moto.js";

const name = "/safe-migration/prod";
const groupArn = `arn:aws:logs:${motoRegion}:123456789012:log-group:${name}`;
const line = (message: string) => JSON.stringify({ time: new Date().toISOString(), level: "info", message });

/** What is written where; moto checks no rights. */
describe("logs to CloudWatch Logs", function () {
  this.timeout(60_000);
  let putBack: () => void;
  let client: CloudWatchLogsClient;

  before(async function () {
    const moto = await motoOrSkip(this);
    putBack = withEnvironment({ ...moto.env, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: moto.endpoint });
    client = new CloudWatchLogsClient({ region: motoRegion });
    await client.send(new CreateLogGroupCommand({ logGroupName: name }));
  });
  after(() => {
    client?.destroy();
    putBack?.();
  });

  it("have every line of a stage once and in order, in a stream of the run's and the stage's name", async () => {
    assert.deepEqual(logsSettings.parse({ cloudWatch: { groupArn } }).cloudWatch, { groupArn });
    const live = new LiveLog([cloudWatchSink(groupArn, "run-1", "migrate")]);
    const wanted = Array.from({ length: 75 }, (_, at) => line(`line ${at}`));
    for (const one of wanted) live.add(one);
    await live.settle();
    assert.deepEqual(await live.end(), []);
    // A stage that is run again goes on with its stream.
    const again = new LiveLog([cloudWatchSink(groupArn, "run-1", "migrate")]);
    again.add(line("again"));
    assert.deepEqual(await again.end(), []);
    const { events = [] } = await client.send(
      new GetLogEventsCommand({ logGroupName: name, logStreamName: "run-1/migrate", startFromHead: true }),
    );
    const messages = events.map(({ message }) => message ?? "");
    assert.deepEqual(messages.slice(0, 75), wanted);
    assert.match(messages[75] ?? "", /again/);
    assert.equal(messages.length, 76);
  });

  it("say what could not be kept, and where", async () => {
    const live = new LiveLog([cloudWatchSink(`${groupArn}-gone`, "run-1", "migrate")]);
    live.add(line("lost"));
    const [failure, ...more] = await live.end();
    assert.deepEqual(more, []);
    assert.match(failure ?? "", /^CloudWatch Logs \(\/safe-migration\/prod-gone\): /);
  });
});
