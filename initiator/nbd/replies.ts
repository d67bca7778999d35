// The replies of one connection that wait to be sent, in the order in which their requests ended. A reply
// is made in its request's own buffer, its header right before the data, and goes out in one call.

import type { ByteStream } from "../../link/byte_stream.ts";
import { DATA_AT } from "./buffers.ts";
import { CMD_READ } from "./protocol.ts";
import { memoryOf, type Slot, type SlotStock } from "./slot.ts";
import {
  CHUNK_BYTES,
  DATA_CHUNK_BYTES,
  emitDataChunk,
  emitEmptyChunk,
  emitErrorChunk,
  emitSimpleReply,
  ERROR_CHUNK_BYTES,
  SIMPLE_REPLY_BYTES,
} from "./transmission.ts";

/** Bytes sent in one go, so that no client keeps frames and the others waiting. */
export const MOST_SENT = 256 * 1024;
/** What `send` returns where the stream would take more than that. */
export const MORE = 1;

/** Bytes of a sentence at most: the smallest buffer holds it. */
const LONGEST_MESSAGE = 1024;

export class Replies {
  size = 0;
  /** The client takes structured replies: reads and errors come as chunks. */
  structured = false;
  private readonly stock: SlotStock;
  private first: Slot | null = null;
  private last: Slot | null = null;

  constructor(stock: SlotStock) {
    this.stock = stock;
  }

  /** It went well; a read's data stand at DATA_AT. */
  done(slot: Slot): void {
    const { view } = memoryOf(slot);
    const { high, low, length } = slot;
    if (slot.type !== CMD_READ || !this.structured) {
      const data = slot.type === CMD_READ ? length : 0;
      slot.replyAt = DATA_AT - SIMPLE_REPLY_BYTES;
      slot.replyLength = emitSimpleReply(view, slot.replyAt, 0, high, low) + data;
    } else if (length === 0) {
      slot.replyAt = DATA_AT - CHUNK_BYTES;
      slot.replyLength = emitEmptyChunk(view, slot.replyAt, high, low);
    } else {
      slot.replyAt = DATA_AT - DATA_CHUNK_BYTES;
      slot.replyLength = emitDataChunk(view, slot.replyAt, high, low, slot.offset, length) + length;
    }
    this.push(slot);
  }

  /** `message` is for the client's user, where it can be sent. */
  failed(slot: Slot, error: number, message: Uint8Array): void {
    const { view } = memoryOf(slot);
    const { high, low } = slot;
    if (this.structured) {
      const text =
        message.length > LONGEST_MESSAGE ? message.subarray(0, LONGEST_MESSAGE) : message;
      slot.replyAt = DATA_AT - ERROR_CHUNK_BYTES;
      slot.replyLength = emitErrorChunk(view, slot.replyAt, error, high, low, text);
    } else {
      slot.replyAt = DATA_AT - SIMPLE_REPLY_BYTES;
      slot.replyLength = emitSimpleReply(view, slot.replyAt, error, high, low);
    }
    this.push(slot);
  }

  private push(slot: Slot): void {
    slot.sent = 0;
    slot.next = null;
    if (this.last === null) this.first = slot;
    else this.last.next = slot;
    this.last = slot;
    this.size++;
  }

  /** Sends what the stream takes and gives the slots back: 0 when all has gone, MORE, AGAIN, or another -errno. */
  send(stream: ByteStream): number {
    let left = MOST_SENT;
    for (let slot = this.first; slot !== null; slot = this.first) {
      const bytes = Math.min(left, slot.replyLength - slot.sent);
      if (bytes === 0) return MORE;
      const sent = stream.send(memoryOf(slot), slot.replyAt + slot.sent, bytes);
      if (sent < 0) return sent;
      slot.sent += sent;
      left -= sent;
      if (slot.sent === slot.replyLength) this.shift(slot);
    }
    return 0;
  }

  /** Nobody will read them: their slots go back. */
  clear(): void {
    for (let slot = this.first; slot !== null; slot = this.first) this.shift(slot);
  }

  private shift(slot: Slot): void {
    this.first = slot.next;
    if (this.first === null) this.last = null;
    this.size--;
    this.stock.give(slot);
  }
}
