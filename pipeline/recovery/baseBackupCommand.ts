/**
 * What makes a base backup on a host, as words. The host's sudoers let the pipeline's account call it as `postgres` in these very
 * words: another one is for hosts that are set up from then on.
 */
export function baseBackupCommand(stanza: string): string[] {
  return ["/usr/bin/pgbackrest", `--stanza=${stanza}`, "--type=incr", "backup"];
}

/** The line of a sudoers file that lets an account do so. */
export function mayMakeBaseBackups(account: string, stanza: string): string {
  // There, an = in an argument has a meaning of its own.
  return `${account} ALL=(postgres) NOPASSWD: ${baseBackupCommand(stanza).join(" ").replaceAll("=", "\\=")}`;
}
