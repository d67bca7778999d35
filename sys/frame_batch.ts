// Frames that one system call hands to the kernel: sendmmsg(2) on a packet socket.
//
//   slot i   [ struct virtio_net_hdr | … | copied: the frame, or its first part ]
//   mmsghdr i ─▶ iovec 3i header (linear_sender.ts) · 3i+1 slot · 3i+2 the second part
//
// A second part is read when the batch goes, and may be gone by then: the kernel says EFAULT for
// that frame. One that has to wait for longer is copied into its slot by `keep`, also by a system
// call, since a load of our own on a page that is gone would end the process.
//
// The kernel stops at the first frame that it refuses and says how many went before; why, only
// when that frame is the first. Source: net/socket.c, __sys_sendmmsg.

import { I64, libc, pointer } from "./libc.ts";
import { copyAddressed } from "./memcpy.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  process_vm_readv: { args: ["i32", "ptr", I64, "ptr", I64, I64], returns: "i32" },
});

const MSG_DONTWAIT = 0x40;
/** Frames of one batch. */
export const BATCH_FRAMES = 16;
/** The longest frame. */
export const BATCH_FRAME_BYTES = 16_000;

const SLOT_BYTES = 16_384;
/** struct virtio_net_hdr: hdr_len @2, else zero. The frame begins on a cache line. */
const HEADER_BYTES = 10;
const FRAME_AT = 64;
/** struct mmsghdr and three struct iovec of each frame, in words. */
const MESSAGE = 16;
const PART = 4;
const PARTS = BATCH_FRAMES * MESSAGE;
/** One more struct iovec, of `keep`. */
const LOCAL = PARTS + BATCH_FRAMES * 3 * PART;
const TABLE_WORDS = LOCAL + PART;
/** Of a slot, in half-words. */
const HALVES = SLOT_BYTES / 2;
const HIGH = 0x1_0000_0000;

export interface FrameBatch {
  /** Frames that have not left. */
  readonly waiting: number;
  /** Takes a copy of a frame, for which there is room; `headed`: for a PACKET_VNET_HDR socket. */
  put(headed: boolean, address: number, length: number): void;
  /** The same of a frame in two parts, of which only the first is copied. */
  putBoth(headed: boolean, first: number, length: number, second: number, bytes: number): void;
  /** Hands all to `fd`: how many left. Where it is not all, the first that waits was refused. */
  go(fd: number): number;
  /** Of the first that waits: its two parts; `secondLength` 0: there is one. */
  readonly first: number;
  readonly firstLength: number;
  readonly second: number;
  readonly secondLength: number;
  /** The first that waits is none of ours any more. */
  skip(): void;
  /** Makes every second part a copy; one that can't be read now is one that never can. */
  keep(): void;
  /** Nothing may be put into it any more. */
  close(): void;
}

export function createFrameBatch(): FrameBatch {
  return new Batch();
}

class Batch implements FrameBatch {
  private readonly slots = mapMemory(BATCH_FRAMES * SLOT_BYTES);
  private readonly table = mapMemory(TABLE_WORDS * 4);
  private readonly words = new Uint32Array(this.table.bytes.buffer, 0, TABLE_WORDS);
  private readonly headers = new Uint16Array(this.slots.bytes.buffer, 0, BATCH_FRAMES * HALVES);
  private count = 0;
  private gone = 0;

  constructor() {
    for (let frame = 0; frame < BATCH_FRAMES; frame++) {
      this.write(partOf(frame, 0), this.slotOf(frame) - FRAME_AT, HEADER_BYTES);
    }
  }

  get waiting(): number {
    return this.count - this.gone;
  }
  get first(): number {
    return this.slotOf(this.gone);
  }
  get firstLength(): number {
    return this.lengthAt(this.gone, 1);
  }
  get second(): number {
    return this.read(partOf(this.gone, 2));
  }
  get secondLength(): number {
    return this.lengthAt(this.gone, 2);
  }

  put(headed: boolean, address: number, length: number): void {
    this.begin(headed, address, length, 1, length);
    this.write(partOf(this.count++, 2), 0, 0);
  }

  putBoth(headed: boolean, first: number, length: number, second: number, bytes: number): void {
    this.begin(headed, first, length, 2, length + bytes);
    this.write(partOf(this.count++, 2), second, bytes);
  }

  go(fd: number): number {
    const vector = pointer(this.table.address + this.gone * MESSAGE * 4);
    const sent = c.sendmmsg(fd, vector, this.waiting, MSG_DONTWAIT);
    if (sent <= 0) return 0;
    this.drop(sent);
    return sent;
  }

  skip(): void {
    this.drop(1);
  }

  keep(): void {
    for (let frame = this.gone; frame < this.count; frame++) {
      const bytes = this.lengthAt(frame, 2);
      if (bytes === 0) continue;
      const length = this.lengthAt(frame, 1);
      const to = this.slotOf(frame) + length;
      this.write(LOCAL, to, bytes);
      // Other memory may stand there by the time that it is sent.
      const read = this.readInto(frame) === bytes;
      this.write(partOf(frame, 2), 0, read ? 0 : bytes);
      if (read) this.write(partOf(frame, 1), this.slotOf(frame), length + bytes);
    }
  }

  close(): void {
    this.slots.unmap();
    this.table.unmap();
  }

  /** The second part of `frame` to where LOCAL says. */
  private readInto(frame: number): number {
    const local = pointer(this.table.address + LOCAL * 4);
    const remote = pointer(this.table.address + partOf(frame, 2) * 4);
    return c.process_vm_readv(process.pid, local, 1, remote, 1, 0);
  }

  private begin(
    headed: boolean,
    address: number,
    length: number,
    parts: number,
    whole: number,
  ): void {
    const { count, words } = this;
    const slot = this.slotOf(count);
    copyAddressed(slot, address, length);
    this.write(partOf(count, 1), slot, length);
    if (headed) this.headers[count * HALVES + 1] = whole;
    const at = count * MESSAGE;
    const iovec = this.table.address + partOf(count, headed ? 0 : 1) * 4;
    words[at + 4] = iovec % HIGH;
    words[at + 5] = iovec / HIGH;
    words[at + 6] = headed ? parts + 1 : parts;
  }

  private drop(frames: number): void {
    this.gone += frames;
    if (this.gone === this.count) this.gone = this.count = 0;
  }

  private slotOf(frame: number): number {
    return this.slots.address + frame * SLOT_BYTES + FRAME_AT;
  }

  private lengthAt(frame: number, part: number): number {
    return this.words[partOf(frame, part) + 2] ?? 0;
  }

  private write(at: number, address: number, length: number): void {
    this.words[at] = address % HIGH;
    this.words[at + 1] = address / HIGH;
    this.words[at + 2] = length;
  }

  private read(at: number): number {
    return (this.words[at] ?? 0) + (this.words[at + 1] ?? 0) * HIGH;
  }
}

function partOf(frame: number, part: number): number {
  return PARTS + (frame * 3 + part) * PART;
}
