import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** The page whose configuration and commands tests follow word by word. */
export class AdoptPage {
  private constructor(private readonly text: string) {}

  static async read(): Promise<AdoptPage> {
    return new AdoptPage(await readFile(join(resolve(__dirname, "../.."), "docs/adopt.md"), "utf8"));
  }

  /** The blocks of code of a section, by its number, in their order. @throws Error where there are fewer than `count`. */
  blocks(section: number, language: string, count: number): string[] {
    const [, ofSection = ""] = new RegExp(`\\n## ${section}\\.([^]*?)(\\n## |$)`).exec(this.text) ?? [];
    const found = [...ofSection.matchAll(new RegExp(`\\n\`\`\`${language}\\n([^]*?)\`\`\``, "g"))].map(
      ([, block = ""]) => block,
    );
    if (found.length < count)
      throw new Error(`docs/adopt.md, ${section}: ${found.length} blocks of ${language}, not ${count}`);
    return found;
  }
}
