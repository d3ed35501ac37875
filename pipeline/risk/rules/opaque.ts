import { bareName, isWaiting } from "../functions.js";
import type { ChangeOf, TriggerEvent, WriteVerb } from "../change.js";
import { type Name, show } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import type { Effect } from "../types.js";
import { type Match, defineRule } from "../rule.js";

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
    "CREATE FUNCTION is safe; so is a call of one that comes with PostgreSQL and changes no table, or that is declared IMMUTABLE or STABLE and calls only such. A row written to a table with a trigger is as dangerous as the trigger's function, unless its body can be seen to do nothing but set values of that row.",
  example: `DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'x'; END $$;`,
  on: ["opaque", "callsFunctions", "insert", "write"],
  beyondTable: true,
  match(change, context) {
    if (change.kind === "insert" || change.kind === "write") return firedBy(change, context);
    if (change.kind === "callsFunctions") {
      const unseen = change.functions.filter(
        (name) => !isWaiting(bareName(name)) && context.state.functions.isOutOfSight(name),
      );
      // Only one that the history makes can be meant by such a name.
      const { functions } = context.state;
      unseen.push(
        ...change.attributes.filter((name) => functions.named(name).length > 0 && functions.isOutOfSight(name)),
      );
      return unseen.length === 0
        ? undefined
        : { message: `It cannot be seen what ${unseen.map((name) => `${name}()`).join(", ")} does.` };
    }
    const known = effectsInside(change, context);
    return { message: `${change.what}: it cannot be seen what it does.`, effects: ["opaque", ...known] };
  },
});

const eventsOf: Readonly<Record<WriteVerb, readonly TriggerEvent[]>> = {
  UPDATE: ["update"],
  DELETE: ["delete"],
  MERGE: ["insert", "update", "delete"],
  "INSERT … ON CONFLICT DO UPDATE": ["insert", "update"],
};

/** What a written row sets off: triggers, rules, and functions in a default or a CHECK. */
function firedBy(change: ChangeOf<"insert" | "write">, context: RuleContext): Match | undefined {
  const { state } = context;
  const { table } = change;
  const events = change.kind === "insert" ? (["insert"] as const) : eventsOf[change.verb];
  const fired = state.triggersOf(table).filter((trigger) => trigger.events.some((event) => events.includes(event)));
  const unseen = fired.filter(
    (trigger) => trigger.function === undefined || state.functions.isBodyOutOfSight(dottedName(trigger.function)),
  );
  const called = [...(context.knownTable(table)?.rowCalls ?? [])].filter((name) =>
    state.functions.isBodyOutOfSight(name),
  );
  if (unseen.length === 0 && called.length === 0) return undefined;
  const names = [...unseen.map(({ name }) => `"${name}"`), ...called.map((name) => `${name}()`)].join(", ");
  return { message: `A row written to ${show(table)} sets off ${names}: it cannot be seen what that does.` };
}

function dottedName({ schema, name }: Name): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

/** What can be read in it, or what its text speaks of. */
function effectsInside(change: ChangeOf<"opaque">, context: RuleContext): Effect[] {
  return [...new Set<Effect>([...change.hints, ...context.effectsOf(change.inner)])];
}
