import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { z } from "zod";
import { type OpenEngine, openEngine } from "../../pipeline/prisma/engine.js";
import { schemaOf } from "../../pipeline/prisma/session.js";
import { loadSchemaEngine } from "../../pipeline/prisma/wasm.js";
import { type ParsedUrl, parseUrl, sameTarget, urlPasswordVariable } from "./databaseUrl.js";
import { type EngineArguments, parseArguments } from "./engineArguments.js";
import { canConnect, createDatabase, dropDatabase } from "./engineCommands.js";
import { toUserFacing } from "./engineError.js";
import { UserFacingError, log } from "./engineLog.js";
import { methodOf } from "./engineMethods.js";
import { databaseFromEnvironment } from "./environment.js";

/**
 * Stands in for Prisma's native schema engine: the command line and the JSON-RPC interface on standard input and output that
 * Prisma 7's CLI uses (`SchemaEngineCLI.ts`, `schemaEngineCommands.ts`), over the WebAssembly engine and the mended adapter.
 */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args);
  switch (parsed.mode) {
    case "version": {
      const { version } = await loadSchemaEngine();
      process.stdout.write(`schema-engine-cli ${version()}\n`);
      return 0;
    }
    case "serve":
      return serve(parsed);
    case "can-connect-to-database":
      return runCommand(() => canConnect(target(parsed).database));
    case "create-database":
      return runCommand(() => createDatabase(target(parsed).database));
    case "drop-database":
      return runCommand(() => dropDatabase(target(parsed).database));
  }
}

/** The database that is meant: as the runner resolved it where the URL is its URL, else as the URL says. */
function target({ url }: EngineArguments): ParsedUrl {
  const parsed = url === undefined ? undefined : parseUrl(url);
  if (parsed === undefined) {
    throw new UserFacingError("P1013", "The datasource URL is missing or is no URL of a PostgreSQL database.");
  }
  const resolved = databaseFromEnvironment();
  if (resolved !== undefined && sameTarget(resolved, parsed.database)) {
    // A configuration of Prisma may name another schema of the same database.
    const { schema } = parsed.database;
    return { ...parsed, database: { ...resolved, ...(schema === undefined ? {} : { schema }) } };
  }
  if (parsed.password !== undefined) process.env[urlPasswordVariable] = parsed.password;
  return parsed;
}

async function runCommand(command: () => Promise<string>): Promise<number> {
  // Prisma's CLI passes over the first line.
  log("INFO", { message: "Starting schema engine CLI" });
  try {
    log("INFO", { message: await command() });
    return 0;
  } catch (error) {
    const { code, message } = toUserFacing(error);
    log("ERROR", { is_panic: false, error_code: code ?? "", message });
    return 1;
  }
}

const requestSchema = z.object({ id: z.union([z.number(), z.string()]), method: z.string(), params: z.unknown() });

async function serve(parsed: EngineArguments): Promise<number> {
  const stop = new AbortController();
  // Prisma's CLI ends the engine by a signal; what is running is then cancelled and rolled back.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  const requests = createInterface({ input: process.stdin });
  stop.signal.addEventListener("abort", () => requests.close());
  let opened: Promise<OpenEngine> | undefined;
  const engine = () => (opened ??= open(parsed, stop.signal));
  let printed = 0;
  const print = (content: string): Promise<void> => {
    send({ jsonrpc: "2.0", id: `print-${++printed}`, method: "print", params: { content } });
    return Promise.resolve();
  };
  let previous: Promise<void> = Promise.resolve();
  const answer = async (line: string): Promise<void> => {
    const request = requestSchema.safeParse(JSON.parse(line));
    // Prisma's CLI acknowledges what was printed by an answer, which is no request.
    if (!request.success) return;
    const { id, method, params } = request.data;
    try {
      const { database } = target(parsed);
      const defaultSchema = schemaOf(database);
      const result = await methodOf(method)(params, { database, defaultSchema, engine, print });
      send({ jsonrpc: "2.0", id, result: result ?? null });
    } catch (error) {
      const { code, message } = toUserFacing(error);
      const data = { is_panic: false, message, meta: null, ...(code === undefined ? {} : { error_code: code }) };
      send({
        jsonrpc: "2.0",
        id,
        error: { code: 4466, message: "An error happened. Check the data field for details.", data },
      });
    }
  };
  requests.on("line", (line) => {
    // One after the other, as they come.
    previous = previous.then(() => answer(line));
  });
  await new Promise<void>((resolve) => requests.once("close", resolve));
  await previous;
  await (await opened)?.close();
  return 0;
}

async function open(parsed: EngineArguments, signal: AbortSignal): Promise<OpenEngine> {
  const { database } = target(parsed);
  const files = await Promise.all(
    parsed.datamodels.map(async (path) => ({ path, content: await readFile(path, "utf8") })),
  );
  return openEngine({ database, defaultSchema: schemaOf(database) }, files.length === 0 ? undefined : files, {
    signal,
  });
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    log("ERROR", { is_panic: false, error_code: "", message: toUserFacing(error).message });
    process.exitCode = 1;
  },
);
