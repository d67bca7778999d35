// Frames over a raw socket whose transmit buffers are the chunks of an AF_XDP socket: pinned from
// the moment that they
// stand in its TX ring until the completion ring names them. The third real pin, beside the model
// and ring.ts.
//
//   idle ──transmit──▶ TX ring ──kick──▶ the driver ──skb destructor──▶ completion ring
// ──reclaim──▶ idle
//    (0)               pinned             pinned                          pinned
//
// A buffer is a run of chunks of 4 KiB, and begins with one. A frame that fits a chunk leaves from
// there; a longer one
// leaves by an ordinary packet socket, which copies it: not pinned, counted by `copied`.
//
// Both rings have an entry for each chunk, and a pinned buffer is not sent again: neither is ever
// full. What can go
// wrong with a kick, and what is done then:
//   no room (EAGAIN, ENOBUFS)  the frame stands in the ring, sent and pinned; `flush` and
// `reclaim` kick again
//   the device drops (EBUSY)   lost, counted; the completion ring names it like any other
//   interface down or gone     the kernel has not looked: taken back, lost, counted
// Another interface of that name gets a new socket, over the same memory; where it has none to
// give all frames are
// copied, and the user is told. A socket that has the queue already refuses the link.
//
// In copy mode, which every device has: the kernel copies a frame and still holds its chunk till
// the driver lets go.
// The kernel may write the addresses when it takes the frames, and only move the ring's producer
// when a frame ends: then
// frames are named in the order in which they were sent, also where a driver lets go in another.
// Such frames bypass the interface's root queue discipline. The memory is locked: 4 MiB, or less
// where less is granted.

import { allOrNothing } from "../sys/all_or_nothing.ts";
import { now } from "../sys/clock.ts";
import { EBUSY, EMSGSIZE, ENETDOWN, ENXIO } from "../sys/errno.ts";
import { type Mapping, mapMemory } from "../sys/memory.ts";
import { openPacketSocket } from "../sys/packet_socket.ts";
import { openXdpRings, type XdpRings } from "../sys/xdp_rings.ts";
import * as ethernet from "../wire/ethernet.ts";
import { environment } from "../words/failure.ts";
import type { Link, TxBuffer } from "./link.ts";
import { isRefused, meansBusy } from "./packet.ts";
import type { PacketOptions } from "./packet_options.ts";
import { openPacketReceiver, type RawLinkFacts } from "./packet_receiver.ts";
import { Pinned } from "./pinned.ts";
import { Refusals } from "./refusals.ts";

export const CHUNK_BYTES = 4096;
const MOST_CHUNKS = 1024;
const LEAST_CHUNKS = 64;
/**
 * A socket that was closed gives its queue back a moment later, by a worker of the
 * kernel's; 1 ms between two.
 */
const TRIES = 20;
const DEFAULT_BUDGET = 64 << 20;
/** Words of a descriptor, and the word that is the length. */
const WORDS = 4;
const LENGTH = 2;

interface ChunkBuffer extends TxBuffer {
  pins: number;
  place: number;
  /** Where it begins in the memory. */
  readonly offset: number;
  live: boolean;
}

export interface XdpLink extends Link, RawLinkFacts {
  /** Buffers that the kernel holds now, as of the last `reclaim`. */
  readonly pinned: readonly TxBuffer[];
  /** Frames that left by the ordinary socket, too long for a chunk or without AF_XDP. */
  readonly copied: number;
}

/**
 * Opens an interface. Throws an environment failure: no such interface, no permission, no
 * AF_XDP there now.
 */
export function openXdpLink(options: PacketOptions): XdpLink {
  return allOrNothing((undo) => open(options, undo));
}

/** As much memory as may be locked, and the rings over it. */
function openChunks(index: number, sendBufferBytes: number): [Mapping, XdpRings] | null {
  for (let chunks = MOST_CHUNKS; chunks >= LEAST_CHUNKS; chunks /= 2) {
    const memory = mapMemory(chunks * CHUNK_BYTES);
    const rings = openXdpRings(memory, shapeOf(chunks), index, sendBufferBytes);
    if (rings !== null) return [memory, rings];
    memory.unmap();
  }
  return null;
}

function shapeOf(chunks: number) {
  return { chunkBytes: CHUNK_BYTES, slots: chunks, completions: chunks };
}

function open(options: PacketOptions, undo: (giveBack: () => void) => void): XdpLink {
  const receiver = openPacketReceiver(options);
  undo(() => receiver.close());
  const { sendBufferBytes } = receiver.granted;
  const ordinary = openPacketSocket();
  undo(() => ordinary.close());
  ordinary.growSendBuffer(sendBufferBytes);
  ordinary.bind(receiver.transmitIndex, 0);
  const name = options.transmitInterface ?? receiver.interface;
  let opened = openChunks(receiver.transmitIndex, sendBufferBytes);
  for (let tries = TRIES; opened === null && tries > 1; tries--) {
    Bun.sleepSync(1);
    opened = openChunks(receiver.transmitIndex, sendBufferBytes);
  }
  if (opened === null) {
    throw environment(
      `No AF_XDP on ${name}, where another socket has its queue or the kernel grants none`,
    );
  }
  const [memory] = opened;
  const chunks = memory.bytes.length / CHUNK_BYTES;
  let rings: XdpRings | null = opened[1];
  const { counters } = receiver;
  const budgetBytes = options.budgetBytes ?? DEFAULT_BUDGET;
  const buffers: ChunkBuffer[] = [];
  /** Idle ones by size. */
  const idle = new Map<number, ChunkBuffer[]>();
  const ownerOf: ChunkBuffer[] = [];
  const pinned = new Pinned<ChunkBuffer>();
  const refusals = new Refusals();
  let liveBytes = 0;
  let usedChunks = 0;
  /** Descriptors ever put, and completions ever read, modulo 2^32. */
  let put = 0;
  let seen = 0;
  /** Frames stand in the TX ring that the kernel had no room for. */
  let unsent = false;
  let releasedByMove = 0;
  let copied = 0;

  function make(size: number): ChunkBuffer | null {
    const run = Math.ceil(size / CHUNK_BYTES);
    if (usedChunks + run > chunks) return null;
    const offset = usedChunks * CHUNK_BYTES;
    usedChunks += run;
    const { buffer } = memory.bytes;
    const made: ChunkBuffer = {
      index: buffers.length,
      bytes: new Uint8Array(buffer, offset, size),
      view: new DataView(buffer, offset, size),
      address: memory.address + offset,
      pins: 0,
      place: -1,
      offset,
      live: false,
    };
    buffers.push(made);
    ownerOf[offset / CHUNK_BYTES] = made;
    return made;
  }

  receiver.onMoved = () => {
    ordinary.bind(receiver.transmitIndex, 0);
    // The interface is gone, and its frames with it.
    rings?.close();
    releasedByMove += pinned.all.length;
    for (let last = pinned.all.at(-1); last !== undefined; last = pinned.all.at(-1)) {
      pinned.unpin(last);
    }
    put = seen = 0;
    unsent = false;
    rings = openXdpRings(memory, shapeOf(chunks), receiver.transmitIndex, sendBufferBytes);
    if (rings === null) options.onNotice?.(`No AF_XDP on the new ${name}: frames are copied`);
  };

  function mine(buffer: TxBuffer): ChunkBuffer {
    const found = buffers[buffer.index];
    if (found !== buffer || !found.live) {
      throw new Error(`invariant: buffer ${buffer.index} is not allocated from this link`);
    }
    return found;
  }

  function lost(code: number): true {
    counters.transmitErrors++;
    counters.lastErrno = code;
    return true;
  }

  function busy(): false {
    counters.transmitBusy++;
    return false;
  }

  /** 0, or the errno with which the kernel did not look at the ring. */
  function kick(to: XdpRings): number {
    for (let left = pinned.all.length + 1; left >= 0; left--) {
      const code = to.kick();
      if (code === ENETDOWN || code === ENXIO) return code;
      if (code !== EBUSY) break;
      // One frame that was said to be sent was dropped, and those behind it wait for the next call.
      counters.transmitted--;
      lost(EBUSY);
    }
    unsent = Atomics.load(to.words, to.consumer) !== put;
    return 0;
  }

  function copy(buffer: ChunkBuffer, length: number): boolean {
    const code = ordinary.send(buffer.address, length);
    if (code === 0) {
      counters.transmitted++;
      copied++;
      refusals.sent(length);
      return true;
    }
    if (meansBusy(code) && !(isRefused(code) && refusals.refused(length, now()))) return busy();
    return lost(code);
  }

  function transmit(buffer: TxBuffer, length: number): boolean {
    if (receiver.closed) throw new Error("invariant: transmit on a closed link");
    const owner = mine(buffer);
    if (length < ethernet.LENGTH || length > owner.bytes.length) {
      throw new Error(`invariant: frame of ${length} bytes in ${owner.bytes.length}`);
    }
    // The kernel may still read it: this frame waits, and what is held is not touched.
    if (owner.pins > 0) return busy();
    if (rings === null || length > CHUNK_BYTES) return copy(owner, length);
    // AF_XDP itself does not look at the MTU.
    if (length > receiver.mtu + ethernet.LENGTH) return lost(EMSGSIZE);
    const { words, producer } = rings;
    const at = rings.descriptors + (put & (chunks - 1)) * WORDS;
    words[at] = owner.offset;
    words[at + LENGTH] = length;
    put = (put + 1) | 0;
    Atomics.store(words, producer, put);
    pinned.pin(owner);
    counters.transmitted++;
    const code = kick(rings);
    if (code === 0) return true;
    put = (put - 1) | 0;
    Atomics.store(words, producer, put);
    pinned.unpin(owner);
    counters.transmitted--;
    return lost(code);
  }

  function flush(): void {
    if (unsent && rings !== null) kick(rings);
  }

  function reclaim(): number {
    if (receiver.closed) return 0;
    flush();
    let released = releasedByMove;
    releasedByMove = 0;
    if (rings !== null) {
      const { done, doneAddresses } = rings;
      const until = Atomics.load(done, rings.doneProducer);
      for (; seen !== until; seen = (seen + 1) | 0) {
        const offset = done[doneAddresses + (seen & (chunks - 1)) * 2] ?? 0;
        const owner = ownerOf[offset / CHUNK_BYTES];
        if (owner === undefined || owner.pins === 0) continue;
        pinned.unpin(owner);
        released++;
      }
      Atomics.store(done, rings.doneConsumer, seen);
    }
    if (released > 0) pinned.hasMoved();
    return released;
  }

  const closeReceiver = receiver.close;
  const link = Object.assign(receiver, {
    pinned: pinned.all,
    copied: 0,
    allocate(size: number) {
      if (size <= 0 || liveBytes + size > budgetBytes) return null;
      const buffer = idle.get(size)?.pop() ?? make(size);
      if (buffer === null) return null;
      buffer.live = true;
      liveBytes += size;
      return buffer;
    },
    free(buffer: TxBuffer) {
      const owner = mine(buffer);
      if (owner.pins !== 0) throw new Error(`invariant: buffer ${owner.index} freed while pinned`);
      owner.live = false;
      liveBytes -= owner.bytes.length;
      const list = idle.get(owner.bytes.length);
      if (list === undefined) idle.set(owner.bytes.length, [owner]);
      else list.push(owner);
    },
    transmit,
    flush,
    reclaim,
    nextDeadline: () => pinned.nextLook(),
    close() {
      if (receiver.closed) return;
      closeReceiver();
      ordinary.close();
      // What the kernel still holds it goes on holding: the pages live until its skb ends.
      rings?.close();
      memory.unmap();
    },
  });
  Object.defineProperty(link, "copied", { get: () => copied });
  return link;
}
