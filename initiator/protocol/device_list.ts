// Devices in a sentence and in order, for people.

import { formatAddress } from "../../words/address.ts";
import type { Device } from "./device.ts";

/** More than these are counted, not named. */
const MOST_NAMED = 8;

/** By shelf, then slot. */
export function sortDevices(devices: readonly Device[]): Device[] {
  return [...devices].sort((a, b) => a.major - b.major || a.minor - b.minor);
}

/** `e7.1, e7.2 and 3 others`. */
export function describeDevices(devices: readonly Device[]): string {
  const names = sortDevices(devices).map(formatAddress);
  const named = names.slice(0, MOST_NAMED);
  const rest = names.length - named.length;
  if (rest > 0) return `${named.join(", ")} and ${rest} others`;
  const last = named.pop();
  return named.length === 0 ? `${last}` : `${named.join(", ")} and ${last}`;
}
