//  24     25          26
// +------+-----------+---- … ----+
// | RCmd | MAC count | count × 6 |
// +------+-----------+---- … ----+
// AoEr11, section 3.4 (reserve/release). The count is eight bits and the list's length is not: 43 MACs
// are 258 bytes (mdlayher/aoe computed that length in eight bits).

import * as aoe from "./aoe.ts";
import { type Mac, readMac, writeMac } from "./mac.ts";

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
