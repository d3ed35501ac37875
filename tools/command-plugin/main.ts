import { CommandServer } from "./server";

/** The engine's address: the first argument that is no flag (`--tracing` takes a value). */
function engineAddress(args: readonly string[]): string | undefined {
  return args.find((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--tracing");
}

const server = new CommandServer(engineAddress(process.argv.slice(2)));
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
    process.stderr.write(`command provider: cannot listen: ${String(error)}\n`);
    process.exit(1);
  },
);
