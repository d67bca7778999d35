// Bytes between a stream and those who read or write them in whole pieces: one mapping, filled at
// the end, emptied at the start, moved to the front when the end comes near.
//
//   0        from          to        capacity
//   [ gone  | waiting      | free         ]
//
// At least half of the capacity is contiguous for what is waiting and what comes.

import { type AddressedMemory, addressedMemory } from "../../link/addressed_memory.ts";
import { AGAIN, type ByteStream } from "../../link/byte_stream.ts";

export class StreamBuffer {
  readonly memory: AddressedMemory;
  from = 0;
  to = 0;

  constructor(capacity: number) {
    this.memory = addressedMemory(capacity);
  }

  get size(): number {
    return this.to - this.from;
  }
  /** Bytes that may be written at `to`. */
  get room(): number {
    return this.memory.bytes.length - this.to;
  }

  consume(bytes: number): void {
    this.from += bytes;
    if (this.from === this.to) {
      this.from = 0;
      this.to = 0;
    }
  }

  /** Moves what is waiting to the front where too little room is left behind it. */
  compact(): void {
    if (this.from === 0 || this.from <= this.memory.bytes.length / 2) return;
    this.memory.bytes.copyWithin(0, this.from, this.to);
    this.to -= this.from;
    this.from = 0;
  }

  /** As ByteStream.receive, for as much as there is room. */
  fill(stream: ByteStream): number {
    this.compact();
    const taken = stream.receive(this.memory, this.to, this.room);
    if (taken > 0) this.to += taken;
    return taken;
  }

  /** Sends what is waiting: 0, AGAIN where some is left, or another -errno. */
  drain(stream: ByteStream): number {
    while (this.size > 0) {
      const sent = stream.send(this.memory, this.from, this.size);
      if (sent < 0) return sent;
      if (sent === 0) return AGAIN;
      this.consume(sent);
    }
    return 0;
  }

  unmap(): void {
    this.memory.unmap();
  }
}
