import type { Database, RepairStep } from "../contracts.js";
import { messageOf } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { loadParser, planScript } from "../prisma/plan.js";
import { watchRemains } from "../prisma/remains.js";

/**
 * Does one step: whole or not at all where it is a transaction.
 *
 * @returns why it failed; `undefined`: it is done.
 */
export async function applyRepair(
  database: Database,
  { mode, statements }: RepairStep,
  lockTimeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const options = {
    applicationName: "safe-migration repair",
    // What runs alone waits for the snapshots of everybody, in nobody's way.
    settings: { lock_timeout: mode === "alone" ? "0" : String(lockTimeoutMs), statement_timeout: "0" },
  };
  await loadParser();
  return withClient(database, options, async (client) => {
    const onAbort = () => void client.end();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (mode === "transaction") {
        await client.query("BEGIN");
        for (const statement of statements) await client.query(statement);
        await client.query("COMMIT");
        return undefined;
      }
      for (const statement of statements) {
        const plan = planScript(statement);
        const node = plan.kind === "alone" ? plan.statement.node : undefined;
        const remains = node === undefined ? undefined : await watchRemains(client, node);
        try {
          await client.query(statement);
        } catch (error) {
          await remains?.cleared().catch(() => false);
          throw error;
        }
      }
      return undefined;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => undefined);
      return messageOf(error);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  });
}
