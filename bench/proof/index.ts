import { surroundings, withSample } from "../sample.js";
import { downtimes } from "./downtime.js";
import { proofFigures } from "./figures.js";
import { type Proof, renderProof } from "./render.js";

export interface ProofBenchOptions {
  /** Sizes of the generated databases, in bytes. What an application meets is measured on the first. */
  readonly sizes: readonly number[];
  /** Runs of each figure; the median is shown. */
  readonly repeat: number;
  readonly json: boolean;
}

/** What proving costs: dump, fingerprint, restore, rehearsal, swap; and what an application meets while a migration is applied. */
export async function benchProof({ sizes, repeat, json }: ProofBenchOptions): Promise<void> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const proofs: Proof[] = [];
  for (const [at, size] of sizes.entries())
    proofs.push(
      await withSample({ size, say }, async (sample) => {
        const { bytes, database } = sample;
        say(`the database has ${(bytes / 1e6).toFixed(0)} MB; ${repeat} runs of each`);
        // Before the restores: the copies are made of the database as it was filled.
        const met = at === 0 ? await downtimes(sample, say) : [];
        const figures = await proofFigures(sample, repeat, say);
        return { bytes, around: await surroundings(database), figures, downtimes: met };
      }),
    );
  process.stdout.write(json ? `${JSON.stringify(proofs)}\n` : proofs.map(renderProof).join("\n"));
}
