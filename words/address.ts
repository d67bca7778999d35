// A device's AoE address, as aoetools and Linux write it: `e7.3` is shelf 7, slot 3.
//
// Shelf 65535 and slot 255 mean "all" on the wire (protocol.md P3), so no device has them.

import { expected } from "./failure.ts";

export interface Address {
  /** The shelf, 0 to 65534. */
  readonly major: number;
  /** The slot, 0 to 254. */
  readonly minor: number;
}

export const MAJOR_MAX = 65534;
export const MINOR_MAX = 254;

/** Throws the usage Failure for anything but `eSHELF.SLOT` in range. */
export function parseAddress(text: string, what: string): Address {
  const match = /^e(\d{1,5})\.(\d{1,3})$/.exec(text.trim());
  const major = match === null ? Number.NaN : Number(match[1]);
  const minor = match === null ? Number.NaN : Number(match[2]);
  if (!(major <= MAJOR_MAX && minor <= MINOR_MAX)) {
    throw expected(
      what,
      `an address eSHELF.SLOT with shelf 0 to ${MAJOR_MAX} and slot 0 to ${MINOR_MAX}`,
      text,
    );
  }
  return { major, minor };
}

/** `e7.3`. */
export function formatAddress(address: Address): string {
  return `e${address.major}.${address.minor}`;
}
