// Requests and replies, row by row, emitted into memory full of 0xA5.

import { expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import {
  cookieHigh,
  cookieLow,
  emitDataChunk,
  emitEmptyChunk,
  emitErrorChunk,
  emitRequest,
  emitSimpleReply,
  isRequest,
  REQUEST_BYTES,
  requestFlags,
  requestLength,
  requestOffset,
  requestType,
} from "./transmission.ts";

function emitted(write: (view: DataView, at: number) => number): string {
  const bytes = new Uint8Array(128).fill(0xa5);
  const length = write(new DataView(bytes.buffer), 16);
  expect(bytes.subarray(0, 16).every((byte) => byte === 0xa5)).toBe(true);
  expect(bytes.subarray(16 + length).every((byte) => byte === 0xa5)).toBe(true);
  return Buffer.from(bytes.subarray(16, 16 + length)).toString("hex");
}

const hex = (text: string): string => text.replaceAll(" ", "");

const rows: [string, (view: DataView, at: number) => number, string][] = [
  [
    "request",
    (view, at) => emitRequest(view, at, 1, 0x0102, 0x0001_0203_0405_0607, 2 ** 33 + 512, 4096),
    "25609513 0102 0001 00010203 04050607 00000002 00000200 00001000",
  ],
  [
    "simple reply",
    (view, at) => emitSimpleReply(view, at, 22, 0x01020304, 0x05060708),
    "67446698 00000016 01020304 05060708",
  ],
  [
    "chunk of data, which stand behind",
    (view, at) => emitDataChunk(view, at, 1, 0xffff_ffff, 2 ** 40, 512),
    "668e33ef 0001 0001 00000001 ffffffff 00000208 00000100 00000000",
  ],
  [
    "chunk of nothing",
    (view, at) => emitEmptyChunk(view, at, 1, 2),
    "668e33ef 0001 0000 00000001 00000002 00000000",
  ],
  [
    "chunk of an error",
    (view, at) => emitErrorChunk(view, at, 5, 1, 2, Buffer.from("no")),
    "668e33ef 0001 8001 00000001 00000002 00000008 00000005 0002 6e6f",
  ],
];
for (const [name, write, row] of rows) {
  test(`${name} is emitted as it should be`, () => {
    expect(emitted(write)).toBe(hex(row));
  });
}

test("a request is read back, whatever stands in it", () => {
  const random = createRandom(11);
  const view = new DataView(new ArrayBuffer(64));
  for (let round = 0; round < 5000; round++) {
    const type = random.below(65_536);
    const flags = random.below(65_536);
    const cookie = random.below(2 ** 21) * 2 ** 32 + random.next();
    const offset = random.below(2 ** 21) * 2 ** 32 + random.next();
    const length = random.next();
    expect(emitRequest(view, 4, type, flags, cookie, offset, length)).toBe(REQUEST_BYTES);
    expect([
      isRequest(view, 4),
      requestType(view, 4),
      requestFlags(view, 4),
      cookieHigh(view, 4) * 2 ** 32 + cookieLow(view, 4),
      requestOffset(view, 4),
      requestLength(view, 4),
    ]).toEqual([true, type, flags, cookie, offset, length]);
  }
  view.setUint8(5, 0);
  expect(isRequest(view, 4)).toBe(false);
});
