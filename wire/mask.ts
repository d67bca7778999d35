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
import { type Malformed, malformed, tooShort } from "./malformed.ts";

export const RESERVED = aoe.LENGTH;
export const COMMAND = RESERVED + 1;
export const ERROR = COMMAND + 1;
export const COUNT = ERROR + 1;
/** Length of all headers of a mask frame: where its directives begin. */
export const LENGTH = COUNT + 1;

const DIRECTIVE_RESERVED = 0;
const DIRECTIVE_COMMAND = DIRECTIVE_RESERVED + 1;
const DIRECTIVE_MAC = DIRECTIVE_COMMAND + 1;
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

/** One entry of a list: an order in a request, a listed address in an answer. */
export interface Directive {
  readonly reserved: number;
  readonly command: number;
  readonly mac: Mac;
}

/** The header and the directives as a record. */
export interface Mask {
  readonly kind: "mask";
  readonly reserved: number;
  readonly command: number;
  readonly error: number;
  /** The count field. Of an answer with MError it says how many directives were done, so the list may be shorter (P17). */
  readonly count: number;
  readonly directives: readonly Directive[];
}

/** The mask header and all directives of the frame of `length` bytes at `base`. */
export function parse(view: DataView, base: number, length: number): Mask | Malformed {
  if (length < LENGTH) return tooShort("mask", LENGTH, length);
  const declared = count(view, base);
  const room = Math.floor((length - LENGTH) / DIRECTIVE_LENGTH);
  const failed = aoe.isResponse(view, base) && error(view, base) !== 0;
  if (declared > room && !failed) {
    const rule = `at most the ${room} directives that the frame holds`;
    return malformed("mask", "directive count", COUNT, rule, `${declared}`);
  }
  const directives: Directive[] = [];
  for (let index = 0; index < declared && index < room; index++) {
    directives.push({
      reserved: view.getUint8(directive(base, index) + DIRECTIVE_RESERVED),
      command: directiveCommand(view, base, index),
      mac: directiveMac(view, base, index),
    });
  }
  return {
    kind: "mask",
    reserved: view.getUint8(base + RESERVED),
    command: command(view, base),
    error: error(view, base),
    count: declared,
    directives,
  };
}
/** Writes `length(record)` bytes. */
export function emit(record: Mask, view: DataView, base: number): void {
  write(view, base, record.command, record.error, record.count);
  view.setUint8(base + RESERVED, record.reserved);
  for (const [index, { command, mac, reserved }] of record.directives.entries()) {
    writeDirective(view, base, index, command, mac);
    view.setUint8(directive(base, index) + DIRECTIVE_RESERVED, reserved);
  }
}
export function length(record: Mask): number {
  return LENGTH - aoe.LENGTH + record.directives.length * DIRECTIVE_LENGTH;
}
