//  24         25     26       27              28
// +----------+------+--------+---------------+---- … ----+
// | reserved | MCmd | MError | directive     | count × 8 |
// |          |      |        | count         |           |
// +----------+------+--------+---------------+---- … ----+
//
// One directive:  0          1      2             8
//                +----------+------+---- … ------+
//                | reserved | DCmd | MAC         |
//                +----------+------+---- … ------+
// AoEr11, section 3.3 (MAC mask list).

import * as aoe from "./aoe.ts";
import { type Mac, readMac, writeMac } from "./mac.ts";

export const RESERVED = aoe.LENGTH;
export const COMMAND = RESERVED + 1;
export const ERROR = COMMAND + 1;
export const COUNT = ERROR + 1;
/** Length of all headers of a mask frame: where its directives begin. */
export const LENGTH = COUNT + 1;

export const DIRECTIVE_RESERVED = 0;
export const DIRECTIVE_COMMAND = DIRECTIVE_RESERVED + 1;
export const DIRECTIVE_MAC = DIRECTIVE_COMMAND + 1;
/** Bytes of one directive. */
export const DIRECTIVE_LENGTH = DIRECTIVE_MAC + 6;

export const READ = 0;
export const EDIT = 1;

export const ERROR_UNSPECIFIED = 1;
export const ERROR_DIRECTIVE = 2;
export const ERROR_FULL = 3;

export const DIRECTIVE_NONE = 0;
export const DIRECTIVE_ADD = 1;
export const DIRECTIVE_DELETE = 2;

/** MCmd: READ, EDIT, or what no specification names. */
export function command(view: DataView, base: number): number {
  return view.getUint8(base + COMMAND);
}
/** MError of an answer. */
export function error(view: DataView, base: number): number {
  return view.getUint8(base + ERROR);
}
/** The directive count, which nothing has compared with the frame yet. */
export function count(view: DataView, base: number): number {
  return view.getUint8(base + COUNT);
}
/** Where directive `index` of the frame at `base` begins. */
export function directive(base: number, index: number): number {
  return base + LENGTH + index * DIRECTIVE_LENGTH;
}
/** DCmd of directive `index`. */
export function directiveCommand(view: DataView, base: number, index: number): number {
  return view.getUint8(directive(base, index) + DIRECTIVE_COMMAND);
}
export function directiveMac(view: DataView, base: number, index: number): Mac {
  return readMac(view, directive(base, index) + DIRECTIVE_MAC);
}

/** Writes the four bytes of the header. */
export function write(
  view: DataView,
  base: number,
  command: number,
  error: number,
  count: number,
): void {
  view.setUint8(base + RESERVED, 0);
  view.setUint8(base + COMMAND, command);
  view.setUint8(base + ERROR, error);
  view.setUint8(base + COUNT, count);
}
/** Writes the eight bytes of directive `index`. */
export function writeDirective(
  view: DataView,
  base: number,
  index: number,
  command: number,
  mac: Mac,
): void {
  const at = directive(base, index);
  view.setUint8(at + DIRECTIVE_RESERVED, 0);
  view.setUint8(at + DIRECTIVE_COMMAND, command);
  writeMac(view, at + DIRECTIVE_MAC, mac);
}
