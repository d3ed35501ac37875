import type { ChangeOf } from "../change.js";
import { isBuiltIn } from "../functions.js";
import type { RuleContext } from "../ruleContext.js";
import type { Effect } from "../types.js";
import { defineRule } from "../rule.js";

export const opaque = defineRule({
  id: "opaque",
  title: "What it does cannot be seen",
  tier: "dangerous",
  effects: ["opaque"],
  reason:
    "A DO block, dynamic SQL, a function that writes, a statement of an unknown kind, or SQL that PostgreSQL's parser cannot read: nothing tells what it does before it is run.",
  safer:
    "Write the statements out, each by itself; or rehearse the migration on a restored copy, which shows what it really did.",
  versions: "all",
  source: "RISKS 47",
  boundary:
    "CREATE FUNCTION is safe; so is a call of one that is declared IMMUTABLE or STABLE, or comes with PostgreSQL and changes no table.",
  example: `DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'x'; END $$;`,
  on: ["opaque", "callsFunctions"],
  match(change, context) {
    if (change.kind === "callsFunctions") {
      const unseen = change.functions.filter((name) => cannotSeeInto(name, context));
      return unseen.length === 0
        ? undefined
        : { message: `It cannot be seen what ${unseen.map((name) => `${name}()`).join(", ")} does.` };
    }
    const known = effectsInside(change, context);
    return { message: `${change.what}: it cannot be seen what it does.`, effects: ["opaque", ...known] };
  },
});

function cannotSeeInto(name: string, { state }: RuleContext): boolean {
  const bare = name.slice(name.lastIndexOf(".") + 1);
  const own = state.functions.get(bare);
  return own === undefined ? !isBuiltIn(bare.toLowerCase()) : own.volatile;
}

/** What can be read in it, or what its text speaks of. */
function effectsInside(change: ChangeOf<"opaque">, context: RuleContext): Effect[] {
  return [...new Set<Effect>([...change.hints, ...context.effectsOf(change.inner)])];
}
