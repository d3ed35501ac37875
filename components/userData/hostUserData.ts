import type { Database } from "../../pipeline/contracts.js";
import { hostPaths, pipelineUser, postgresPort } from "../../config/hostPaths.js";
import type { MachineSize } from "./postgresSettings.js";
import { type Step, packScript, renderScript } from "./script.js";
import { type WalArchive, archiveStep } from "./steps/archive.js";
import { type HostDatabase, databaseStep } from "./steps/database.js";
import { type DataVolume, dataVolumeStep, workFolderStep } from "./steps/dataVolume.js";
import { idleStopStep } from "./steps/idleStop.js";
import { measureStep } from "./steps/measure.js";
import { postgresStep } from "./steps/postgres.js";
import { applicationStep, databasePackagesStep, pm2Step, runnerPackagesStep, ssmAgentStep } from "./steps/software.js";
import { type SshArgs, sshStep } from "./steps/ssh.js";

/** The step that a host outside AWS cannot take, as AWS itself serves what it installs. */
export type LeavableStep = "ssm-agent";

export interface RunnerUserDataArgs extends SshArgs {
  /** Name of the environment. */
  readonly environment: string;
  /** Steps to leave out, by name. @default none */
  readonly leaveOut?: readonly LeavableStep[];
}

export interface RunnerHostUserDataArgs extends RunnerUserDataArgs {
  /** The host stops by itself after so many minutes without work. @default 0: never */
  readonly stopAfterMinutes?: number;
}

export interface DatabaseUserDataArgs extends RunnerUserDataArgs {
  readonly database: Omit<HostDatabase, "environment">;
  /** Formatted only where it holds nothing; keeps all data when the host is replaced. */
  readonly dataVolume: DataVolume;
  /** What PostgreSQL's memory and parallelism are set by. */
  readonly machine: MachineSize;
  /** Continuous archiving, for point-in-time recovery. @default none */
  readonly archive?: Omit<WalArchive, "stanza">;
}

/**
 * User data of a host with PostgreSQL and the application (Debian 13). Holds no secret: the host's private key is fetched by
 * the instance's profile, the application's password is made on the host.
 *
 * @throws Error naming a value that cannot be right, and where the script is larger than EC2 takes.
 */
export function databaseUserData(args: DatabaseUserDataArgs): string {
  return userData(`The ${args.environment} host: PostgreSQL, pm2, the migration pipeline.`, databaseSteps(args));
}

/** User data of a host that only runs the pipeline, for a database that is elsewhere (Debian 13). Holds no secret. */
export function runnerUserData(args: RunnerHostUserDataArgs): string {
  return userData(`The ${args.environment} host that runs the migration pipeline.`, runnerSteps(args));
}

function userData(title: string, steps: readonly Step[]): string {
  return packScript(title, renderScript(title, steps));
}

/** The steps of {@link databaseUserData}, in their order. */
export function databaseSteps(args: DatabaseUserDataArgs): Step[] {
  return kept(args, [
    sshStep(args),
    databasePackagesStep(),
    pm2Step(),
    applicationStep(),
    ssmAgentStep(args.hostKey.region),
    dataVolumeStep(args.dataVolume),
    postgresStep(args.machine),
    databaseStep({ ...args.database, environment: args.environment }),
    measureStep(),
    ...(args.archive === undefined ? [] : [archiveStep({ ...args.archive, stanza: args.environment })]),
  ]);
}

function runnerSteps(args: RunnerHostUserDataArgs): Step[] {
  const { stopAfterMinutes = 0 } = args;
  return kept(args, [
    sshStep(args),
    runnerPackagesStep(),
    ssmAgentStep(args.hostKey.region),
    workFolderStep(),
    measureStep(),
    ...(stopAfterMinutes === 0 ? [] : [idleStopStep(stopAfterMinutes)]),
  ]);
}

function kept({ leaveOut = [] }: RunnerUserDataArgs, steps: readonly Step[]): Step[] {
  return steps.filter(({ name }) => !leaveOut.some((left) => left === name));
}

/** The database of a host as the stages that run there reach it: over the Unix socket, by who they are. */
export function hostDatabase({
  name,
  owner,
  schema,
  stanza,
}: {
  name: string;
  owner: string;
  schema?: string;
  /** The archive's, where there is one: the environment. */
  stanza?: string;
}): Database {
  return {
    host: hostPaths.socket,
    port: postgresPort,
    name,
    user: pipelineUser,
    password: { from: "none" },
    migrateAs: owner,
    ...(schema === undefined ? {} : { schema }),
    ...(stanza === undefined ? {} : { archive: { stanza } }),
  };
}
