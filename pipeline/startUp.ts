import { setFlagsFromString } from "node:v8";

/**
 * What makes a stage start sooner. Imported for its effects, before anything that holds WebAssembly or connects.
 *
 * V8 compiles a function of WebAssembly anew, optimised, once it has run a little. A stage runs for a second or two: optimising
 * Prisma's engine and parser took more than half of its processor time and never paid back. What really runs long (a
 * migration of many thousand statements) is still optimised.
 */
setFlagsFromString("--wasm-tiering-budget=1000000000");

// pg asks whether it runs in Cloudflare's workers: by the navigator, which Node has from version 21 on, or else by having all
// of fetch loaded, which takes longer than connecting.
if (!("navigator" in globalThis)) {
  const userAgent = `Node.js/${process.versions.node.split(".")[0] ?? ""}`;
  Object.defineProperty(globalThis, "navigator", { value: { userAgent }, configurable: true, writable: true });
}
