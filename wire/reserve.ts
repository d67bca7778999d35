//  24     25          26
// +------+-----------+---- … ----+
// | RCmd | MAC count | count × 6 |
// +------+-----------+---- … ----+
// AoEr11, section 3.4 (reserve/release). The count is eight bits and the list's length is not: 43 MACs
// are 258 bytes (mdlayher/aoe computed that length in eight bits).

import * as aoe from "./aoe.ts";
import { type Mac, readMac, writeMac } from "./mac.ts";
import { type Malformed, malformed, tooShort } from "./malformed.ts";

export const COMMAND = aoe.LENGTH;
export const COUNT = COMMAND + 1;
/** Length of all headers of a reserve frame: where its MACs begin. */
export const LENGTH = COUNT + 1;

/** Bytes of one MAC in the list. */
export const MEMBER_LENGTH = 6;

export const READ = 0;
export const SET = 1;
export const FORCE_SET = 2;

/** RCmd: READ, SET, FORCE_SET, or what no specification names. */
export function command(view: DataView, base: number): number {
  return view.getUint8(base + COMMAND);
}
/** The MAC count, which nothing has compared with the frame yet. */
export function count(view: DataView, base: number): number {
  return view.getUint8(base + COUNT);
}
/** MAC `index` of the list. */
export function member(view: DataView, base: number, index: number): Mac {
  return readMac(view, base + LENGTH + index * MEMBER_LENGTH);
}

/** Writes the two bytes of the header. */
export function write(view: DataView, base: number, command: number, count: number): void {
  view.setUint8(base + COMMAND, command);
  view.setUint8(base + COUNT, count);
}
export function writeMember(view: DataView, base: number, index: number, mac: Mac): void {
  writeMac(view, base + LENGTH + index * MEMBER_LENGTH, mac);
}

/** The header and the list as a record; the count field is the list's length. */
export interface Reserve {
  readonly kind: "reserve";
  readonly command: number;
  readonly macs: readonly Mac[];
}

/** The reserve header and the list of the frame of `length` bytes at `base`. */
export function parse(view: DataView, base: number, length: number): Reserve | Malformed {
  if (length < LENGTH) return tooShort("reserve", LENGTH, length);
  const declared = count(view, base);
  const room = Math.floor((length - LENGTH) / MEMBER_LENGTH);
  if (declared > room) {
    const rule = `at most the ${room} addresses that the frame holds`;
    return malformed("reserve", "MAC count", COUNT, rule, `${declared}`);
  }
  const macs: Mac[] = [];
  for (let index = 0; index < declared; index++) macs.push(member(view, base, index));
  return { kind: "reserve", command: command(view, base), macs };
}
/** Writes `length(record)` bytes; the list holds 255 addresses at most. */
export function emit(record: Reserve, view: DataView, base: number): void {
  write(view, base, record.command, record.macs.length);
  for (const [index, mac] of record.macs.entries()) writeMember(view, base, index, mac);
}
export function length(record: Reserve): number {
  return LENGTH - aoe.LENGTH + record.macs.length * MEMBER_LENGTH;
}
