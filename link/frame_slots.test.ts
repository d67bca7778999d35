// Frames kept for later and copies between arrays: every alignment, length and room.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { copyStart, copyWords } from "./copy.ts";
import { FrameSlots } from "./frame_slots.ts";
import type { FrameView } from "./link.ts";

function frame(bytes: Uint8Array, base: number, length: number, addressed = 0): FrameView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, view, address: 0, base, length, addressed, at: 0 };
}

test("copies a frame from any offset of any memory, and gives it back whole", () => {
  const memory = new Uint8Array(8192 + 1).map((_, i) => (i * 167) >> 3);
  fc.assert(
    fc.property(fc.nat(1), fc.nat(700), fc.integer({ min: 14, max: 1514 }), (odd, base, length) => {
      const slots = new FrameSlots(2, 1514);
      const source = memory.subarray(odd);
      const kept = source.slice(base, base + length);
      expect(slots.keep(frame(source, base, length, 3), 50)).toBe(true);
      // However late it is asked, the frame is told to have come when it was due.
      const slot = slots.pop(70);
      expect(slot).toBeGreaterThanOrEqual(0);
      const { frame: got } = slots;
      expect(got.bytes.slice(got.base, got.base + got.length)).toEqual(kept);
      expect(got.view.getUint8(got.base)).toBe(kept[0] as number);
      expect([got.addressed, got.at]).toEqual([3, 50]);
    }),
    { numRuns: 500 },
  );
});

test("a frame that ends its memory is copied to its last byte", () => {
  const slots = new FrameSlots(1, 100);
  const memory = new Uint8Array(61).map((_, i) => i);
  slots.keep(frame(memory, 2, 59), 1);
  slots.pop(1);
  const { frame: got } = slots;
  expect(got.bytes.slice(got.base, got.base + got.length)).toEqual(memory.slice(2));
});

test("frames come out by time, and a slot is vacant once released", () => {
  const slots = new FrameSlots(2, 64);
  const memory = new Uint8Array([...Array(128).keys()]);
  expect(slots.keep(frame(memory, 0, 60), 200)).toBe(true);
  expect(slots.keep(frame(memory, 64, 60), 100)).toBe(true);
  expect(slots.keep(frame(memory, 0, 60), 100)).toBe(false);
  expect(slots.pop(99)).toBe(-1);
  const first = slots.pop(1000);
  expect(slots.frame.bytes[slots.frame.base]).toBe(64);
  expect(slots.keep(frame(memory, 0, 60), 100)).toBe(false);
  slots.release(first);
  expect(slots.keep(frame(memory, 32, 60), 150)).toBe(true);
  slots.release(slots.pop(1000));
  expect(slots.frame.bytes[slots.frame.base]).toBe(32);
  slots.pop(1000);
  expect(slots.frame.bytes[slots.frame.base]).toBe(0);
});

test("a longer frame widens the slots and leaves the others whole", () => {
  const slots = new FrameSlots(3, 60);
  const memory = new Uint8Array(10_000).map((_, i) => i * 31);
  slots.keep(frame(memory, 1, 60), 1);
  slots.keep(frame(memory, 102, 50), 2);
  slots.keep(frame(memory, 203, 9014), 3);
  for (const [base, length] of [
    [1, 60],
    [102, 50],
    [203, 9014],
  ] as const) {
    slots.pop(10);
    const { frame: got } = slots;
    expect(got.plain?.buffer).toBe(got.bytes.buffer);
    expect(got.bytes.slice(got.base, got.base + got.length)).toEqual(
      memory.slice(base, base + length),
    );
  }
});

test("all slots can be filled, though memory for them comes as they are needed", () => {
  const slots = new FrameSlots(50, 64);
  const memory = new Uint8Array(5000).map((_, i) => i * 31);
  const lengthOf = (at: number) => (at === 30 ? 300 : 60);
  for (let at = 0; at < 50; at++) {
    expect(slots.keep(frame(memory, at * 61, lengthOf(at)), at)).toBe(true);
  }
  expect(slots.keep(frame(memory, 0, 60), 99)).toBe(false);
  for (let at = 0; at < 50; at++) {
    const slot = slots.pop(100);
    const { frame: got } = slots;
    expect(got.bytes.slice(got.base, got.base + got.length)).toEqual(
      memory.slice(at * 61, at * 61 + lengthOf(at)),
    );
    slots.release(slot);
  }
});

test("copyStart writes the frame, and at most its room", () => {
  for (const size of [60, 64, 159, 161, 400, 1514]) {
    for (const length of [14, 60, 160, 161, 399, 400].filter((each) => each <= size)) {
      for (const room of [64, 192, 448, 1536].filter((each) => each >= length)) {
        const from = new Uint8Array(new ArrayBuffer((size + 3) & ~3), 0, size).map((_, i) => i | 1);
        const fromWords = new Uint32Array(from.buffer, 0, from.buffer.byteLength >>> 2);
        const to = new Uint8Array(4096).fill(0xa5);
        copyStart(to, new Uint32Array(to.buffer), 64, room, from, fromWords, length);
        expect(to.slice(64, 64 + length)).toEqual(from.slice(0, length));
        expect(to.slice(0, 64).every((byte) => byte === 0xa5)).toBe(true);
        expect(to.slice(64 + room).every((byte) => byte === 0xa5)).toBe(true);
      }
    }
  }
});

test("copyWords copies exactly its words", () => {
  const from = new Uint32Array(40).map((_, i) => i + 1);
  for (let words = 0; words <= 9; words++) {
    const to = new Uint32Array(20).fill(0xffff_ffff);
    copyWords(to, 3, from, 5, words);
    const expected = new Uint32Array(20).fill(0xffff_ffff);
    expected.set(from.subarray(5, 5 + words), 3);
    expect(to).toEqual(expected);
  }
});
