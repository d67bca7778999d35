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
// says when they may. Source: net/xdp/xsk.c, __xsk_generic_xmit.

import { EAGAIN, EBUSY, ENETDOWN, ENXIO } from "./errno.ts";
import { copyAddressed } from "./memcpy.ts";
import { type Mapping, mapMemory } from "./memory.ts";
import { openXdpRings, type XdpRings } from "./xdp_rings.ts";

/**
 * Frames that may wait for a kick, or be with a device that sends from them; a power of two. Few: the memory is locked,
 * of which a user may have 8 MiB in all.
 */
export const XDP_SLOTS = 8;
/** The least that the kernel takes as a chunk. */
export const XDP_SLOT_BYTES = 2048;
/** Frames that a slow device may have released unread: more than a driver's own queue. */
const COMPLETIONS = 4096;
/** struct xdp_desc in words, and the word that is the length. */
const WORDS = 4;
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
  let memory: Mapping | null = null;
  try {
    memory = mapMemory(XDP_SLOTS * XDP_SLOT_BYTES);
  } catch {
    return null;
  }
  const shape = { chunkBytes: XDP_SLOT_BYTES, slots: XDP_SLOTS, completions: COMPLETIONS };
  const rings = openXdpRings(memory, shape, index, sendBufferBytes);
  if (rings !== null) return sender(memory, rings);
  memory.unmap();
  return null;
}

/** Descriptor i names chunk i for good. */
function nameChunks(words: Int32Array, descriptors: number): void {
  for (let slot = 0; slot < XDP_SLOTS; slot++) {
    words[descriptors + slot * WORDS] = slot * XDP_SLOT_BYTES;
  }
}

/** What the kernel has published did leave; it may have taken more. */
function surelyTaken(put: number, waiting: number, published: number): number {
  return (put - Math.min(waiting, (put - published) | 0)) | 0;
}

function sender(memory: Mapping, rings: XdpRings): XdpSender {
  const { words, producer, consumer, descriptors, done, doneProducer, doneConsumer } = rings;
  nameChunks(words, descriptors);
  /** How many frames were ever put, and left, modulo 2^32. */
  let put = 0;
  let taken = 0;
  let dropped = 0;
  let broken = false;

  function breakOff(code: number): number {
    broken = true;
    taken = surelyTaken(put, ((put - taken) | 0) - dropped, Atomics.load(words, consumer));
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
        const code = rings.kick();
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
      rings.close();
      memory.unmap();
    },
  };
}
