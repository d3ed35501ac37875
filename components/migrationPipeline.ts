import * as pulumi from "@pulumi/pulumi";
import {
  type BackupResult,
  type Database,
  type MigrateResult,
  type PreflightResult,
  type Project,
  type RehearseResult,
  type Settings,
  type VerifyResult,
  backupResult,
  migrateResult,
  preflightResult,
  rehearseResult,
  verifyResult,
} from "../pipeline/contracts.js";
import type { Runner } from "./runner.js";

export interface MigrationPipelineArgs {
  /** Name of the environment; the database carries it as its mark, and stages refuse another's. */
  readonly environment: string;
  /** Identifies the run; a new one runs every stage again. */
  readonly run: pulumi.Input<string>;
  /** The database to migrate. */
  readonly database: pulumi.Input<Database>;
  /** The Prisma project, as paths where the stages run. */
  readonly project: Project;
  /** URL of the backup store. */
  readonly store: pulumi.Input<string>;
  readonly settings: pulumi.Input<Settings>;
  /** Where the stages run. */
  readonly runner: Runner;
}

/**
 * preflight → backup → rehearse → migrate → verify, each a Command that depends on the one before and is fed with its result.
 * A stage that fails stops the update; what it left is said in its message.
 */
export class MigrationPipeline extends pulumi.ComponentResource {
  readonly preflight: pulumi.Output<PreflightResult>;
  readonly backup: pulumi.Output<BackupResult>;
  readonly rehearse: pulumi.Output<RehearseResult>;
  readonly migrate: pulumi.Output<MigrateResult>;
  readonly verify: pulumi.Output<VerifyResult>;

  constructor(name: string, args: MigrationPipelineArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:index:MigrationPipeline", name, {}, options);
    const base = {
      environment: args.environment,
      run: args.run,
      database: args.database,
      project: args.project,
      store: args.store,
      // The list of approvals may be long, each request is kept in the state, and only preflight asks for it.
      settings: pulumi
        .output(args.settings)
        .apply((settings) => ({ ...settings, risk: { ...settings.risk, approvals: [] } })),
    };
    // Being fed with the result of the stage before is what makes each Command depend on it.
    const stage = (stageName: string, more: Record<string, pulumi.Input<unknown>>) =>
      args.runner.stage(`${name}-${stageName}`, { stage: stageName, request: { ...base, ...more } }, { parent: this });

    this.preflight = stage("preflight", { settings: args.settings }).apply((result) => preflightResult.parse(result));
    this.backup = stage("backup", { preflight: this.preflight }).apply((result) => backupResult.parse(result));
    this.rehearse = stage("rehearse", { preflight: this.preflight, backup: this.backup }).apply((result) =>
      rehearseResult.parse(result),
    );
    this.migrate = stage("migrate", { backup: this.backup, rehearsal: this.rehearse }).apply((result) =>
      migrateResult.parse(result),
    );
    this.verify = stage("verify", {
      preflight: this.preflight,
      backup: this.backup,
      rehearsal: this.rehearse,
      migrate: this.migrate,
    }).apply((result) => verifyResult.parse(result));
    this.registerOutputs({
      preflight: this.preflight,
      backup: this.backup,
      rehearse: this.rehearse,
      migrate: this.migrate,
      verify: this.verify,
    });
  }
}
