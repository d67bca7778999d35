// The handshake as bytes: the server's greeting, options and their replies. Pure: views in, values out.
//
//   server  0 NBDMAGIC  8 IHAVEOPT  16 flags u16
//   client  0 flags u32
//   option  0 IHAVEOPT  8 option u32  12 length u32  16 data
//   reply   0 magic u64  8 option u32  12 type u32  16 length u32  20 data
//   OPT_INFO, OPT_GO: name length u32, name, count u16, count × info u16
//   OPT_EXPORT_NAME is answered without a header: size u64, flags u16, 124 zeroes unless NO_ZEROES
//
// Strings are UTF-8 of at most 4096 bytes without NUL; a name that is none is a malformed option.

import {
  INFO_BLOCK_SIZE,
  INFO_DESCRIPTION,
  INFO_EXPORT,
  INFO_NAME,
  LONGEST_STRING,
  MAGIC_HIGH,
  MAGIC_LOW,
  OPTION_MAGIC_HIGH,
  OPTION_MAGIC_LOW,
  OPTION_REPLY_MAGIC_HIGH,
  OPTION_REPLY_MAGIC_LOW,
  REP_INFO,
  REP_SERVER,
} from "./protocol.ts";

const GREETING_BYTES = 18;
export const CLIENT_FLAGS_BYTES = 4;
export const OPTION_BYTES = 16;
const OPTION_REPLY_BYTES = 20;
const EXPORT_BYTES = 10;
/** Behind the answer to OPT_EXPORT_NAME, for clients that did not say NO_ZEROES. */
const ZEROES_BYTES = 124;

export function emitGreeting(view: DataView, at: number, flags: number): number {
  view.setUint32(at, MAGIC_HIGH);
  view.setUint32(at + 4, MAGIC_LOW);
  view.setUint32(at + 8, OPTION_MAGIC_HIGH);
  view.setUint32(at + 12, OPTION_MAGIC_LOW);
  view.setUint16(at + 16, flags);
  return GREETING_BYTES;
}

/** Whether an option begins at `at`; the caller has OPTION_BYTES there. */
export function isOption(view: DataView, at: number): boolean {
  return view.getUint32(at) === OPTION_MAGIC_HIGH && view.getUint32(at + 4) === OPTION_MAGIC_LOW;
}

export function optionCode(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

/** Bytes of data behind the option's header. */
export function optionLength(view: DataView, at: number): number {
  return view.getUint32(at + 12);
}

export function emitOption(view: DataView, at: number, option: number, data: Uint8Array): number {
  view.setUint32(at, OPTION_MAGIC_HIGH);
  view.setUint32(at + 4, OPTION_MAGIC_LOW);
  view.setUint32(at + 8, option);
  view.setUint32(at + 12, data.length);
  put(view, at + OPTION_BYTES, data);
  return OPTION_BYTES + data.length;
}

/** What OPT_INFO and OPT_GO ask. */
export interface InfoRequest {
  readonly name: string;
  /** INFO_… numbers; unknown ones too. */
  readonly infos: readonly number[];
}

/** null: the data are not what the protocol says they are. */
export function parseInfoRequest(data: Uint8Array): InfoRequest | null {
  if (data.length < 6) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const length = view.getUint32(0);
  if (length > data.length - 6) return null;
  const name = parseString(data.subarray(4, 4 + length));
  const count = view.getUint16(4 + length);
  if (name === null || data.length !== 6 + length + 2 * count) return null;
  const infos: number[] = [];
  for (let index = 0; index < count; index++) infos.push(view.getUint16(6 + length + 2 * index));
  return { name, infos };
}

export function emitInfoRequest({ name, infos }: InfoRequest): Uint8Array {
  const bytes = encoder.encode(name);
  const data = new Uint8Array(6 + bytes.length + 2 * infos.length);
  const view = new DataView(data.buffer);
  view.setUint32(0, bytes.length);
  data.set(bytes, 4);
  view.setUint16(4 + bytes.length, infos.length);
  infos.forEach((info, index) => {
    view.setUint16(6 + bytes.length + 2 * index, info);
  });
  return data;
}

/** null: too long, not UTF-8, or with a NUL. */
export function parseString(bytes: Uint8Array): string | null {
  if (bytes.length > LONGEST_STRING || bytes.includes(0)) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** A reply with `data` behind it; returns its length. */
export function emitOptionReply(
  view: DataView,
  at: number,
  option: number,
  type: number,
  data: Uint8Array = NOTHING,
): number {
  view.setUint32(at, OPTION_REPLY_MAGIC_HIGH);
  view.setUint32(at + 4, OPTION_REPLY_MAGIC_LOW);
  view.setUint32(at + 8, option);
  view.setUint32(at + 12, type);
  view.setUint32(at + 16, data.length);
  put(view, at + OPTION_REPLY_BYTES, data);
  return OPTION_REPLY_BYTES + data.length;
}

/** What a client learns of an export. */
export interface ExportFacts {
  readonly name: string;
  readonly description: string;
  /** Bytes. */
  readonly size: number;
  /** Transmission flags. */
  readonly flags: number;
  /** Requests are multiples of `least` bytes, best of `preferred`, and carry at most `most`. */
  readonly least: number;
  readonly preferred: number;
  readonly most: number;
}

/** Size and flags, with `zeroes` behind them: the whole answer to OPT_EXPORT_NAME. */
export function emitExport(
  view: DataView,
  at: number,
  facts: ExportFacts,
  zeroes: boolean,
): number {
  setUint64(view, at, facts.size);
  view.setUint16(at + 8, facts.flags);
  if (!zeroes) return EXPORT_BYTES;
  for (let index = 0; index < ZEROES_BYTES; index++) view.setUint8(at + EXPORT_BYTES + index, 0);
  return EXPORT_BYTES + ZEROES_BYTES;
}

/** One REP_INFO; 0 for an info that is not known. */
export function emitInfo(
  view: DataView,
  at: number,
  option: number,
  info: number,
  facts: ExportFacts,
): number {
  const data = infoData(info, facts);
  return data === null ? 0 : emitOptionReply(view, at, option, REP_INFO, data);
}

function infoData(info: number, facts: ExportFacts): Uint8Array | null {
  if (info === INFO_NAME) return withType(info, encoder.encode(facts.name));
  if (info === INFO_DESCRIPTION) return withType(info, encoder.encode(facts.description));
  if (info !== INFO_EXPORT && info !== INFO_BLOCK_SIZE) return null;
  const data = new Uint8Array(info === INFO_EXPORT ? 12 : 14);
  const view = new DataView(data.buffer);
  view.setUint16(0, info);
  if (info === INFO_EXPORT) {
    setUint64(view, 2, facts.size);
    view.setUint16(10, facts.flags);
  } else {
    view.setUint32(2, facts.least);
    view.setUint32(6, facts.preferred);
    view.setUint32(10, facts.most);
  }
  return data;
}

function withType(info: number, text: Uint8Array): Uint8Array {
  const data = new Uint8Array(2 + text.length);
  new DataView(data.buffer).setUint16(0, info);
  data.set(text, 2);
  return data;
}

/** One REP_SERVER: an export's name. */
export function emitServer(view: DataView, at: number, option: number, name: string): number {
  const bytes = encoder.encode(name);
  const data = new Uint8Array(4 + bytes.length);
  new DataView(data.buffer).setUint32(0, bytes.length);
  data.set(bytes, 4);
  return emitOptionReply(view, at, option, REP_SERVER, data);
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function put(view: DataView, at: number, bytes: Uint8Array): void {
  new Uint8Array(view.buffer, view.byteOffset + at, bytes.length).set(bytes);
}

/** A number of at most 2^53 in eight bytes. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}
