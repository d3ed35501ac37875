/** Where a command prints what a person asked for; standard error is for errors and questions. */
export function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

export function warn(line: string): void {
  process.stderr.write(`${line}\n`);
}
