//  0                   6                   12        14
// +-------------------+-------------------+---------+----
// | destination       | source            | type    | payload
// +-------------------+-------------------+---------+----
// IEEE 802.3; EtherType 0x88A2 is ATA over Ethernet. Offsets count from the destination's first
// octet and stay the same in every module of this room.

import { type Mac, readMac, writeMac } from "./mac.ts";
import { type Malformed, tooShort } from "./malformed.ts";

export const DESTINATION = 0;
export const SOURCE = DESTINATION + 6;
export const TYPE = SOURCE + 6;
/** Length of the Ethernet header: where the AoE header begins. */
export const LENGTH = TYPE + 2;

export const ETHERTYPE_AOE = 0x88a2;
/** The shortest frame that a physical link carries, without its checksum (P18). */
export const SHORTEST = 60;

export function destination(view: DataView, base: number): Mac {
  return readMac(view, base + DESTINATION);
}
export function source(view: DataView, base: number): Mac {
  return readMac(view, base + SOURCE);
}
export function type(view: DataView, base: number): number {
  return view.getUint16(base + TYPE);
}
export function writeSource(view: DataView, base: number, from: Mac): void {
  writeMac(view, base + SOURCE, from);
}
export function write(view: DataView, base: number, to: Mac, from: Mac): void {
  writeMac(view, base + DESTINATION, to);
  writeMac(view, base + SOURCE, from);
  view.setUint16(base + TYPE, ETHERTYPE_AOE);
}

/**
 * Zeroes what is missing of the shortest frame behind `length` bytes at `base` and returns the length
 * to send: at least SHORTEST (P18). The buffer must hold that many.
 */
export function pad(view: DataView, base: number, length: number): number {
  for (let at = length; at < SHORTEST; at++) view.setUint8(base + at, 0);
  return Math.max(length, SHORTEST);
}

/** The header as a record. */
export interface Ethernet {
  readonly destination: Mac;
  readonly source: Mac;
  readonly type: number;
}

/** The header of the frame of `length` bytes at `base`, whatever its EtherType. */
export function parse(view: DataView, base: number, length: number): Ethernet | Malformed {
  if (length < LENGTH) return tooShort("ethernet", LENGTH, length);
  return {
    destination: destination(view, base),
    source: source(view, base),
    type: type(view, base),
  };
}
/** Writes `length(record)` bytes: all of the header. */
export function emit(record: Ethernet, view: DataView, base: number): void {
  write(view, base, record.destination, record.source);
  view.setUint16(base + TYPE, record.type);
}
export function length(_: Ethernet): number {
  return LENGTH;
}
