// Replies that wait: what is sent of them where a stream takes little, and sentences that are too long.

import { expect, test } from "bun:test";
import { AGAIN, type ByteStream } from "../../link/byte_stream.ts";
import type { Memory } from "../../link/link.ts";
import { CMD_READ, CMD_WRITE, NBD_EIO } from "./protocol.ts";
import { MORE, MOST_SENT, Replies } from "./replies.ts";
import { type Slot, SlotStock } from "./slot.ts";
import { DATA_AT } from "./buffers.ts";
import { ERROR_CHUNK_BYTES, SIMPLE_REPLY_BYTES } from "./transmission.ts";

/** Takes `room` bytes, at most `grain` in a call. */
function stream(grain: number) {
  const taken: number[] = [];
  const limits = { room: Infinity };
  const own: Pick<ByteStream, "send"> = {
    send(memory: Memory, at: number, length: number) {
      const bytes = Math.min(length, grain, limits.room);
      if (bytes === 0) return AGAIN;
      limits.room -= bytes;
      taken.push(...memory.bytes.subarray(at, at + bytes));
      return bytes;
    },
  };
  return { taken, limits, stream: own as ByteStream };
}

function slotOf(stock: SlotStock, type: number, length: number, fill = 0): Slot {
  const slot = stock.take(length);
  if (typeof slot === "string") throw new Error(slot);
  slot.type = type;
  slot.length = length;
  slot.low = length;
  slot.buffer?.memory.bytes.fill(fill, DATA_AT, DATA_AT + length);
  return slot;
}

test("a sentence of an error is cut to what the smallest buffer holds", () => {
  const stock = new SlotStock(() => {});
  const replies = new Replies(stock);
  replies.structured = true;
  replies.failed(slotOf(stock, CMD_WRITE, 0), NBD_EIO, new Uint8Array(5000).fill(0x61));
  const { taken, stream: client } = stream(Infinity);
  expect(replies.send(client)).toBe(0);
  expect(taken.length).toBe(ERROR_CHUNK_BYTES + 1024);
  expect(new DataView(Uint8Array.from(taken).buffer).getUint16(ERROR_CHUNK_BYTES - 2)).toBe(1024);
  stock.close();
});

test("in the order in which they ended, byte for byte, however little is taken at a time", () => {
  const stock = new SlotStock(() => {});
  const replies = new Replies(stock);
  const lengths = [512, 0, 1024];
  for (const [index, length] of lengths.entries()) {
    replies.done(slotOf(stock, CMD_READ, length, index + 1));
  }
  const { taken, limits, stream: client } = stream(100);
  limits.room = 250;
  expect(replies.send(client)).toBe(AGAIN);
  limits.room = Infinity;
  expect(replies.send(client)).toBe(0);
  const view = new DataView(Uint8Array.from(taken).buffer);
  let at = 0;
  for (const [index, length] of lengths.entries()) {
    // The cookie, then the data.
    expect(view.getUint32(at + 12)).toBe(length);
    at += SIMPLE_REPLY_BYTES;
    expect(taken.slice(at, at + length)).toEqual(Array<number>(length).fill(index + 1));
    at += length;
  }
  expect(at).toBe(taken.length);
  stock.close();
});

test("no client is sent more than its share in one go", () => {
  const stock = new SlotStock(() => {});
  const replies = new Replies(stock);
  replies.done(slotOf(stock, CMD_READ, MOST_SENT, 1));
  const { taken, stream: client } = stream(Infinity);
  expect(replies.send(client)).toBe(MORE);
  expect(taken.length).toBe(MOST_SENT);
  expect(replies.send(client)).toBe(0);
  expect(taken.length).toBe(MOST_SENT + SIMPLE_REPLY_BYTES);
  stock.close();
});
