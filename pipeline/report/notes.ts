import { z } from "zod";

/** File of a run's folder with what people noted of it. */
export const notesName = "notes.json";

const noteSchema = z.strictObject({ at: z.iso.datetime(), by: z.string().min(1), text: z.string().min(1) });
/** What a person noted of a run: what was learned, what to do otherwise next time. */
export type Note = z.infer<typeof noteSchema>;

/** The notes in a file's text; none where it is missing or damaged. */
export function parseNotes(text: string | undefined): Note[] {
  try {
    return z.array(noteSchema).parse(JSON.parse(text ?? "[]"));
  } catch {
    return [];
  }
}

export function renderNotes(notes: readonly Note[]): string {
  return `${JSON.stringify(notes, null, 2)}\n`;
}
