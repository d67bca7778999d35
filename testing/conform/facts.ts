// What the suite knows of a device before the first rule: what it says of itself, and what it or the network between
// lacks for some of the tests.

import type { Mac } from "../../wire/mac.ts";
import type { Address } from "../../words/address.ts";
import type { Answer } from "./prober.ts";

/**
 * What a test may need.
 *
 * address   answers come from an address to which a question can go
 * read      a sector can be read
 * write     a written sector can be read back
 * string    the config string can be set, and read back
 * mask      command 2 is known
 * reserve   command 3 is known
 * hosts     other source addresses than the interface's own are answered
 */
export type Ability = "address" | "read" | "write" | "string" | "mask" | "reserve" | "hosts";

/** What the user permits beyond the device's own first sectors. */
export interface Permits {
  /** No other target on this network matters: send changes to wildcard addresses too. */
  readonly alone?: boolean;
  /** Write a sector behind the end. */
  readonly pastEnd?: boolean;
}

export interface Facts {
  readonly address: Address;
  /** Where questions go; broadcast where the device answers from no address that a frame can go to. */
  readonly target: Mac;
  /** Where its answers come from. */
  readonly source: Mac;
  readonly own: Mac;
  readonly mtu: number;
  readonly bufferCount: number;
  readonly firmware: number;
  /** As announced; 0 is taken for 2 (P13). */
  readonly mostSectors: number;
  /** Sectors of one command that both the device and our own MTU carry. */
  readonly carried: number;
  readonly sectors: number;
  readonly model: string;
  /** It announced itself while the suite was listening for it (P11): that frame. */
  readonly announcement: Answer | null;
  /** What is missing, and the sentence that says so. */
  readonly lacks: ReadonlyMap<Ability, string>;
  readonly permits: Permits;
}

/** Sectors at the start of the device that the suite writes. */
export const SCRATCH = 64;
