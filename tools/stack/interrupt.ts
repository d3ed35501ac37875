/**
 * Ctrl-C while Pulumi works. The first asks it to stop: it cancels what runs, saves the state and gives the lock back. A
 * second ends it at once. Signals that follow within a second are the same key press, sent on by more than one process.
 */
export class Interrupt {
  readonly #controller = new AbortController();
  #last = 0;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get happened(): boolean {
    return this.#controller.signal.aborted;
  }

  install(say: (message: string) => void): void {
    const onSignal = () => {
      const repeated = Date.now() - this.#last < 1_000;
      if (repeated) return;
      this.#last = Date.now();
      if (!this.happened) {
        say("stopping: what runs is cancelled and the state is saved (Ctrl-C once more ends it at once)");
        this.#controller.abort();
      } else {
        say("ending at once");
        interruptGroup();
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  }
}

/** Reaches Pulumi, which is in this process's group if this process leads one; if not, the terminal has reached it. */
function interruptGroup(): void {
  try {
    process.kill(-process.pid, "SIGINT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
