import { hostPaths } from "../../config/hostPaths.js";

/**
 * Waits on a host until its user data is done, and says each step as it begins. Where a step failed or takes too long, it ends
 * with exit code 1 and the step's log.
 *
 * @param seconds how long it waits at most
 */
export function waitScript(seconds: number): string {
  return `set -u
told=
while :; do
  step=
  code=
  read -r state step code <${hostPaths.status} 2>/dev/null || state=none
  [ "$state" != 'done' ] || { echo '{"status":"done"}'; exit 0; }
  [ "$state $step" = "$told" ] || echo "host: \${state} \${step}" >&2
  told="$state $step"
  reason=
  [ "$state" != failed ] || reason="User data failed at step \\"$step\\" (exit code $code)."
  [ "$SECONDS" -lt ${seconds} ] || reason="User data is not done after ${seconds} s; it is at step \\"$step\\"."
  if [ -n "$reason" ]; then
    {
      echo "$reason The end of its log, ${hostPaths.logs}/$step.log:"
      tail -n 40 "${hostPaths.logs}/$step.log" 2>/dev/null | cut -c 1-500 | sed 's/^/  /'
      echo "State: no stage of the pipeline has run. What is on the data volume is as it was, or as the log says."
      echo "Next:  mend the cause, then run ${hostPaths.script} on the host as root (it begins anew, without harm), or replace the"
      echo "       instance (the data volume stays); then pulumi up again."
    } >&2
    exit 1
  fi
  sleep 0.5
done
`;
}
