/** A part of what runs could not be built from the checkout. */
export class BuildError extends Error {
  readonly state = "Nothing was touched.";
  readonly next: string;

  constructor(what: string, reason: string, source: string) {
    super(`${what} could not be built from ${source}:\n${reason}`);
    this.name = "BuildError";
    this.next = `Mend ${source}, then run the same command.`;
  }
}
