import { defineRule } from "../rule.js";

export const transactionControl = defineRule({
  id: "transaction-control",
  title: "Transaction control in the migration",
  tier: "risky",
  effects: ["fails"],
  reason:
    "A COMMIT in the file ends the transaction that the migration runs in: what follows is applied by itself, and a failure leaves a part of it behind.",
  safer: "Leave BEGIN and COMMIT out: the migration is one transaction anyway.",
  versions: "all",
  source: "RISKS 48",
  boundary:
    "This pipeline takes plain pairs of BEGIN and COMMIT out (Prisma writes them round the swap of an enum); other tools do not.",
  example: `BEGIN;\nALTER TABLE "User" ADD COLUMN "a" INTEGER;\nCOMMIT;`,
  on: ["transaction"],
  match({ what }) {
    if (what === "SAVEPOINT" || what === "RELEASE") return undefined;
    if (what === "ROLLBACK TO")
      return { message: "ROLLBACK TO takes back what was read before it: what follows is judged as if it stood." };
    return { message: `${what} inside the migration: it may be applied in part.` };
  },
});
