/**
 * What the stages are asked and what they answer: one JSON request on standard input, one JSON result on standard output.
 * Both sides of the boundary parse with these schemas. Results are kept in Pulumi's state, so they are small and hold no
 * secret: a password appears only as where to find it.
 */
export * from "./contracts/accept.js";
export * from "./contracts/backup.js";
export * from "./contracts/backups.js";
export * from "./contracts/checkpoint.js";
export * from "./contracts/database.js";
export * from "./contracts/diagnose.js";
export * from "./contracts/fill.js";
export * from "./contracts/findBackup.js";
export * from "./contracts/identity.js";
export * from "./contracts/logs.js";
export * from "./contracts/measure.js";
export * from "./contracts/migrate.js";
export * from "./contracts/migrateStatus.js";
export * from "./contracts/migration.js";
export * from "./contracts/notify.js";
export * from "./contracts/physical.js";
export * from "./contracts/preflight.js";
export * from "./contracts/prepare.js";
export * from "./contracts/proved.js";
export * from "./contracts/recover.js";
export * from "./contracts/refresh.js";
export * from "./contracts/rehearse.js";
export * from "./contracts/request.js";
export * from "./contracts/resolve.js";
export * from "./contracts/restore.js";
export * from "./contracts/restorePoint.js";
export * from "./contracts/rollback.js";
export * from "./contracts/settings.js";
export * from "./contracts/targets.js";
export * from "./contracts/statements.js";
export * from "./contracts/status.js";
export * from "./contracts/verdict.js";
export * from "./contracts/verify.js";
export * from "./contracts/window.js";
