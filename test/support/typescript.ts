import { resolve } from "node:path";

/** What Node is told before the name of a TypeScript file, as npm.mjs does. */
export const typescript = ["--require", resolve(__dirname, "../../tools/loader.cjs")] as const;
