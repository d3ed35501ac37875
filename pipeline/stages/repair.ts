import type { StageContext } from "../context.js";
import type { RepairRequest, RepairResult } from "../contracts.js";
import { applyRepair } from "../diagnosis/applyRepair.js";
import { examine } from "../diagnosis/examine.js";
import type { Found } from "../diagnosis/found.js";
import { repairOrder } from "../diagnosis/repairOrder.js";
import { PipelineError } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { withPipelineLock } from "../postgres/pipelineLock.js";
import { assertWritable } from "../postgres/writable.js";
import { backup } from "./backup.js";
import { stamp } from "./stamp.js";

type Step = RepairResult["steps"][number];

/**
 * Mends what `diagnose` finds and a program can mend. Unless told to apply it, only shows the plan. A backup is made before the
 * first step; each is a transaction of its own, so that one that fails leaves the others, and running it again is safe.
 *
 * @throws PipelineError where it cannot begin, or the run is stopped.
 */
export async function repair(request: RepairRequest, context: StageContext): Promise<RepairResult> {
  const started = Date.now();
  const { log } = context;
  const found = await examine(request, context);
  const plan = inOrder(found.findings);
  const left = (findings: readonly Found[]) => findings.map(({ repair: _repair, ...finding }) => finding);
  const base = { stage: "repair", ...stamp(request, started) } as const;
  if (!request.apply || plan.length === 0) {
    const steps = plan.map((one): Step => ({ ...stepOf(one), outcome: "planned", durationMs: 0 }));
    log.info(plan.length === 0 ? "there is nothing to mend" : `${plan.length} step(s) are planned; --apply does them`);
    const others = found.findings.filter((finding) => finding.repair === undefined);
    return { ...base, ...stamp(request, started), applied: false, steps, left: left(others) };
  }
  await withClient(request.database, { applicationName: "safe-migration repair" }, assertWritable);
  const made = await backup(request, context);
  const steps = await withPipelineLock(request.database, "repair", () => applyAll(plan, request, context));
  const after = await examine(request, context);
  return { ...base, ...stamp(request, started), applied: true, backup: made.id, steps, left: left(after.findings) };
}

/** It is not tried again; and autovacuum gives way only to what has waited for `deadlock_timeout`, a second by default. */
const leastLockTimeoutMs = 2_000;

async function applyAll(plan: readonly Planned[], request: RepairRequest, context: StageContext): Promise<Step[]> {
  const { log, signal } = context;
  const steps: Step[] = [];
  for (const one of plan) {
    if (signal.aborted) throw stopped(steps);
    const begun = Date.now();
    const lockTimeoutMs = Math.max(request.settings.migrate.lockTimeoutMs, leastLockTimeoutMs);
    const reason = await applyRepair(request.database, one.repair, lockTimeoutMs, signal);
    const step = stepOf(one);
    if (reason === undefined) log.info(`${one.repair.what}: done`);
    else log.warn(`${one.repair.what}: failed, and left as it was: ${reason}`);
    const outcome = reason === undefined ? { outcome: "done" as const } : { outcome: "failed" as const, reason };
    steps.push({ ...step, ...outcome, durationMs: Date.now() - begun });
  }
  return steps;
}

type Planned = Found & { readonly repair: NonNullable<Found["repair"]> };

function inOrder(findings: readonly Found[]): Planned[] {
  const planned = findings.filter((finding): finding is Planned => finding.repair !== undefined);
  return planned.sort((a, b) => repairOrder.indexOf(a.check) - repairOrder.indexOf(b.check));
}

function stepOf({ check, message, repair: step }: Planned): Pick<Step, "check" | "message"> & Planned["repair"] {
  return { check, message, ...step };
}

function stopped(steps: readonly Step[]): PipelineError {
  const done = steps.filter(({ outcome }) => outcome === "done");
  return new PipelineError({
    code: "INTERRUPTED",
    kind: "interrupted",
    message: "The repair was stopped before its end.",
    state: done.length === 0 ? "Nothing was changed." : `Done, and kept: ${done.map(({ what }) => what).join("; ")}.`,
    next: "Run the same command again: it plans what is left.",
  });
}
