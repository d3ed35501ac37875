import { openSchemaDiff } from "../../../pipeline/prisma/schemaDiff.js";
import { highest } from "../../../pipeline/risk/assess.js";
import type { MigrationSource, Tier } from "../../../pipeline/risk/types.js";
import { type Schema, copy, differing, render } from "./model.js";
import { byHandSteps } from "./byHand.js";
import { changingSteps } from "./changing.js";
import { growingSteps } from "./growing.js";
import { type Step, newModel } from "./parts.js";
import { Random } from "./random.js";

const stepKinds = [...growingSteps, ...changingSteps, ...byHandSteps];

/** A migration of the made history. */
export interface MadeMigration extends MigrationSource {
  /** The least that it must be called, by what was put into it. */
  readonly least: Tier;
}

/**
 * Makes a history as a healthy project has one: two thirds of its changes are new tables, fields, indexes and values of enums. Most of
 * the SQL is what Prisma writes for a changed schema, some is written by hand. Shares are those of thirteen public histories.
 *
 * @param count number of migrations
 * @param seed the same seed makes the same history
 */
export async function makeHistory(count: number, seed = 1): Promise<MadeMigration[]> {
  const random = new Random(seed);
  const diff = await openSchemaDiff();
  let schema: Schema = { models: [], enums: [] };
  const made: MadeMigration[] = [];
  for (let number = 0; number < count; number += 1) {
    const steps = number === 0 ? [initial(random)] : chooseSteps(schema, random);
    const before = copy(schema);
    // What is written by hand is done before what Prisma is asked for.
    for (const { edit, byHand } of steps) if (byHand === true) edit?.(before);
    const after = copy(before);
    for (const { edit, byHand } of steps) if (byHand !== true) edit?.(after);
    const [from, to] = differing(before, after);
    const written = steps.some(({ byHand }) => byHand !== true) ? await diff(render(from), render(to)) : "";
    const prisma = written.includes("This is an empty migration") ? "" : written;
    const byHand = steps.flatMap(({ sql }) => (sql === undefined ? [] : [sql]));
    const first = steps.filter(({ byHand: own }) => own === true).flatMap(({ sql }) => sql ?? []);
    const rest = byHand.filter((sql) => !first.includes(sql));
    const name = `${20200101000000 + number}_change`;
    made.push({
      name,
      path: `${name}/migration.sql`,
      sql: `${[...first, prisma.trim(), ...rest].filter(Boolean).join("\n\n")}\n`,
      least: highest(steps.map(({ least }) => least)),
    });
    schema = after;
  }
  return made;
}

function initial(random: Random): Step {
  return {
    least: "safe",
    edit(after) {
      for (let count = 0; count < 12; count += 1) after.models.push(newModel(after, random));
    },
  };
}

/** Mostly one change a migration; new things often come together. */
function chooseSteps(schema: Schema, random: Random): Step[] {
  const first = choose(schema, random, stepKinds);
  if (first.byHand === true || !random.chance(0.35)) return [first];
  const grown = copy(schema);
  first.edit?.(grown);
  const more = choose(
    grown,
    random,
    stepKinds.filter(({ benign }) => benign === true),
  );
  return [first, more];
}

function choose(schema: Schema, random: Random, kinds: typeof stepKinds): Step {
  for (;;) {
    const step = random.weighted(kinds).make(schema, random);
    if (step !== undefined) return step;
  }
}
