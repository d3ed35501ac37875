import type { ChangeOf } from "./change.js";
import { bareName, isBuiltIn, isOfKnownSchema } from "./functions.js";

/** A function as the history creates it. */
export interface KnownFunction extends Pick<ChangeOf<"createFunction">, "body" | "definition" | "definer"> {
  volatile: boolean;
  readonly madeBy: number;
}

/** The functions that the history creates, those of one name together: a call does not tell which of them it means. */
export class Functions {
  readonly #known = new Map<string, Map<string, KnownFunction>>();

  create({ name, signature, volatile, body, definition, definer }: ChangeOf<"createFunction">, madeBy: number): void {
    const own = this.#known.get(name.name) ?? new Map<string, KnownFunction>();
    this.#known.set(name.name, own.set(signature, { volatile, body, definition, definer, madeBy }));
  }

  /** @param signature undefined: there is but one of the name, or all are meant */
  drop(name: string, signature: string | undefined): void {
    const own = this.#known.get(name);
    if (signature === undefined || own === undefined) this.#known.delete(name);
    else own.delete(signature);
    if (own?.size === 0) this.#known.delete(name);
  }

  rename(from: string, to: string): void {
    const own = this.#known.get(from);
    if (own === undefined) return;
    this.#known.delete(from);
    this.#known.set(to, new Map([...(this.#known.get(to) ?? []), ...own]));
  }

  named(name: string): readonly KnownFunction[] {
    return [...(this.#known.get(name)?.values() ?? [])];
  }

  exact(name: string, signature: string): KnownFunction | undefined {
    return this.#known.get(name)?.get(signature);
  }

  /** Whether it cannot be told that a call changes nothing but, at most, a sequence. */
  isOutOfSight(name: string): boolean {
    return this.#unseen(name, new Set(), (known) => known.volatile);
  }

  /** Likewise of a function that a trigger or a default calls: most are volatile by nature, so that only the body tells. */
  isBodyOutOfSight(name: string): boolean {
    return this.#unseen(name, new Set(), () => false);
  }

  #unseen(name: string, asked: Set<string>, refuse: (known: KnownFunction) => boolean): boolean {
    const bare = bareName(name);
    if (asked.has(bare)) return false;
    asked.add(bare);
    const own = this.named(bare);
    if (own.length === 0) return !isBuiltIn(bare.toLowerCase()) || !isOfKnownSchema(name);
    // A function that is declared STABLE may still call one that writes.
    return own.some(
      (known) =>
        refuse(known) ||
        known.body.acts ||
        known.body.calls.some((call) => this.#unseen(call, asked, ({ volatile }) => volatile)),
    );
  }
}
