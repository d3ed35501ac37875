import { z } from "zod";

const state = z.object({
  deployment: z
    .object({ resources: z.array(z.object({ urn: z.string(), protect: z.boolean().optional() })).optional() })
    .nullish(),
});

/** The URNs of a stack's protected resources, from its exported state. */
export function protectedIn(text: string): string[] {
  const { deployment } = state.parse(JSON.parse(text));
  return (deployment?.resources ?? []).filter(({ protect }) => protect === true).map(({ urn }) => urn);
}

/** Why a stack with protected resources is not destroyed, and how to go about it all the same. */
export function describeProtected(stack: string, urns: readonly string[]): string {
  const names = urns.map((urn) => `  ${urn.split("$").pop()?.split("::")[0] ?? ""} ${urn.split("::").pop() ?? ""}`);
  return (
    `The stack ${stack} has protected resources, so nothing of it is destroyed:\n${names.join("\n")}\n` +
    `Nothing was touched. If you mean it, take the protection off first: pulumi state unprotect --all --stack ${stack}; then run the same command. What holds data is left in AWS even then.`
  );
}
