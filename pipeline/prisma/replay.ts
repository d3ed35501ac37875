import pg from "pg";
import { type ScriptPlan, type Statement, loadParser, planScript } from "./plan.js";

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
    if (plan.kind !== "alone" && plan.statements.some(({ node }) => "CreateExtensionStmt" in node)) {
      await this.#runWithExtensions(plan.statements);
    } else await this.#runPlan(plan, script);
    // What a file leaves open, or sets (a search path, a role), is not for the files after it.
    await this.#client.query("rollback");
    await this.#client.query("discard all");
  }

  /**
   * An extension that is not "trusted" is made by a superuser, by hand, before its migration is applied; here too, if the
   * pipeline's own role is one. The rest of the file runs as the role that migrations run as.
   */
  async #runWithExtensions(statements: readonly Statement[]): Promise<void> {
    for (const { text, node } of statements) {
      if (!("CreateExtensionStmt" in node) || !(await this.#needsSuperuser(node.CreateExtensionStmt.extname ?? ""))) {
        await this.#client.query(text);
        continue;
      }
      const { rows } = await this.#client.query<{ role: string }>("select current_user::text as role");
      await this.#client.query("set role none");
      await this.#client.query(text);
      await this.#client.query("select set_config('role', $1, false)", [rows[0]?.role]);
    }
  }

  async #needsSuperuser(extension: string): Promise<boolean> {
    const { rows } = await this.#client.query<{ needed: boolean }>(
      `select bool_and(v.superuser and not v.trusted) and
              (select rolsuper from pg_roles where rolname = session_user) as needed
         from pg_available_extension_versions v where v.name = $1`,
      [extension],
    );
    return rows[0]?.needed === true;
  }

  async #runPlan(plan: ScriptPlan, script: string): Promise<void> {
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
        if (plan.kind === "refused" && plan.statements.length === 0) throw new Error(`${plan.reason}. ${plan.remedy}`);
        for (const { text } of plan.statements) await this.#client.query(text);
        break;
    }
  }

  async end(): Promise<void> {
    if (this.#connecting !== undefined) await this.#client.end().catch(() => undefined);
  }
}
