/** Does one piece of work, saying what is done and how long it took. */
export function step<T>(what: string, work: () => Promise<T>): Promise<T>;
