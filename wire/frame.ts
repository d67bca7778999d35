//  0          14       24                      24 + body's length          length
// +----------+--------+------------------------+---------------- … --------+
// | ethernet | aoe    | ata config mask        | rest: data, padding,      |
// |          |        | reserve, or nothing    | what no header tells of   |
// +----------+--------+------------------------+---------------- … --------+
// A whole frame as a record, for control paths and tests. Every byte is kept: what `parse` takes,
// `emit` gives back as it was, reserved bits and padding too.

import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import { copyIn, copyOut } from "./bytes.ts";
import * as config from "./config.ts";
import * as ethernet from "./ethernet.ts";
import { isMalformed, type Malformed, malformed } from "./malformed.ts";
import * as mask from "./mask.ts";
import * as reserve from "./reserve.ts";

/**
 * No header behind AoE's that we know: a command that is `vendor` (0xF0 and above) or `unknown` (4 … 0xEF), or
 * `none`: an error answer without its command's header, or with one that does not fit (P15: the error says it all).
 */
export interface Other {
  readonly kind: "vendor" | "unknown" | "none";
}

export type Body = ata.Ata | config.Config | mask.Mask | reserve.Reserve | Other;

/** Flags of an error answer. */
const REFUSED = aoe.FLAG_RESPONSE | aoe.FLAG_ERROR;

export interface Frame {
  readonly ethernet: ethernet.Ethernet;
  readonly aoe: aoe.Aoe;
  readonly body: Body;
  /** What stands behind the headers and their lists: data and padding. `dataLength` tells them apart. */
  readonly rest: Uint8Array;
}

/**
 * The frame of `length` bytes at `base`, or the first rule that it breaks. Where a capture kept only
 * a part, `wireLength` is what the frame had: a write cut by the capture is not a malformed one.
 * `outer`: where other headers than Ethernet's stood before the AoE header, what they said; `base` is then 14
 * bytes before that header, and the bytes there are not looked at.
 */
export function parse(
  view: DataView,
  base: number,
  length: number,
  wireLength: number = length,
  outer: ethernet.Ethernet | Malformed = ethernet.parse(view, base, length),
): Frame | Malformed {
  if (isMalformed(outer)) return outer;
  if (outer.type !== ethernet.ETHERTYPE_AOE) {
    const got = `0x${outer.type.toString(16).padStart(4, "0")}`;
    return malformed("ethernet", "type", ethernet.TYPE, "0x88a2 (ATA over Ethernet)", got);
  }
  const header = aoe.parse(view, base, length);
  if (isMalformed(header)) return header;
  const found = parseBody(header.command, view, base, length);
  const bare = isMalformed(found) && (header.flags & REFUSED) === REFUSED;
  const body: Body | Malformed = bare ? { kind: "none" } : found;
  if (isMalformed(body)) return body;
  const behind = aoe.LENGTH + bodyLength(body);
  if (
    body.kind === "ata" &&
    (header.flags & aoe.FLAG_RESPONSE) === 0 &&
    ata.isWrite(body.command)
  ) {
    const needed = ata.requestDataLength(body.command, body.flags, body.count);
    if (wireLength - behind < needed) {
      const rule = `${needed} bytes for ${body.count} sectors`;
      return malformed("ata", "data", behind, rule, `${wireLength - behind}`);
    }
  }
  const rest = copyOut(view, base + behind, length - behind);
  return { ethernet: outer, aoe: header, body, rest };
}

/** Writes `length(frame)` bytes at `base`. Nothing is padded or put right: what the record says is sent. */
export function emit(frame: Frame, view: DataView, base: number): void {
  ethernet.emit(frame.ethernet, view, base);
  aoe.emit(frame.aoe, view, base);
  emitBody(frame.body, view, base);
  copyIn(frame.rest, view, base + aoe.LENGTH + bodyLength(frame.body));
}

/** Bytes of the frame, from the Ethernet destination to the end of `rest`. */
export function length(frame: Frame): number {
  return aoe.LENGTH + bodyLength(frame.body) + frame.rest.length;
}

/** The frame's bytes, in memory of their own. */
export function toBytes(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(length(frame));
  emit(frame, new DataView(bytes.buffer), 0);
  return bytes;
}

export function isResponse(frame: Frame): boolean {
  return (frame.aoe.flags & aoe.FLAG_RESPONSE) !== 0;
}
/** An answer that reports a fault of AoE (P15: not one of the disk). */
export function isError(frame: Frame): boolean {
  return (frame.aoe.flags & aoe.FLAG_ERROR) !== 0;
}
/** An ATA answer whose status reports a failure of the disk. */
export function isAtaFailure(frame: Frame): boolean {
  const { body } = frame;
  return body.kind === "ata" && isResponse(frame) && (body.command & ata.STATUS_FAILED) !== 0;
}

/**
 * How many bytes of `rest` are ATA data, by the headers (P18). Null: not known, as for an answer
 * whose request is not at hand. It can exceed what `rest` has, where a peer or a capture cut it.
 */
export function dataLength(frame: Frame, request: Frame | null = null): number | null {
  const { body } = frame;
  if (body.kind === "vendor" || body.kind === "unknown") return null;
  if (body.kind !== "ata") return 0;
  if (!isResponse(frame)) return ata.requestDataLength(body.command, body.flags, body.count);
  if (isError(frame) || isAtaFailure(frame)) return 0;
  if (request === null || request.body.kind !== "ata") return null;
  const { command, flags, feature, count } = request.body;
  return ata.answerDataLength(command, flags, feature, count);
}

function parseBody(
  command: number,
  view: DataView,
  base: number,
  length: number,
): Body | Malformed {
  switch (command) {
    case aoe.COMMAND_ATA:
      return ata.parse(view, base, length);
    case aoe.COMMAND_CONFIG:
      return config.parse(view, base, length);
    case aoe.COMMAND_MASK:
      return mask.parse(view, base, length);
    case aoe.COMMAND_RESERVE:
      return reserve.parse(view, base, length);
    default:
      return { kind: command >= aoe.COMMAND_VENDOR ? "vendor" : "unknown" };
  }
}

function emitBody(body: Body, view: DataView, base: number): void {
  if (body.kind === "ata") ata.emit(body, view, base);
  else if (body.kind === "config") config.emit(body, view, base);
  else if (body.kind === "mask") mask.emit(body, view, base);
  else if (body.kind === "reserve") reserve.emit(body, view, base);
}

function bodyLength(body: Body): number {
  switch (body.kind) {
    case "ata":
      return ata.length(body);
    case "config":
      return config.length(body);
    case "mask":
      return mask.length(body);
    case "reserve":
      return reserve.length(body);
    case "vendor":
    case "unknown":
    case "none":
      return 0;
  }
}
