/** Tells a person something, beside what is printed as the result. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
