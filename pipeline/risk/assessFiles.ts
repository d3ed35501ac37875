import { assessMigrations } from "./assess.js";
import type { FileToJudge } from "./files.js";
import type { FileRisk, RiskOptions } from "./types.js";

/** Judges files after their histories, one pass over each folder; the results are in the order of the files. */
export async function assessFiles(files: readonly FileToJudge[], options: RiskOptions): Promise<FileRisk[]> {
  const folders = new Map<string, Map<string, FileRisk>>();
  for (const { folder, history } of files) {
    if (folder === undefined || history === undefined || folders.has(folder)) continue;
    const wanted = new Set(files.filter((file) => file.folder === folder).map(({ source }) => source.name));
    const known = history.filter(({ name }) => wanted.has(name));
    const risks = await assessMigrations(history, wanted, options);
    folders.set(folder, new Map(known.map(({ name }, at) => [name, risks[at] ?? missing(name)])));
  }
  const judged: FileRisk[] = [];
  for (const file of files) {
    const inFolder = file.folder === undefined ? undefined : folders.get(file.folder)?.get(file.source.name);
    judged.push(inFolder === undefined ? await alone(file, options) : { ...inFolder, file: file.source.path });
  }
  return judged;
}

async function alone({ source, history }: FileToJudge, options: RiskOptions): Promise<FileRisk> {
  const before = (history ?? []).filter(({ name }) => name !== source.name);
  const whole = { ...options, wholeHistory: history !== undefined };
  const [risk] = await assessMigrations([...before, source], new Set([source.name]), whole);
  return risk ?? missing(source.name);
}

function missing(name: string): never {
  throw new Error(`no verdict on ${name}`);
}
