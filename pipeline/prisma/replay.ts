import pg from "pg";
import { loadParser, planScript } from "./plan.js";

/**
 * Runs migrations in a shadow database, where nothing is to be protected: what may share a transaction is sent as one, the
 * rest statement by statement.
 */
export class Replay {
  readonly #client: pg.Client;
  #connecting: Promise<unknown> | undefined;

  constructor(config: pg.ClientConfig) {
    this.#client = new pg.Client(config);
    this.#client.on("error", () => undefined);
  }

  async run(script: string): Promise<void> {
    await loadParser();
    await (this.#connecting ??= this.#client.connect());
    const plan = planScript(script);
    switch (plan.kind) {
      case "transaction":
        await this.#client.query(plan.script);
        break;
      case "own-transaction":
        await this.#client.query(script);
        break;
      case "alone":
        await this.#client.query(plan.statement.text);
        break;
      case "statements":
      case "refused":
        for (const { text } of plan.statements) await this.#client.query(text);
        break;
    }
    // What a file sets (a search path, a role) is not for the files after it.
    await this.#client.query("discard all");
  }

  async end(): Promise<void> {
    if (this.#connecting !== undefined) await this.#client.end().catch(() => undefined);
  }
}
