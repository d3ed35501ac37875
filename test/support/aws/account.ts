import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand, ListBucketsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { utils } from "ssh2";
import { z } from "zod";
import { hostPaths } from "../../../config/hostPaths.js";
import type { LocalCluster } from "../../../pipeline/local/cluster.js";
import type { RunResult } from "../../../pipeline/process.js";
import { Checkout } from "../checkout.js";
import { type Moto, motoOrSkip } from "../moto.js";
import { discard, temporaryDirectory } from "../postgres.js";
import { SshHost } from "../sshHost.js";
import { type RdsServer, hostServer, makeMaster, rdsServer } from "./servers.js";
import { type AwsStandIn, installAwsStandIn } from "./standIn.js";

export const stacks = ["dev", "staging", "prod"] as const;
export type StackName = (typeof stacks)[number];

const passphrase = "of the stacks in this test";

/**
 * A checkout with the three stacks of AWS as they are shipped, and what its owner sets; an account of AWS that is a stand-in
 * and moto; and what would be in it: PostgreSQL servers, and hosts that are this machine, each with folders of its own.
 */
export class AwsAccount {
  private constructor(
    readonly checkout: Checkout,
    readonly moto: Moto,
    /** The servers by stack. */
    readonly servers: Readonly<Record<StackName, LocalCluster>>,
    private readonly keys: readonly Keys[],
    private readonly masterPassword: string,
    private readonly env: Readonly<Record<string, string>>,
    private readonly end: () => Promise<void>,
  ) {}

  static async startOrSkip(context: Mocha.Context): Promise<AwsAccount> {
    if (process.platform !== "linux") {
      process.stderr.write("      skipped: what hosts are sent is written for Linux, and here they are this machine\n");
      return context.skip();
    }
    const moto = await motoOrSkip(context);
    const directory = await temporaryDirectory();
    const checkout = await Checkout.make("config: {}\n");
    await mkdir(checkout.path("state"));
    const at = (name: string) => join(directory, name);
    const [rds, staging, prod] = await Promise.all([
      rdsServer(at("dev")),
      hostServer(at("staging"), at("staging-socket"), "staging"),
      hostServer(at("prod"), at("prod-socket"), "prod"),
    ]);
    const standIn = await installAwsStandIn(moto, {
      "aws:ec2/eipAssociation:EipAssociation": { publicIp: "127.0.0.1" },
      "aws:rds/instance:Instance": { address: "127.0.0.1", port: rds.cluster.port },
    });
    await makeMaster(rds, standIn.masterPassword);
    const env = {
      ...standIn.env,
      PULUMI_BACKEND_URL: `file://${checkout.path("state")}`,
      PULUMI_CONFIG_PASSPHRASE: passphrase,
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
    };
    const owned = await Promise.all(stacks.map((name) => own(checkout, env, name, directory, moto, rds)));
    const end = async () => {
      for (const { host } of owned) await host.stop();
      await standIn.remove();
      await discard(directory);
      await rm(checkout.folder, { recursive: true, force: true });
    };
    const servers = { dev: rds.cluster, staging, prod };
    const keys = owned.map((one) => one.keys);
    return new AwsAccount(checkout, moto, servers, keys, standIn.masterPassword, env, end);
  }

  /** Runs an npm script on a stack. */
  npm(script: string, stack: StackName, args: readonly string[] = [], env: AwsStandIn["env"] = {}): Promise<RunResult> {
    return this.checkout.npm(script, ["--stack", stack, ...args], { env: { ...this.env, ...env } });
  }

  /** Sets a value of a stack's configuration. */
  async set(stack: StackName, key: string, value: string): Promise<void> {
    await must(this.checkout.pulumi(["config", "set", "--stack", stack, key, value], this.env));
  }

  /** The outputs of a stack, from its state. */
  async outputs(stack: StackName): Promise<Record<string, unknown>> {
    const { checkpoint } = withOutputs.parse(JSON.parse(await this.state(stack)));
    return checkpoint.latest.resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
  }

  /** The state of a stack, as it lies in the backend; empty where there is none. */
  state(stack: StackName): Promise<string> {
    const path = this.checkout.path("state/.pulumi/stacks/safe-migration", `${stack}.json`);
    return readFile(path, "utf8").catch(() => "");
  }

  /** The buckets that there are in the account, of those that stacks make. */
  async buckets(): Promise<string[]> {
    const { Buckets = [] } = await this.moto.s3.send(new ListBucketsCommand({}));
    return Buckets.map(({ Name = "" }) => Name).filter((name) => name.startsWith("backups-"));
  }

  /** What is text in the buckets: manifests, results, logs and reports of runs. */
  async evidence(): Promise<{ readonly key: string; readonly text: string }[]> {
    const found = (await this.buckets()).map(async (Bucket) => {
      const { Contents = [] } = await this.moto.s3.send(new ListObjectsV2Command({ Bucket }));
      const keys = Contents.flatMap(({ Key = "" }) => (/\.(json|log|html|md)$/.test(Key) ? [Key] : []));
      return Promise.all(
        keys.map(async (key) => {
          const { Body } = await this.moto.s3.send(new GetObjectCommand({ Bucket, Key: key }));
          return { key: `${Bucket}/${key}`, text: (await Body?.transformToString()) ?? "" };
        }),
      );
    });
    return (await Promise.all(found)).flat();
  }

  /** The password of the application's role on an RDS, as its secret has it. */
  async applicationPassword(stack: StackName): Promise<string> {
    const { connection } = z
      .object({ connection: z.object({ passwordSecret: z.string() }) })
      .parse(await this.outputs(stack));
    const { SecretString = "" } = await this.moto.secrets.send(
      new GetSecretValueCommand({ SecretId: connection.passwordSecret }),
    );
    return z.object({ password: z.string() }).parse(JSON.parse(SecretString)).password;
  }

  /** What opens a door: private keys, by a line of theirs, the passphrase of the stacks, the password of RDS's administrator. */
  get doors(): readonly string[] {
    const lines = this.keys.flatMap(({ client, host }) =>
      [client, host].map((pair) => pair.private.split("\n")[2] ?? ""),
    );
    return [...lines, passphrase, this.masterPassword];
  }

  stop(): Promise<void> {
    return this.end();
  }
}

/** A stack's file in a file backend, as far as it is looked at. */
const withOutputs = z.object({
  checkpoint: z.object({
    latest: z.object({
      resources: z.array(z.object({ type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() })),
    }),
  }),
});

type Env = Readonly<Record<string, string>>;
type Keys = Readonly<Record<"client" | "host", { readonly public: string; readonly private: string }>>;

async function must(result: Promise<RunResult>): Promise<string> {
  const { exitCode, stdout, stderr } = await result;
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stdout}\n${stderr}`);
  return stdout;
}

/** What the owner of a stack does before the first preview (docs/aws.md). @returns the host that it then comes to */
export async function own(
  checkout: Checkout,
  env: Env,
  stack: StackName,
  directory: string,
  moto: Moto,
  rds: RdsServer,
): Promise<{ host: SshHost; keys: Keys }> {
  const pair = () => utils.generateKeyPairSync("ed25519");
  const keys = { client: pair(), host: pair() };
  const home = join(directory, `${stack}-host`);
  for (const folder of ["bundles", "work", "measure"]) await mkdir(join(home, folder), { recursive: true });
  await writeFile(join(home, "status"), "done\n");
  const host = await SshHost.start({
    user: "pipeline",
    publicKey: keys.client.public,
    hostPrivateKey: keys.host.private,
    acceptEnv: /^$/,
    environment: { ...moto.env, AWS_ENDPOINT_URL: moto.endpoint },
    folders: { [hostPaths.home]: home, [hostPaths.socket]: join(directory, `${stack}-socket`) },
  });
  // As `npm run keys` does (test/engine/keys.test.ts).
  const secrets = { privateKey: keys.client.private, hostPrivateKey: keys.host.private };
  const values = {
    "aws:region": "eu-west-1",
    "safe-migration:connection.from[0]": "203.0.113.7/32",
    "safe-migration:connection.publicKey": keys.client.public,
    "safe-migration:connection.hostKey": keys.host.public,
    // Several hosts on one machine.
    "safe-migration:connection.port": String(host.port),
    // The certificate is not of Amazon's authorities.
    ...(stack === "dev" ? { "safe-migration:database.authorities": rds.authorities } : {}),
  };
  const given = [
    ...Object.entries(values).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]),
    ...Object.entries(secrets).flatMap(([key, value]) => ["--secret", `safe-migration:connection.${key}=${value}`]),
  ];
  await must(checkout.pulumi(["stack", "init", stack, "--non-interactive"], env));
  await must(checkout.pulumi(["config", "set-all", "--stack", stack, "--path", ...given], env));
  return { host, keys };
}
