import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const alterCompositeType = defineRule({
  id: "alter-composite-type",
  title: "Attribute of a composite type is changed",
  tier: "risky",
  effects: ["fails", "breaks"],
  reason: "It is refused while a column has the type, and what reads values of it sees another shape.",
  safer: "Make a new type and move over.",
  versions: "all",
  source: "seed: Cambios estructurales mayores",
  boundary: "A type that this migration makes is safe. With CASCADE typed tables change too: dangerous.",
  example: `ALTER TYPE "address" DROP ATTRIBUTE "zip";`,
  on: ["alterCompositeType"],
  match({ type, cascade, how }, context) {
    if (context.isNew(context.state.type(type))) return undefined;
    const message = `ALTER TYPE ${show(type)} ${how}.`;
    return cascade ? { message, tier: "dangerous", effects: ["rewrite", "drop", "loss", "breaks"] } : { message };
  },
});
