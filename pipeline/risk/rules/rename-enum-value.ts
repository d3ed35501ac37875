import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const renameEnumValue = defineRule({
  id: "rename-enum-value",
  title: "Value of an enum is renamed",
  tier: "risky",
  effects: ["breaks"],
  reason: "The running application writes and reads the old value, and fails from the moment the migration commits.",
  safer:
    "Keep the value in the database and rename in Prisma alone (@map). Or add the new value, write it, convert the rows, and drop the old one releases later.",
  versions: "10 and later",
  source: "RISKS 39",
  boundary: "A value of an enum that this migration creates may be renamed.",
  example: `ALTER TYPE "Role" RENAME VALUE 'USER' TO 'MEMBER';`,
  on: ["renameEnumValue"],
  match({ type, from, to }, context) {
    if (context.isNew(context.state.type(type))) return undefined;
    return { message: `Value '${from}' of enum ${show(type)} is renamed to '${to}'.` };
  },
});
