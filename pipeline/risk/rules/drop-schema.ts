import { defineRule } from "../rule.js";

export const dropSchema = defineRule({
  id: "drop-schema",
  title: "Schema or database is dropped",
  tier: "dangerous",
  effects: ["drop", "loss", "breaks", "irreversible"],
  reason: "Everything in it is gone: with CASCADE without a list of what that is.",
  safer:
    "Drop what is in it table by table, each in a migration that is looked at; a database is never dropped by a migration.",
  versions: "all",
  source: "RISKS 33; seed: Cambios estructurales mayores",
  boundary: "A schema without CASCADE must be empty, or the statement fails; it is dangerous all the same.",
  example: `DROP SCHEMA "legacy" CASCADE;`,
  on: ["drop", "dropDatabase"],
  match(change, context) {
    if (change.kind === "dropDatabase") return { message: `Database "${change.name}" is dropped.` };
    if (change.object !== "schema") return undefined;
    const { name, cascade } = change;
    const inside = [...context.state.tables.values()].filter(({ schema }) => schema === name.name);
    const drops = cascade && (!context.state.certain || inside.some((table) => !context.isNew(table)));
    const known = inside.length === 0 ? "" : ` (${inside.length} known tables)`;
    return {
      message: `Schema "${name.name}" is dropped${cascade ? ` with everything in it${known}` : ""}.`,
      ...(drops ? {} : { effects: ["breaks", "irreversible"] }),
    };
  },
});
