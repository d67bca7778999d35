// One request of a client, from its header to the last byte of its reply: command, buffer, reply. Slots are
// used again for ever; a connection has at most MOST_REQUESTS of them.

import type { AddressedMemory } from "../../link/addressed_memory.ts";
import { Command } from "../protocol/command.ts";
import { NO_MEMORY, NO_ROOM, type RequestBuffer, RequestBuffers } from "./buffers.ts";
import { CMD_FLAG_FUA, CMD_READ } from "./protocol.ts";
import type { Refusal } from "./request_check.ts";
import {
  cookieHigh,
  cookieLow,
  requestFlags,
  requestLength,
  requestOffset,
  requestType,
} from "./transmission.ts";

/** Requests that one client may have in hand; more wait in its socket. */
export const MOST_REQUESTS = 128;

export class Slot {
  readonly command = new Command();
  buffer: RequestBuffer | null = null;
  type = CMD_READ;
  /** To be flushed before it is answered. */
  fua = false;
  /** The client's cookie, in halves. */
  high = 0;
  low = 0;
  offset = 0;
  length = 0;
  /** Bytes of payload received, or of zeroes written. */
  progress = 0;
  refusal: Refusal | null = null;
  /** The reply: where it stands in the buffer, and how much of it has gone. */
  replyAt = 0;
  replyLength = 0;
  sent = 0;
  next: Slot | null = null;
}

export class SlotStock {
  /** By the cookie of their commands. */
  readonly slots: Slot[] = [];
  /** A slot or its memory came back since this was last set to false. */
  freed = false;
  private readonly buffers = new RequestBuffers();
  private readonly done: (command: Command) => void;
  private free: Slot | null = null;

  /** `done` is shared by all their commands. */
  constructor(done: (command: Command) => void) {
    this.done = done;
  }

  /** A slot with a buffer for `bytes` of data; NO_ROOM: others must end first. */
  take(bytes: number): Slot | typeof NO_ROOM | typeof NO_MEMORY {
    if (this.free === null && this.slots.length >= MOST_REQUESTS) return NO_ROOM;
    const buffer = this.buffers.take(bytes);
    if (buffer === NO_ROOM || buffer === NO_MEMORY) return buffer;
    const slot = this.free ?? this.make();
    this.free = slot.next;
    slot.next = null;
    slot.buffer = buffer;
    return slot;
  }

  give(slot: Slot): void {
    if (slot.buffer === null) throw new Error("invariant: a slot is given back once");
    this.buffers.give(slot.buffer);
    slot.buffer = null;
    slot.refusal = null;
    slot.next = this.free;
    this.free = slot;
    this.freed = true;
  }

  /** Unmaps their memory; all must be back. */
  close(): void {
    this.buffers.close();
  }

  private make(): Slot {
    const slot = new Slot();
    slot.command.cookie = this.slots.length;
    slot.command.done = this.done;
    this.slots.push(slot);
    return slot;
  }
}

export function memoryOf(slot: Slot): AddressedMemory {
  if (slot.buffer === null) throw new Error("invariant: a request in hand has its buffer");
  return slot.buffer.memory;
}

/** Takes over what the request at `at` says. */
export function fillSlot(slot: Slot, view: DataView, at: number): void {
  slot.type = requestType(view, at);
  slot.fua = (requestFlags(view, at) & CMD_FLAG_FUA) !== 0;
  slot.high = cookieHigh(view, at);
  slot.low = cookieLow(view, at);
  slot.offset = requestOffset(view, at);
  slot.length = requestLength(view, at);
  slot.progress = 0;
}
