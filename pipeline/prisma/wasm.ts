import { readFile } from "node:fs/promises";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";
import { messageOf } from "../errors.js";
import { schemaEngineWasm } from "./wasmFiles.js";

/** Prisma's schema engine, compiled to WebAssembly. */
export interface SchemaEngineModule {
  readonly SchemaEngine: typeof glue.SchemaEngine;
  readonly version: typeof glue.version;
  /** Rejected when the engine stops working: a promise that it owes is then never settled. */
  readonly panicked: Promise<never>;
}

/** The part of the global that is used here; Node's types leave it to the browser's. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

let loading: Promise<SchemaEngineModule> | undefined;

/** Loads the schema engine once for each process (25 ms); anew after it stopped working. */
export function loadSchemaEngine(): Promise<SchemaEngineModule> {
  loading ??= instantiate();
  return loading;
}

async function instantiate(): Promise<SchemaEngineModule> {
  let reason = "";
  let onPanic: (error: unknown) => void = () => undefined;
  const panicked = new Promise<never>((_, reject) => {
    onPanic = (error) => {
      loading = undefined;
      reject(new Error(`Prisma's schema engine stopped working: ${reason === "" ? messageOf(error) : reason}`));
    };
  });
  // Whoever works with the engine waits for this too; where nobody does, nobody is told.
  panicked.catch(() => undefined);
  // The engine hands over its last message in this global, by this name.
  Reflect.set(globalThis, "PRISMA_WASM_PANIC_REGISTRY", { set_message: (message: string) => (reason = message) });

  const imports = Object.entries(glue).map(([name, value]) => [name, adapt(name, value, onPanic)] as const);
  const { instance } = await WebAssembly.instantiate(await readFile(schemaEngineWasm()), {
    "./schema_engine_bg.js": Object.fromEntries(imports),
  });
  glue.__wbg_set_wasm(instance.exports);
  const start = instance.exports["__wbindgen_start"];
  if (typeof start === "function") Reflect.apply(start, undefined, []);
  return { SchemaEngine: glue.SchemaEngine, version: glue.version, panicked };
}

/** The functions that the engine is given, two of them tamed. */
function adapt(name: string, value: unknown, onPanic: (error: unknown) => void): unknown {
  if (typeof value !== "function") return value;
  if (name.startsWith("__wbg_setTimeout")) return (...args: unknown[]) => unref(Reflect.apply(value, undefined, args));
  if (name.startsWith("__wbg_queueMicrotask")) {
    return (...args: unknown[]): unknown =>
      Reflect.apply(
        value,
        undefined,
        args.map((arg) => guarded(arg, onPanic)),
      );
  }
  return value;
}

/** The engine's timers (10 s for a lock) outlive its work and would keep the process from ending. */
function unref(timer: unknown): unknown {
  if (timer instanceof Object && "unref" in timer && typeof timer.unref === "function")
    Reflect.apply(timer.unref, timer, []);
  return timer;
}

/** What the engine throws in a task of its own nobody could catch: it would end the process. */
function guarded(task: unknown, onPanic: (error: unknown) => void): unknown {
  if (typeof task !== "function") return task;
  return (...args: unknown[]): unknown => {
    try {
      return Reflect.apply(task, undefined, args);
    } catch (error) {
      onPanic(error);
      return undefined;
    }
  };
}
