import pc from "picocolors";

/**
 * Colours for a terminal, none for anything else.
 *
 * @param terminal `isTTY` of the stream: one that is no terminal does not have it at all, and picocolors takes `undefined` for
 * "find out", which it answers with yes wherever CI is set.
 */
export function coloursFor(terminal: boolean | undefined): ReturnType<typeof pc.createColors> {
  return pc.createColors(terminal === true && pc.isColorSupported);
}
