import { join } from "node:path";
import { Option } from "commander";
import { utils } from "ssh2";
import { z } from "zod";
import { projectName } from "../../config.js";
import { PipelineError } from "../../pipeline/errors.js";
import { run } from "../../pipeline/process.js";
import { open } from "../stack/open.js";
import { readStackFile } from "../stack/stackFile.js";
import { troubleOf } from "../stack/trouble.js";
import { prepare, root } from "../stack/workspace.js";
import { commandLine, stackOption } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";
import { assertStack } from "./target.js";

/** `npm run keys`: the SSH keys of a stack's host, into the stack's configuration; the private halves as secrets. */

interface Flags {
  readonly stack: string;
  /** Of one pair alone, where it is named. */
  readonly replace?: true | Pair["name"];
}

/** The two pairs, by the keys of the section `connection`. */
const clientPair = { name: "client", what: "client key", secret: "privateKey", shown: "publicKey" } as const;
const hostPair = { name: "host", what: "host key", secret: "hostPrivateKey", shown: "hostKey" } as const;
type Pair = typeof clientPair | typeof hostPair;

async function act({ stack, replace }: Flags): Promise<void> {
  if (stack === "local")
    throw usage('The stack "local" has no host.', "Name another one: npm run keys -- --stack staging");
  // Opening one that is not known would make it.
  assertStack(stack);
  const there = sectionOf(stack, "connection");
  // A host that is there already has a key of its own, which another one would shut out.
  const adopted = sectionOf(stack, "database")["kind"] === "existing";
  if (adopted && replace === "host")
    throw usage(
      `The host of "${stack}" is there already, and has a host key of its own, which is not made here.`,
      `Put its public half into connection.hostKey; the client key is replaced by: npm run keys -- --stack ${stack} --replace client`,
    );
  const isThere = ({ secret, shown }: Pair) => Boolean(there[secret]) && (adopted || Boolean(there[shown]));
  const missing = (adopted ? [clientPair] : [clientPair, hostPair]).filter(
    (pair) => replace === true || replace === pair.name || !isThere(pair),
  );
  const known = missing.filter(isThere);
  if (missing.length === 0) throw allThere(stack, there, adopted);
  const place = prepare(stack, process.env);
  await open(stack, place, undefined, true);
  for (const { what, secret, shown } of missing) {
    const { privateKey, publicKey } = makePair(`${what} of ${stack}`);
    // The secret half first: with the public half alone the stack would wait for a host that nobody can be.
    await set({ stack, replace }, place, secret, privateKey, true);
    await set({ stack, replace }, place, shown, publicKey, false);
    process.stdout.write(`${what.padEnd(10)}  ${publicKey}\n`);
  }
  const halves = missing.length === 1 ? "private half as a secret" : "private halves as secrets";
  const letIn = adopted
    ? "let that key in on the host (~/.ssh/authorized_keys of connection.user), "
    : known.length > 0
      ? 'tell the host that is there, which knows the old ones only (docs/upkeep.md, "SSH keys"), '
      : "";
  process.stderr.write(
    `Written to Pulumi.${stack}.yaml, the ${halves}; commit it, ${letIn}then run: npm run preview -- --stack ${stack}\n`,
  );
}

/** A section as it is in the stack's file; secrets are encrypted there. */
function sectionOf(stack: string, name: string): Record<string, unknown> {
  const file = readStackFile(join(root, `Pulumi.${stack}.yaml`));
  const section = z.record(z.string(), z.unknown()).safeParse(file.config?.[`${projectName}:${name}`]);
  return section.success ? section.data : {};
}

function allThere(stack: string, there: Record<string, unknown>, adopted: boolean): PipelineError {
  const again = `npm run keys -- --stack ${stack} --replace`;
  if (adopted)
    return usage(
      `The stack "${stack}" has its client key already (Pulumi.${stack}.yaml, connection.privateKey), and its host, which is there already, a host key of its own.`,
      `To make another client key, which the host is to be told of: ${again}`,
    );
  return usage(
    `The stack "${stack}" has its keys already (Pulumi.${stack}.yaml): ${String(there["publicKey"])} and ${String(there["hostKey"])}.`,
    `To make others, which the host that is there has to be told of (docs/upkeep.md, "SSH keys"): ${again}, or for one pair alone --replace client, --replace host`,
  );
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
  { stack, replace }: Flags,
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
      next: `${troubleOf(stack, stderr)?.next ?? "Mend that, then run the same command."} That is: npm run keys -- --stack ${stack}${flagOf(replace)}`,
    });
}

function flagOf(replace: Flags["replace"]): string {
  return replace === undefined ? "" : ` --replace${replace === true ? "" : ` ${replace}`}`;
}

function usage(message: string, next: string): PipelineError {
  return new PipelineError({ code: "USAGE", kind: "usage", message, state: "Nothing was written.", next });
}

commandLine("keys", "Makes the SSH client key and the host key of a stack and stores them in its configuration.")
  .addOption(stackOption())
  .addOption(
    new Option(
      "--replace [pair]",
      "make others in the place of those that are there; of one pair alone: client, host",
    ).choices(["client", "host"]),
  )
  .action((flags: Flags) => act(flags))
  .parseAsync(process.argv)
  .catch(reportFailure);
