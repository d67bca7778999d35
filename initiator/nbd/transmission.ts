// The transmission phase as bytes: requests, simple replies, chunks of structured replies. Functions
// over (view, base) that allocate nothing; a cookie is the client's eight bytes, kept in halves.
//
//   request       0 magic u32  4 flags u16  6 type u16  8 cookie u64  16 offset u64  24 length u32
//   simple reply  0 magic u32  4 error u32  8 cookie u64  (data)
//   chunk         0 magic u32  4 flags u16  6 type u16  8 cookie u64  16 length u32  20 payload
//   payload       OFFSET_DATA: offset u64, data      ERROR: error u32, length u16, message

import {
  CHUNK_DONE,
  CHUNK_ERROR,
  CHUNK_MAGIC,
  CHUNK_NONE,
  CHUNK_OFFSET_DATA,
  REQUEST_MAGIC,
  SIMPLE_REPLY_MAGIC,
} from "./protocol.ts";
import { setUint64 } from "./handshake.ts";

export const REQUEST_BYTES = 28;
export const SIMPLE_REPLY_BYTES = 16;
export const CHUNK_BYTES = 20;
/** A chunk's header and the offset: what stands before the data of a structured read. */
export const DATA_CHUNK_BYTES = CHUNK_BYTES + 8;
/** A chunk's header, error number and message length. */
export const ERROR_CHUNK_BYTES = CHUNK_BYTES + 6;

export function isRequest(view: DataView, at: number): boolean {
  return view.getUint32(at) === REQUEST_MAGIC;
}
export function requestFlags(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}
export function requestType(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}
export function cookieHigh(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}
export function cookieLow(view: DataView, at: number): number {
  return view.getUint32(at + 12);
}
/** Bytes; above 2^53 not exact, and then beyond the end of any export. */
export function requestOffset(view: DataView, at: number): number {
  return view.getUint32(at + 16) * 2 ** 32 + view.getUint32(at + 20);
}
export function requestLength(view: DataView, at: number): number {
  return view.getUint32(at + 24);
}

/** The client's side of it. */
export function emitRequest(
  view: DataView,
  at: number,
  type: number,
  flags: number,
  cookie: number,
  offset: number,
  length: number,
): number {
  view.setUint32(at, REQUEST_MAGIC);
  view.setUint16(at + 4, flags);
  view.setUint16(at + 6, type);
  setUint64(view, at + 8, cookie);
  setUint64(view, at + 16, offset);
  view.setUint32(at + 24, length);
  return REQUEST_BYTES;
}

export function emitSimpleReply(
  view: DataView,
  at: number,
  error: number,
  high: number,
  low: number,
): number {
  view.setUint32(at, SIMPLE_REPLY_MAGIC);
  view.setUint32(at + 4, error);
  view.setUint32(at + 8, high);
  view.setUint32(at + 12, low);
  return SIMPLE_REPLY_BYTES;
}

/** The whole reply to a read in one chunk, but for its `length` bytes of data, which stand behind. */
export function emitDataChunk(
  view: DataView,
  at: number,
  high: number,
  low: number,
  offset: number,
  length: number,
): number {
  emitChunk(view, at, CHUNK_OFFSET_DATA, high, low, 8 + length);
  setUint64(view, at + CHUNK_BYTES, offset);
  return DATA_CHUNK_BYTES;
}

/** A read of nothing: a data chunk must not be empty. */
export function emitEmptyChunk(view: DataView, at: number, high: number, low: number): number {
  emitChunk(view, at, CHUNK_NONE, high, low, 0);
  return CHUNK_BYTES;
}

/** The whole reply to what failed, with a sentence for the client's user. */
export function emitErrorChunk(
  view: DataView,
  at: number,
  error: number,
  high: number,
  low: number,
  message: Uint8Array,
): number {
  emitChunk(view, at, CHUNK_ERROR, high, low, 6 + message.length);
  view.setUint32(at + CHUNK_BYTES, error);
  view.setUint16(at + CHUNK_BYTES + 4, message.length);
  for (let index = 0; index < message.length; index++) {
    view.setUint8(at + ERROR_CHUNK_BYTES + index, message[index] as number);
  }
  return ERROR_CHUNK_BYTES + message.length;
}

/** Every reply of ours is one chunk, so each is the last. */
function emitChunk(
  view: DataView,
  at: number,
  type: number,
  high: number,
  low: number,
  length: number,
): void {
  view.setUint32(at, CHUNK_MAGIC);
  view.setUint16(at + 4, CHUNK_DONE);
  view.setUint16(at + 6, type);
  view.setUint32(at + 8, high);
  view.setUint32(at + 12, low);
  view.setUint32(at + 16, length);
}
