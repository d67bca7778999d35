// A raw sender that takes many frames in one system call and leaves out the stack's layers above the driver: the
// transmit half of an AF_XDP socket, in copy mode, which every device has.
//
//   memory   8 chunks of 2048 bytes, shared with the kernel; a frame never crosses one
//   TX ring  descriptor i names chunk i for good: address u64 · length u32 · options u32
//            we move the producer; the kernel takes frames within `kick`, and moves the consumer
//   completion ring  addresses of frames that the device released, of which only the number counts. Most devices get a
//            copy; virtio_net sends from the chunk itself. So a chunk is written again only when all that were put
//            so long before have been released
//
// What the kernel has looked at can't be taken back: it remembers, between calls, how far it has read the ring and how
// far that was filled, and publishes its consumer only when it has found the ring empty. So a kick that is not
// over when it ends (the device's queue or the socket's memory is full) breaks the sender: a frame that would leave
// some time later is worse than a lost one. Only an interface that is down or gone is told before the kernel looks.
//
// Measured over a veth, ns a frame, by send(2) and in kicks of 1, 4 and 16 frames: 60 bytes 2353, 2244, 1546, 1383;
// 548 bytes 2452, 2368, 1582, 1455; 1060 bytes 2265, 2284, 1636, 1506; 2000 bytes 2621, 3173, 2475, 2313.
//
// Such frames bypass the interface's queue discipline, its egress hooks and the captures on this host: link/xdp_gate.ts
// says when they may. One socket may have an interface's queue. Needs CAP_NET_RAW
// and no BPF program, since it hears nothing. Source: net/xdp/xsk.c, __xsk_generic_xmit; net/xdp/xsk_queue.h.

import { EAGAIN, EBUSY, ENETDOWN, ENXIO, errno } from "./errno.ts";
import { libc } from "./libc.ts";
import { copyAddressed } from "./memcpy.ts";
import { type Mapping, mapMemory, mapShared } from "./memory.ts";
import { growSocketBuffer, SEND_BUFFER } from "./socket_buffer.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_XDP = 44;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const SOL_XDP = 283;
const XDP_MMAP_OFFSETS = 1;
const XDP_TX_RING = 3;
const XDP_UMEM_REG = 4;
const XDP_UMEM_FILL_RING = 5;
const XDP_UMEM_COMPLETION_RING = 6;
const XDP_COPY = 1 << 1;
const PGOFF_TX_RING = 0x8000_0000;
const PGOFF_COMPLETION_RING = 0x1_8000_0000;

/**
 * Frames that may wait for a kick, or be with a device that sends from them; a power of two. Few: the memory is locked,
 * of which a user may have 8 MiB in all.
 */
export const XDP_SLOTS = 8;
/** The least that the kernel takes as a chunk. */
export const XDP_SLOT_BYTES = 2048;
/** Frames that a slow device may have released unread: more than a driver's own queue. */
const COMPLETIONS = 4096;
/** struct xdp_desc, in bytes and in words, and the word that is the length. */
const DESCRIPTOR = 16;
const WORDS = DESCRIPTOR / 4;
const LENGTH = 2;

export interface XdpSender {
  /** Frames that wait for `kick`; after one that broke the sender: frames that may not have left. */
  readonly waiting: number;
  /** For good: it is to be closed. */
  readonly broken: boolean;
  /** Whether a frame may be put: fewer than XDP_SLOTS wait or are with the device. */
  readonly hasRoom: boolean;
  /** Takes a copy of a frame of at most XDP_SLOT_BYTES, for which there is room. */
  put(address: number, length: number): void;
  /**
   * Hands all that waits to the device; 0, or the errno, with which either the sender is broken or none has left. Frames that
   * the device dropped are gone and counted.
   */
  kick(): number;
  /** Of the waiting frames, from 0: where the copy stands, and how long it is. */
  addressOf(waiting: number): number;
  lengthOf(waiting: number): number;
  /** Those that wait are not to be sent. */
  forget(): void;
  /** Frames that the device dropped since the last call. */
  takeDropped(): number;
  close(): void;
}

/** For frames that leave by interface `index`; null where there can be none: no such socket, no memory, queue taken. */
export function openXdpSender(index: number, sendBufferBytes: number): XdpSender | null {
  const fd = c.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) return null;
  const maps: Mapping[] = [];
  try {
    // Frames that a device holds count against it.
    growSocketBuffer(fd, SEND_BUFFER, sendBufferBytes);
    const sender = prepare(fd, index, maps);
    if (sender !== null) return sender;
  } catch {}
  close(fd, maps);
  return null;
}

function close(fd: number, maps: readonly Mapping[]): void {
  c.close(fd);
  for (const map of maps) map.unmap();
}

function prepare(fd: number, index: number, maps: Mapping[]): XdpSender | null {
  const memory = mapMemory(XDP_SLOTS * XDP_SLOT_BYTES);
  maps.push(memory);
  // struct xdp_umem_reg: address u64 @0, length u64 @8, chunk u32 @16, headroom u32 @20, flags u32 @24.
  const umem = new DataView(new ArrayBuffer(32));
  umem.setBigUint64(0, BigInt(memory.address), true);
  umem.setUint32(8, memory.bytes.length, true);
  umem.setUint32(16, XDP_SLOT_BYTES, true);
  const set = (option: number, value: ArrayBufferLike) =>
    c.setsockopt(fd, SOL_XDP, option, new Uint8Array(value), value.byteLength) === 0;
  const made =
    set(XDP_UMEM_REG, umem.buffer) &&
    set(XDP_UMEM_FILL_RING, new Uint32Array([XDP_SLOTS]).buffer) &&
    set(XDP_UMEM_COMPLETION_RING, new Uint32Array([COMPLETIONS]).buffer) &&
    set(XDP_TX_RING, new Uint32Array([XDP_SLOTS]).buffer);
  if (!made) return null;
  // struct xdp_mmap_offsets, since Linux 5.4: of rx, tx, fill and completion: producer, consumer, descriptors, flags.
  const offsets = new Uint32Array(32);
  const size = new Uint32Array([offsets.byteLength]);
  if (c.getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, offsets, size) < 0) return null;
  if (size[0] !== offsets.byteLength) return null;
  const offset = (ring: number, field: number) => offsets[ring * 8 + field * 2] ?? 0;
  const ring = mapShared(fd, offset(1, 2) + XDP_SLOTS * DESCRIPTOR, PGOFF_TX_RING);
  maps.push(ring);
  const completions = mapShared(fd, offset(3, 2) + COMPLETIONS * 8, PGOFF_COMPLETION_RING);
  maps.push(completions);
  // struct sockaddr_xdp: family u16 @0, flags u16 @2, ifindex u32 @4, queue u32 @8, shared umem's fd u32 @12.
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, AF_XDP, true);
  address.setUint16(2, XDP_COPY, true);
  address.setUint32(4, index, true);
  if (c.bind(fd, new Uint8Array(address.buffer), 16) < 0) return null;
  return sender(fd, memory, ring, completions, offset, maps);
}

function sender(
  fd: number,
  memory: Mapping,
  ring: Mapping,
  completions: Mapping,
  offset: (ring: number, field: number) => number,
  maps: readonly Mapping[],
): XdpSender {
  const words = new Int32Array(ring.bytes.buffer, 0, ring.bytes.length >> 2);
  const done = new Int32Array(completions.bytes.buffer, 0, completions.bytes.length >> 2);
  const producer = offset(1, 0) >> 2;
  const consumer = offset(1, 1) >> 2;
  const descriptors = offset(1, 2) >> 2;
  const doneProducer = offset(3, 0) >> 2;
  const doneConsumer = offset(3, 1) >> 2;
  for (let slot = 0; slot < XDP_SLOTS; slot++) {
    words[descriptors + slot * WORDS] = slot * XDP_SLOT_BYTES;
  }
  /** How many frames were ever put, and left, modulo 2^32. */
  let put = 0;
  let taken = 0;
  let dropped = 0;
  let broken = false;

  function breakOff(code: number): number {
    broken = true;
    // What the kernel has published did leave; it may have taken more.
    const unpublished = (put - Atomics.load(words, consumer)) | 0;
    taken = (put - Math.min(((put - taken) | 0) - dropped, unpublished)) | 0;
    return code;
  }

  return {
    get hasRoom() {
      return ((put - Atomics.load(done, doneProducer)) | 0) < XDP_SLOTS;
    },
    get waiting() {
      return (put - taken) | 0;
    },
    get broken() {
      return broken;
    },
    put(address, length) {
      const slot = put & (XDP_SLOTS - 1);
      copyAddressed(memory.address + slot * XDP_SLOT_BYTES, address, length);
      words[descriptors + slot * WORDS + LENGTH] = length;
      put = (put + 1) | 0;
    },
    kick() {
      Atomics.store(words, producer, put);
      // Each EBUSY is one frame that the device dropped; the call after the last of them finds the ring empty.
      for (let left = (put - taken) | 0, first = true; left >= 0; left--, first = false) {
        const code = c.send(fd, null, 0, MSG_DONTWAIT) < 0 ? errno() : 0;
        Atomics.store(done, doneConsumer, Atomics.load(done, doneProducer));
        if (code === EBUSY) {
          dropped++;
          continue;
        }
        if (code === 0 && Atomics.load(words, consumer) === put) {
          taken = put;
          return 0;
        }
        if (first && (code === ENETDOWN || code === ENXIO)) {
          Atomics.store(words, producer, taken);
          return code;
        }
        return breakOff(code === 0 ? EAGAIN : code);
      }
      return breakOff(EBUSY);
    },
    addressOf: (waiting) => memory.address + ((taken + waiting) & (XDP_SLOTS - 1)) * XDP_SLOT_BYTES,
    lengthOf: (waiting) =>
      words[descriptors + ((taken + waiting) & (XDP_SLOTS - 1)) * WORDS + LENGTH] ?? 0,
    forget() {
      put = taken;
    },
    takeDropped() {
      const since = dropped;
      dropped = 0;
      return since;
    },
    close() {
      close(fd, maps);
    },
  };
}
