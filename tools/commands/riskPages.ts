import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rulePages } from "../../pipeline/risk/output/pages.js";

/** `npm run docs:risks`: writes the page of each rule anew, and takes away those of rules that are gone. */

const folder = path.resolve(__dirname, "../../docs/risks");
/** Written by hand. */
const own: ReadonlySet<string> = new Set(["squawk.md"]);

const pages = rulePages();
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!pages.has(name) && !own.has(name)) rmSync(path.join(folder, name));
for (const [name, text] of pages) writeFileSync(path.join(folder, name), text);
process.stdout.write(`${pages.size} pages in ${path.relative(process.cwd(), folder)}\n`);
