import { join } from "node:path";
import { utils } from "ssh2";
import { z } from "zod";
import { projectName } from "../../config.js";
import { PipelineError } from "../../pipeline/errors.js";
import { run } from "../../pipeline/process.js";
import { open } from "../stack/open.js";
import { readStackFile } from "../stack/stackFile.js";
import { prepare, root } from "../stack/workspace.js";
import { commandLine, flag } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";
import { assertStack } from "./target.js";

/** `npm run keys`: the SSH keys of a stack's host, into the stack's configuration; the private halves as secrets. */

interface Flags {
  readonly stack: string;
  readonly replace?: boolean;
}

/** The two pairs, by the keys of the section `connection`. */
const pairs = [
  { what: "client key", secret: "privateKey", shown: "publicKey" },
  { what: "host key", secret: "hostPrivateKey", shown: "hostKey" },
] as const;

async function act({ stack, replace = false }: Flags): Promise<void> {
  if (stack === "local")
    throw usage('The stack "local" has no host.', "Name another one: npm run keys -- --stack staging");
  // Opening one that is not known would make it.
  assertStack(stack);
  const there = connectionOf(stack);
  const missing = pairs.filter(({ secret, shown }) => replace || !there[secret] || !there[shown]);
  if (missing.length === 0)
    throw usage(
      `The stack "${stack}" has its keys already (Pulumi.${stack}.yaml): ${there["publicKey"] as string} and ${there["hostKey"] as string}.`,
      `To make others, which the host only knows after it was replaced: npm run keys -- --stack ${stack} --replace`,
    );
  const place = prepare(stack, process.env);
  await open(stack, place, undefined, true);
  for (const { what, secret, shown } of missing) {
    const { privateKey, publicKey } = makePair(`${what} of ${stack}`);
    // The secret half first: with the public half alone the stack would wait for a host that nobody can be.
    await set(stack, place, secret, privateKey, true);
    await set(stack, place, shown, publicKey, false);
    process.stdout.write(`${what.padEnd(10)}  ${publicKey}\n`);
  }
  process.stderr.write(
    `Written to Pulumi.${stack}.yaml, the private halves as secrets; commit it, then run: npm run preview -- --stack ${stack}\n`,
  );
}

/** The section as it is in the stack's file; secrets are encrypted there. */
function connectionOf(stack: string): Record<string, unknown> {
  const file = readStackFile(join(root, `Pulumi.${stack}.yaml`));
  const section = z.record(z.string(), z.unknown()).safeParse(file.config?.[`${projectName}:connection`]);
  return section.success ? section.data : {};
}

/** An Ed25519 pair in OpenSSH's formats, which was read back and belongs together. */
function makePair(comment: string): { privateKey: string; publicKey: string } {
  for (;;) {
    const made = utils.generateKeyPairSync("ed25519", { comment });
    const [inner, outer] = [utils.parseKey(made.private), utils.parseKey(made.public)];
    if (inner instanceof Error || outer instanceof Error) continue;
    const proof = inner.sign("proof");
    if (!Buffer.isBuffer(proof) || outer.verify("proof", proof) !== true) continue;
    return { privateKey: made.private, publicKey: made.public.trim() };
  }
}

/** The value goes to Pulumi on standard input: arguments are seen by everybody on the machine. */
async function set(
  stack: string,
  place: ReturnType<typeof prepare>,
  name: string,
  value: string,
  secret: boolean,
): Promise<void> {
  const key = `${projectName}:connection.${name}`;
  const args = [
    "config",
    "set",
    "--stack",
    stack,
    "--path",
    key,
    secret ? "--secret" : "--plaintext",
    "--non-interactive",
  ];
  const { exitCode, stderr } = await run("pulumi", args, { cwd: place.workDir, env: place.env, stdin: value });
  if (exitCode !== 0)
    throw new PipelineError({
      code: "CONFIG_SET",
      kind: "failedUnchanged",
      message: `Pulumi did not take ${key}: ${stderr.trim()}`,
      state: "Pairs that were printed above are set; the others are as they were.",
      next: `Mend that, then run again: npm run keys -- --stack ${stack}`,
    });
}

function usage(message: string, next: string): PipelineError {
  return new PipelineError({ code: "USAGE", kind: "usage", message, state: "Nothing was written.", next });
}

commandLine("keys", "Makes the SSH client key and the host key of a stack and stores them in its configuration.")
  .addOption(
    flag("--environment, --stack <name>", "the stack: dev, staging, prod or one of your own").makeOptionMandatory(),
  )
  .option("--replace", "make others in the place of those that are there")
  .action((flags: Flags) => act(flags))
  .parseAsync(process.argv)
  .catch(reportFailure);
