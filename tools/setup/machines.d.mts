/** Why a process can make no machines of its own, as the hosts tests and the demo need them, whatever is installed. */
export function whyNoMachines(process: {
  readonly platform: string;
  readonly uid: number | undefined;
  /** Its `/proc/self/status`. */
  readonly status: string;
}): string | undefined;
/** The same, of this process. */
export function noMachinesHere(): string | undefined;
