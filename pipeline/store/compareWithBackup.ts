import { type Difference, type Fingerprints, compareFingerprints } from "../postgres/fingerprints.js";
import type { Manifest } from "./manifest.js";

/**
 * What differs between what a backup was made of and what came back of it, in all that can come back: what is unlogged is in a dump, and
 * in no log.
 */
export function compareWithBackup(
  { fingerprints, physical }: Pick<Manifest, "fingerprints" | "physical">,
  actual: Fingerprints,
): Difference[] {
  const lost = new Set(physical?.unlogged);
  const comparable = (all: Fingerprints): Fingerprints => ({
    ...all,
    tables: all.tables.filter(({ schema, name }) => !lost.has(`${schema}.${name}`)),
    sequences: all.sequences.filter(({ schema, name }) => !lost.has(`${schema}.${name}`)),
  });
  return lost.size === 0
    ? compareFingerprints(fingerprints, actual)
    : compareFingerprints(comparable(fingerprints), comparable(actual));
}
