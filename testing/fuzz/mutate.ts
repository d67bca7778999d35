// Mutations of what a grammar has built: of bytes and of text. Few of them at a time, since an input
// that is wrong in one place gets further than noise.

import type { Random } from "../../words/random.ts";
import { pick } from "./surface.ts";

const BYTES: readonly [number, ...number[]] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/** A copy with up to `most` changes: bytes set, bits flipped, stretches doubled, removed or cut off. */
export function mutateBytes(
  bytes: Uint8Array<ArrayBuffer>,
  random: Random,
  most: number,
): Uint8Array<ArrayBuffer> {
  let out = bytes.slice();
  for (let changes = random.below(most + 1); changes > 0 && out.length > 0; changes--) {
    // Headers are where things go wrong: half of the changes fall into the first 64 bytes.
    const reach = random.below(2) === 0 ? Math.min(64, out.length) : out.length;
    const at = random.below(reach);
    switch (random.below(8)) {
      case 0:
      case 1:
        out[at] = pick(random, BYTES);
        break;
      case 2:
        out[at] = random.below(256);
        break;
      case 3:
      case 4:
        out[at] = (out[at] as number) ^ (1 << random.below(8));
        break;
      case 5:
        out = out.slice(0, at);
        break;
      case 6: {
        const end = Math.min(out.length, at + 1 + random.below(16));
        out = joined(out.subarray(0, end), out.subarray(at));
        break;
      }
      default: {
        const end = Math.min(out.length, at + 1 + random.below(16));
        out = joined(out.subarray(0, at), out.subarray(end));
      }
    }
  }
  return out;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

const SCRAPS: readonly [string, ...string[]] = [
  "",
  "0",
  "-1",
  "1e308",
  "1e-400",
  "NaN",
  "Infinity",
  "9007199254740993",
  "0x10",
  "99999999999999999999",
  "%",
  "100.0001%",
  "us",
  "1us",
  "/",
  ":",
  ",",
  "=",
  "[",
  "]",
  "{",
  '"',
  "'",
  "\\",
  "#",
  "\n",
  "\r\n",
  "\t",
  "\u0000",
  "\u001b[2J",
  "\u202e",
  "é",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
];

/** The text with up to `most` changes: characters, scraps, stretches doubled, removed, swapped. */
export function mutateText(text: string, random: Random, most: number): string {
  let out = text;
  for (let changes = random.below(most + 1); changes > 0; changes--) {
    const at = random.below(out.length + 1);
    const end = Math.min(out.length, at + 1 + random.below(8));
    switch (random.below(6)) {
      case 0:
        out = out.slice(0, at) + pick(random, SCRAPS) + out.slice(at);
        break;
      case 1:
        out = out.slice(0, at) + pick(random, SCRAPS) + out.slice(end);
        break;
      case 2:
        out = out.slice(0, at) + String.fromCharCode(32 + random.below(95)) + out.slice(at + 1);
        break;
      case 3:
        out = out.slice(0, at) + out.slice(end);
        break;
      case 4:
        out = out.slice(0, end) + out.slice(at);
        break;
      default: {
        const other = random.below(out.length + 1);
        out = out.slice(0, at) + out.slice(other, other + end - at) + out.slice(end);
      }
    }
  }
  return out;
}
