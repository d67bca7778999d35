import { expect, test } from "bun:test";

import {
  BUDGET,
  DATA_AT,
  MOST_DATA,
  NO_ROOM,
  type RequestBuffer,
  RequestBuffers,
} from "./buffers.ts";

const MIB = 2 ** 20;

function take(buffers: RequestBuffers, bytes: number): RequestBuffer {
  const buffer = buffers.take(bytes);
  if (typeof buffer === "string") throw new Error(buffer);
  return buffer;
}

test("a buffer has room for its data and a header before them", () => {
  const buffers = new RequestBuffers();
  for (const bytes of [0, 1, 512, 4096, 4097, MIB, MIB + 512, MOST_DATA]) {
    const buffer = take(buffers, bytes);
    expect(buffer.memory.bytes.length).toBeGreaterThanOrEqual(DATA_AT + bytes);
    expect(buffer.memory.bytes.length).toBeLessThanOrEqual(DATA_AT + Math.max(4096, 2 * bytes));
    buffers.give(buffer);
  }
  buffers.close();
});

test("what came back is used again, and nothing more is mapped", () => {
  const buffers = new RequestBuffers();
  const first = take(buffers, 4096);
  const { mapped } = buffers;
  buffers.give(first);
  for (let round = 0; round < 100; round++) {
    const buffer = take(buffers, 4096);
    expect(buffer).toBe(first);
    buffers.give(buffer);
  }
  expect(buffers.mapped).toBe(mapped);
  buffers.close();
});

test("never more than the budget; who has nothing gets even the largest", () => {
  const buffers = new RequestBuffers();
  const held: RequestBuffer[] = [];
  for (;;) {
    const buffer = buffers.take(4 * MIB);
    if (typeof buffer === "string") {
      expect(buffer).toBe(NO_ROOM);
      break;
    }
    held.push(buffer);
    expect(buffers.mapped).toBeLessThanOrEqual(BUDGET);
  }
  expect(held.length).toBe(8);
  for (const buffer of held) buffers.give(buffer);
  // Idle memory of one class makes way for another.
  const largest = take(buffers, MOST_DATA);
  expect(buffers.mapped).toBeLessThanOrEqual(BUDGET);
  expect(buffers.take(MOST_DATA)).toBe(NO_ROOM);
  buffers.give(largest);
  buffers.close();
});

test("the largest idle memory makes way first, and no more of it than has to", () => {
  const buffers = new RequestBuffers();
  const held = [16 * MIB, 8 * MIB, 8 * MIB].map((bytes) => take(buffers, bytes));
  const rest = held.slice(1).reduce((sum, { memory }) => sum + memory.bytes.length, 0);
  for (const buffer of held) buffers.give(buffer);
  // 2 MiB are free, and 4 are wanted.
  const fresh = take(buffers, 4 * MIB);
  expect(buffers.mapped).toBe(rest + fresh.memory.bytes.length);
  buffers.give(fresh);
  buffers.close();
});

test("closing finds a buffer that did not come back", () => {
  const buffers = new RequestBuffers();
  const buffer = take(buffers, 512);
  expect(() => buffers.close()).toThrow("invariant");
  buffer.memory.unmap();
});
