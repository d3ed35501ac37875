import { stripVTControlCharacters } from "node:util";

/** What the engine prints, line by line: shown without its empty progress marks, and read for what failed. */
export class EngineStream {
  #rest = "";
  #blank = true;
  #explained = false;
  #withoutAws = false;
  readonly #failed = new Set<string>();
  readonly #errors: string[] = [];
  readonly #sink: (line: string) => void;

  constructor(sink: (line: string) => void) {
    this.#sink = sink;
  }

  write(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  end(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
  }

  /** The resources that failed, as `type name`, in the order they did. */
  get failed(): readonly string[] {
    return [...this.#failed];
  }

  /** Whether the engine has said what went wrong. */
  get explained(): boolean {
    return this.#explained;
  }

  /** The lines in which errors are said. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** Whether the engine asked for the `aws` plugin in vain. */
  get withoutAws(): boolean {
    return this.#withoutAws;
  }

  #line(line: string): void {
    // Colours are not part of what is said.
    const plain = stripVTControlCharacters(line);
    if (plain.startsWith("@ ")) return;
    if (/\berror: /.test(plain)) this.#explained = true;
    // What a service said may stand on a line of its own below.
    if (this.#explained) this.#errors.push(plain);
    if (plain.includes("no resource plugin 'pulumi-resource-aws' found")) this.#withoutAws = true;
    const failure = /^\s*[-+~]*\s+(\S+:\S+:\S+) (\S+) \*\*\w+ failed\*\*/.exec(plain);
    if (failure !== null) this.#failed.add(`${failure[1] ?? ""} ${failure[2] ?? ""}`);
    const blank = plain.trim() === "";
    if (!(blank && this.#blank)) this.#sink(line);
    this.#blank = blank;
  }
}
