import type { Change, ChangeKind, ChangeOf } from "./change.js";
import type { RuleContext } from "./ruleContext.js";
import type { Effect, Tier } from "./types.js";

/** What a rule found. What is left out is as the rule says. */
export interface Match {
  /** What the statement does, naming what it does it to. */
  readonly message: string;
  readonly tier?: Tier;
  readonly effects?: readonly Effect[];
  readonly safer?: string;
  /** What could not be known, and would change the tier. */
  readonly unknowns?: readonly string[];
}

/** What a rule tells people about itself; its page is made from it. */
export interface RuleText {
  /** Small letters and dashes; the name of its file and its page. */
  readonly id: string;
  readonly title: string;
  /** The tier where nothing more is known. */
  readonly tier: Tier;
  readonly effects: readonly Effect[];
  /** What happens, for how long, and to whom. */
  readonly reason: string;
  /** The way to do it that avoids the risk. */
  readonly safer: string;
  /** PostgreSQL versions it holds for. */
  readonly versions: string;
  /** Where the rule comes from: rows of the table of risks, the seed's lists, PostgreSQL's manual. */
  readonly source: string;
  /** Where it ends: what is close to it and is no risk. */
  readonly boundary: string;
  /** An example that it finds. */
  readonly example: string;
}

export interface Rule extends RuleText {
  readonly on: ReadonlySet<ChangeKind>;
  /** It is asked even of a table that the same migration made: what is done there may reach another. */
  readonly beyondTable: boolean;
  match(this: void, change: Change, context: RuleContext): readonly Match[];
}

interface Definition<K extends ChangeKind> extends RuleText {
  readonly on: readonly K[];
  readonly beyondTable?: boolean;
  match(this: void, change: ChangeOf<K>, context: RuleContext): Match | readonly Match[] | undefined;
}

/** A rule is asked only about the kinds of change that it names. */
export function defineRule<K extends ChangeKind>({ on, match, beyondTable = false, ...text }: Definition<K>): Rule {
  const kinds: ReadonlySet<ChangeKind> = new Set<ChangeKind>(on);
  const isOurs = (change: Change): change is ChangeOf<K> => kinds.has(change.kind);
  return {
    ...text,
    on: kinds,
    beyondTable,
    match(change, context) {
      const found = isOurs(change) ? match(change, context) : undefined;
      return found === undefined ? [] : "message" in found ? [found] : found;
    },
  };
}
