/** Aborted by SIGINT, SIGTERM or SIGHUP; a second signal of a kind ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, () => controller.abort(new Error(name)));
  }
  return controller.signal;
}
