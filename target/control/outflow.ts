// What a client is still to be sent: bytes, and where more come from, a piece at a time.

import { AGAIN, type ByteStream } from "../../link/byte_stream.ts";
import type { Mapping } from "../../sys/memory.ts";

const EMPTY = new Uint8Array(0);

export class Outflow {
  /** The stream took less than it was given: wait until it says that it is writable. */
  blocked = false;
  /** The other end is gone. */
  broken = false;
  private readonly stream: ByteStream;
  /** Where bytes stand while the kernel takes them. */
  private readonly memory: Mapping;
  private bytes: Uint8Array = EMPTY;
  private sent = 0;
  private source: Iterator<string> | null = null;

  constructor(stream: ByteStream, memory: Mapping) {
    this.stream = stream;
    this.memory = memory;
  }

  /** In place of what was to be sent. */
  begin(text: string | Iterator<string>): void {
    this.source = typeof text === "string" ? null : text;
    this.bytes = typeof text === "string" ? new TextEncoder().encode(text) : EMPTY;
    this.sent = 0;
  }

  /** All has gone. */
  get isOver(): boolean {
    return this.source === null && this.sent >= this.bytes.length;
  }

  /** Makes one more piece where none is left, and sends what goes at once. False: nothing was to do. */
  step(): boolean {
    if (this.isOver || this.broken) return false;
    this.blocked = false;
    if (this.sent >= this.bytes.length) {
      const { done, value } = (this.source as Iterator<string>).next();
      if (done === true) this.source = null;
      this.bytes = done === true ? EMPTY : new TextEncoder().encode(value);
      this.sent = 0;
      if (this.bytes.length === 0) return true;
    }
    const { bytes } = this.memory;
    const length = Math.min(this.bytes.length - this.sent, bytes.length);
    bytes.set(this.bytes.subarray(this.sent, this.sent + length));
    const went = this.stream.send(this.memory, 0, length);
    this.blocked = went === AGAIN;
    this.broken = went < 0 && went !== AGAIN;
    if (went > 0) this.sent += went;
    return went > 0;
  }
}
