/** A provider as the engine starts it: a process that listens on a port, and ends when the engine does. */
export interface Served {
  /** Listens on a port of the loopback interface, and returns it. */
  listen(): Promise<number>;
  /** Stops everything that runs. */
  cancelAll(): void;
}

/** The engine's address: the first argument that is no flag (`--tracing` takes a value). */
function engineAddress(args: readonly string[]): string | undefined {
  return args.find((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--tracing");
}

/**
 * Serves a provider until the engine ends it.
 *
 * @param name of the package, for the message where it cannot listen
 */
export function serve(name: string, make: (engine: string | undefined) => Served): void {
  const server = make(engineAddress(process.argv.slice(2)));
  // The engine ends its plugins with a signal; whatever still runs is stopped, and does not outlive the plugin.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      server.cancelAll();
      process.exit(0);
    });
  }
  // An engine that was killed sends no signal: this process is then handed to another parent.
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid === engine) return;
    server.cancelAll();
    process.exit(1);
  }, 1_000).unref();
  server.listen().then(
    // The engine reads the port from the first line of standard output.
    (port) => process.stdout.write(`${port}\n`),
    (error: unknown) => {
      process.stderr.write(`${name} provider: cannot listen: ${String(error)}\n`);
      process.exit(1);
    },
  );
}
