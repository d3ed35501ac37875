import { z } from "zod";

/** The command line of Prisma's schema engine, as Prisma 7's CLI writes it. */
export interface EngineArguments {
  /** Paths of the Prisma schema's files. */
  readonly datamodels: readonly string[];
  /** Connection URL, if one was given. */
  readonly url: string | undefined;
  /** `serve`: requests on standard input. */
  readonly mode: "serve" | "version" | "can-connect-to-database" | "create-database" | "drop-database";
}

const datasource = z.object({ url: z.string().optional() });
const commands = z.enum(["can-connect-to-database", "create-database", "drop-database"]);

/** @throws Error for an argument that the engine does not know. */
export function parseArguments(args: readonly string[]): EngineArguments {
  const datamodels: string[] = [];
  let url: string | undefined;
  let mode: EngineArguments["mode"] = "serve";
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    switch (arg) {
      case "-V":
      case "--version":
        mode = "version";
        break;
      case "-d":
      case "--datamodels":
        datamodels.push(valueOf(arg, rest));
        break;
      case "--datasource":
        url = datasource.parse(JSON.parse(valueOf(arg, rest))).url;
        break;
      // The WebAssembly engine has no preview features and no extension types to be told of.
      case "--enabled-preview-features":
      case "--extension-types":
        valueOf(arg, rest);
        break;
      case "cli":
        mode = commands.parse(valueOf(arg, rest));
        break;
      default:
        throw new Error(`schema engine: unknown argument "${arg}"`);
    }
  }
  return { datamodels, url, mode };
}

function valueOf(name: string, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new Error(`schema engine: "${name}" lacks its value`);
  return value;
}
