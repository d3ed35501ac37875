import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { composeComment, marker } from "../../../tools/ci/compose.js";
import { diagnosticsOf } from "../../../tools/ci/engineOutput.js";
import { upsertComment } from "../../../tools/ci/gitHub.js";
import type { StackPart } from "../../../tools/ci/part.js";

const part = (stack: string, more: Partial<StackPart> = {}): StackPart => ({
  ...{
    stack,
    exitCode: 0,
    said: "Pending migrations: none.",
    migrations: [],
    risk: "No pending migration is above safe.",
  },
  ...more,
});
const compose = (...parts: StackPart[]) =>
  composeComment({
    stacks: ["dev", "staging", "prod"],
    parts: new Map(parts.map((one) => [one.stack, one])),
    ...{ commit: "abc1234", runUrl: "https://github.example/a/b/actions/runs/1" },
  });

describe("ci: what the comment says", () => {
  it("has a line for each stack, and says which preview failed and which could not be made", () => {
    const migrations = [
      { name: "1_a", tier: "safe" },
      { name: "2_b", tier: "dangerous" },
    ] as const;
    const body = compose(part("dev", { migrations: [...migrations] }), part("prod", { exitCode: 1, said: "refused" }));
    assert.ok(body.startsWith(marker));
    assert.match(body, /\| `dev` \| ✅ passes \| 2, 🔴 dangerous \|/);
    assert.match(body, /\| `staging` \| ⚠️ could not be made, see the run \| not known \|/);
    assert.match(body, /\| `prod` \| ❌ fails \| none \|/);
    assert.match(body, /<details open><summary><b>prod<\/b>/);
  });

  it("lets no text of an engine out of its block", () => {
    const said = "```\n</details> @everyone <img src=x>\n````";
    const body = compose(part("dev", { said }));
    assert.ok(body.includes(`\`\`\`\`\`text\n${said}\n\`\`\`\`\``));
  });

  it("stays below what GitHub takes, closes what it cuts, and says so", () => {
    const long = { said: "x\n".repeat(60_000), risk: `\`\`\`bash\n${"npm run approve\n".repeat(8_000)}\`\`\`` };
    const body = compose(part("dev", long), part("staging", long), part("prod", long));
    assert.ok(body.length < 65_536);
    assert.equal((body.match(/^`{3,}/gm) ?? []).length % 2, 0);
    assert.match(body, /cut here: too long for a comment/);
    assert.match(body, /Commit abc1234/);
  });

  it("keeps of the engine's output what is for a person", () => {
    const output = [
      "Previewing update (local):",
      " ~  command:local:Command pipeline-verify update",
      "Diagnostics:",
      "  pulumi:pulumi:Stack (safe-migration-local):",
      "    Pending migrations: 1",
      "\u001b[31m      2_b  🔴 dangerous\u001b[0m",
      "",
      "Outputs:",
      "  ~ lastRun: {",
    ].join("\n");
    assert.equal(
      diagnosticsOf(output),
      "pulumi:pulumi:Stack (safe-migration-local):\n  Pending migrations: 1\n    2_b  🔴 dangerous",
    );
    assert.equal(diagnosticsOf("pulumi refused: no such backend\n"), "pulumi refused: no such backend");
  });
});

/** A stand-in for the part of GitHub's REST API that is used: comments of issue 7, in pages. */
describe("ci: writing the comment", () => {
  interface Comment {
    id: number;
    body: string;
    user: { type: string };
  }
  let server: Server;
  let api: string;
  let comments: Comment[];
  let failures: number[];
  let asked: string[];

  beforeEach(async () => {
    [comments, failures, asked] = [[], [], []];
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const url = new URL(request.url ?? "", "http://here");
        asked.push(`${request.method ?? ""} ${url.pathname}`);
        const failure = failures.shift();
        const answer = (status: number, json: unknown) => response.writeHead(status).end(JSON.stringify(json));
        if (failure !== undefined) return answer(failure, { message: "no" });
        if (request.headers.authorization !== "Bearer token") return answer(401, { message: "Bad credentials" });
        const body = text === "" ? "" : (JSON.parse(text) as { body: string }).body;
        if (request.method === "GET") {
          const page = Number(url.searchParams.get("page"));
          return answer(200, comments.slice((page - 1) * 100, page * 100));
        }
        if (request.method === "POST") comments.push({ id: comments.length + 1, body, user: { type: "Bot" } });
        else {
          const found = comments.find(({ id }) => String(id) === url.pathname.split("/").at(-1));
          if (found === undefined) return answer(404, { message: "Not Found" });
          found.body = body;
        }
        return answer(request.method === "POST" ? 201 : 200, {});
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const upsert = (body: string, token = "token") =>
    upsertComment({ api, repository: "owner/name", number: 7, token }, marker, body, [0, 0]);

  it("writes one, and then over it", async () => {
    assert.equal(await upsert(`${marker}\nfirst`), "written");
    assert.equal(await upsert(`${marker}\nsecond`), "updated");
    assert.deepEqual(
      comments.map(({ body }) => body),
      [`${marker}\nsecond`],
    );
    assert.equal(asked.at(-1), "PATCH /repos/owner/name/issues/comments/1");
  });

  it("finds it behind a hundred others, and never takes a person's for it", async () => {
    comments = Array.from({ length: 130 }, (_, at) => ({ id: at + 1, body: "hm", user: { type: "User" } }));
    comments[0] = { id: 1, body: `${marker}\nquoted`, user: { type: "User" } };
    comments[120] = { id: 121, body: `${marker}\nold`, user: { type: "Bot" } };
    assert.equal(await upsert(`${marker}\nnew`), "updated");
    assert.equal(comments[0].body, `${marker}\nquoted`);
    assert.equal(comments[120].body, `${marker}\nnew`);
  });

  it("tries again while GitHub is down, and does not where it is refused", async () => {
    failures = [502, 503];
    assert.equal(await upsert(`${marker}\nx`), "written");
    asked = [];
    await assert.rejects(upsert("x", "wrong"), /GitHub did not take the comment: GET .*401 .*Bad credentials/);
    assert.equal(asked.length, 1);
  });
});
