/** What Pulumi's CLI said, of an error of the Automation API: its message is the command line with both streams. */
export function saidBy(error: Error): string {
  const stderr = /stderr: ([\s\S]*?)\n\s*(?:err\?: |$)/.exec(error.message)?.[1] ?? error.message;
  return stderr.replace(/^Command failed with exit code[^\n]*\n/, "").trim();
}
