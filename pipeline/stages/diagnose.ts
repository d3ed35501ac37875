import type { StageContext } from "../context.js";
import type { DiagnoseRequest, DiagnoseResult } from "../contracts.js";
import { examine } from "../diagnosis/examine.js";
import { stamp } from "./stamp.js";

/**
 * The plan's first step when data is corrupt: looks at everything that can be wrong with the database and with what it could be
 * brought back from, and says what mends it. Only reads. What is found is the result, not a failure.
 */
export async function diagnose(request: DiagnoseRequest, context: StageContext): Promise<DiagnoseResult> {
  const started = Date.now();
  const { looked, findings } = await examine(request, context);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  for (const { check, severity, message, remedy } of findings)
    context.log[severity === "error" ? "error" : "warn"](`${check}: ${message}`, { remedy });
  if (findings.length === 0) context.log.info(`nothing is wrong: ${looked.join(", ")}`);
  return {
    stage: "diagnose",
    ...stamp(request, started),
    looked,
    errors,
    warnings: findings.length - errors,
    findings,
  };
}
