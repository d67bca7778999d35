// Bytes that must be text. A decoder that replaces what it can't read makes another name of a name, so what is not
// UTF-8 is refused, with its place.

import { isUtf8 } from "node:buffer";

import { usage } from "./failure.ts";
import { printableBytes } from "./printable.ts";

/** The text of `bytes`, or the usage Failure that names the line and the byte; `what` names the file. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const at = firstFault(bytes, text);
  if (at === null) return text;
  const before = bytes.subarray(0, at);
  const line = before.reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 1);
  const column = at - before.lastIndexOf(0x0a);
  const byte = bytes[at];
  const got = byte === undefined ? "its end within a character" : `byte 0x${byte.toString(16)}`;
  throw usage(`${what} line ${line}, byte ${column}: Expected UTF-8, got ${got}`);
}

/** The first of the words, each closed by a zero, that is not UTF-8, in a form that may be shown. */
export function findOtherEncoding(words: Uint8Array): string | null {
  for (let at = 0; at < words.length;) {
    const end = words.indexOf(0, at);
    const word = words.subarray(at, end < 0 ? words.length : end);
    if (!isUtf8(word)) return printableBytes(word);
    at += word.length + 1;
  }
  return null;
}

/** Where `text`, written again, first differs from `bytes`; null: nowhere. */
function firstFault(bytes: Uint8Array, text: string): number | null {
  const again = new TextEncoder().encode(text);
  if (Buffer.compare(bytes, again) === 0) return null;
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  return at;
}
