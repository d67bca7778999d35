// Rings that the kernel and we share (packet_mmap, TPACKET_V2; linux/if_packet.h).
//
//   receive   block 0                            block 1
//             [ slot | slot | … | slot | unused ][ slot | …          a slot never crosses a block
//
//   slot      +0 status u32 · +4 length u32 · +8 captured u32 · +12 mac u16, where the frame begins
//             +32 sockaddr_ll: packet type u8 @+42 · frame from +66 on, as `mac` says
//
//   transmit  one block, one slot: +0 status · +4 length · +32 frame
//
// V2, not V3: V3 hands over blocks by a timer of 1 ms. Status words change hands: the kernel writes
// USER with a release, we write KERNEL (0) by Atomics.store, which is one too; loads are by
// Atomics, so that no frame is read before its status on a machine that reorders (arm64).

import { allOrNothing } from "./all_or_nothing.ts";
import { EINVAL, ENOMEM, errno, refused } from "./errno.ts";
import { libc } from "./libc.ts";
import { type Mapping, mapShared, PAGE_BYTES } from "./memory.ts";
import { type PacketSocket, SOL_PACKET } from "./packet_socket.ts";

const c = libc({ setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" } });

const PACKET_RX_RING = 5;
const PACKET_VERSION = 10;
const PACKET_TX_RING = 13;
const TPACKET_V2 = 1;
const ALIGNMENT = 16;

/** Offsets in a slot. */
export const STATUS = 0;
export const LENGTH = 4;
export const CAPTURED = 8;
export const MAC = 12;
export const PACKET_TYPE = 42;
/** Where the kernel puts a received frame's first byte when nothing was reserved. */
const RECEIVED_AT = 66;
/** Where it takes a frame to transmit from. */
export const TRANSMIT_AT = 32;

/** Bit of a receive slot's status: the frame is ours until we write KERNEL. */
export const USER = 1;
export const KERNEL = 0;

/** A transmit slot's status, of which only the low three bits count. */
export const AVAILABLE = 0;
export const SEND_REQUEST = 1;
export const WRONG_FORMAT = 4;
export const TRANSMIT_STATUS = 7;

/** Blocks of 64 KiB: order 4, which the kernel finds even in fragmented memory. Larger ones where slots waste them. */
const BLOCK_BYTES = 65_536;
const LARGEST_BLOCK_BYTES = 1 << 20;
/** A ring smaller than this is worse than none. */
const LEAST_BYTES = 262_144;

export interface ReceiveRing {
  readonly memory: Mapping;
  /** The same memory as 32-bit words, for the status words. */
  readonly words: Int32Array;
  /** Byte offset of each slot. */
  readonly offsets: Uint32Array;
  readonly slotBytes: number;
  /** Takes the ring off the socket and unmaps it; no view may be touched afterwards. */
  remove(): void;
}

/** The longest frame that a slot of `slotBytes` takes whole. */
export function longestFrame(slotBytes: number): number {
  return slotBytes - RECEIVED_AT;
}

/** The slot that takes a frame of `bytes` whole. */
export function slotFor(bytes: number): number {
  return Math.ceil((RECEIVED_AT + bytes) / ALIGNMENT) * ALIGNMENT;
}

/** The smallest block of which whole slots fill seven eighths. */
function blockFor(slotBytes: number): number {
  let bytes = BLOCK_BYTES;
  while (bytes < LARGEST_BLOCK_BYTES && (bytes % slotBytes) * 8 > bytes) bytes *= 2;
  return Math.max(bytes, 2 ** Math.ceil(Math.log2(slotBytes)));
}

/** Of a ring with so many slots at least. */
export function ringBytesOf(slots: number, slotBytes: number): number {
  const blockBytes = blockFor(slotBytes);
  return Math.ceil(slots / Math.floor(blockBytes / slotBytes)) * blockBytes;
}

/**
 * Gives `socket` a receive ring of some `bytes` in all, slots of `slotBytes` each; before `bind`.
 * Where the kernel has not that much, half of it, and so on down to 256 KiB.
 */
export function addReceiveRing(
  socket: PacketSocket,
  bytes: number,
  slotBytes: number,
): ReceiveRing {
  const blockBytes = blockFor(slotBytes);
  const perBlock = Math.floor(blockBytes / slotBytes);
  let blocks = Math.max(1, Math.floor(bytes / blockBytes));
  for (;;) {
    const code = request(
      socket.fd,
      PACKET_RX_RING,
      blockBytes,
      blocks,
      slotBytes,
      blocks * perBlock,
    );
    if (code === 0) break;
    const smaller = Math.floor(blocks / 2);
    if ((code !== ENOMEM && code !== EINVAL) || smaller * blockBytes < LEAST_BYTES) {
      throw refused(`can't make a receive ring of ${blocks * blockBytes} bytes`, code);
    }
    blocks = smaller;
  }
  const memory = mapRing(socket, blocks * blockBytes);
  const offsets = new Uint32Array(blocks * perBlock);
  for (let slot = 0; slot < offsets.length; slot++) {
    offsets[slot] = Math.floor(slot / perBlock) * blockBytes + (slot % perBlock) * slotBytes;
  }
  return {
    memory,
    words: new Int32Array(memory.bytes.buffer),
    offsets,
    slotBytes,
    remove() {
      memory.unmap();
      request(socket.fd, PACKET_RX_RING, 0, 0, 0, 0);
    },
  };
}

/** Without the mapping there is no ring either, so that a smaller one can be asked for. */
function mapRing(socket: PacketSocket, bytes: number): Mapping {
  return allOrNothing((undo) => {
    undo(() => request(socket.fd, PACKET_RX_RING, 0, 0, 0, 0));
    return mapShared(socket.fd, bytes);
  });
}

/** A ring of one slot that takes a frame of `frameBytes`; the frame stands at TRANSMIT_AT. */
export function addTransmitSlot(socket: PacketSocket, frameBytes: number): Mapping {
  const bytes = Math.ceil((TRANSMIT_AT + frameBytes) / PAGE_BYTES) * PAGE_BYTES;
  const code = request(socket.fd, PACKET_TX_RING, bytes, 1, bytes, 1);
  if (code !== 0) throw refused(`can't make a transmit ring of ${bytes} bytes`, code);
  return mapShared(socket.fd, bytes);
}

/** struct tpacket_req: block size, block count, frame size, frame count. Returns 0 or the errno. */
function request(
  fd: number,
  ring: number,
  blockBytes: number,
  blocks: number,
  slotBytes: number,
  slots: number,
): number {
  // Arguments of a call only: the kernel keeps none of them, so JS arrays will do.
  const version = new Uint32Array([TPACKET_V2]);
  if (blocks > 0 && c.setsockopt(fd, SOL_PACKET, PACKET_VERSION, version, 4) < 0) return errno();
  const geometry = new Uint32Array([blockBytes, blocks, slotBytes, slots]);
  return c.setsockopt(fd, SOL_PACKET, ring, geometry, 16) < 0 ? errno() : 0;
}
