// What can be fuzzed: something that takes input from outside. An input is text, so that a finding can
// be printed, shrunk, kept in fixtures/corpus and run again.

import type { Random } from "../../words/random.ts";

export interface Surface {
  /** As `--only` says it, and the folder of its corpus. */
  readonly name: string;
  readonly about: string;
  /** One input from this generator: built by a grammar, then mutated. */
  make(random: Random): string;
  /** Takes the input. Throws where an oracle is broken; a string is what it did, for the statistics. */
  run(input: string): string;
  /** Ends what its cases share. The next case begins again. */
  close?(): void;
}

/** An input on which something broke. */
export interface Finding {
  readonly surface: string;
  /** `--seed` and case that made it; null: from the corpus. */
  readonly seed: number | null;
  readonly case: number;
  readonly message: string;
  readonly input: string;
}

/** Throws where an oracle is broken. */
export function must(holds: boolean, otherwise: () => string): void {
  if (!holds) throw new Error(otherwise());
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** The bytes that `hex` spells, up to its first character that is none. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(hex.trim(), "hex");
  return new Uint8Array(bytes);
}

/** One of `values`. */
export function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[random.below(values.length)] ?? values[0];
}
