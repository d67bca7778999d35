// Frames over a raw socket whose transmit buffers are the chunks of an AF_XDP socket: pinned from
// the moment that they stand in its TX ring until the completion ring names them. The third real
// pin, beside the model and ring.ts.
//
//   idle ─transmit─▶ TX ring ─kick─▶ driver ─skb destructor─▶ completion ring ─reclaim─▶ idle
//    (0)             pinned          pinned                   pinned                      (0)
//
// A buffer is a run of chunks of 4 KiB, and begins with one. A frame that fits a chunk leaves from
// there; a longer one leaves by an ordinary packet socket, which copies it: not pinned, counted in
// `copied`. What can go wrong with the rings: chunk_queue.ts. Another interface of that name gets a
// new socket, over the same memory; where it has none to give all frames are copied, and the user
// is told. A socket that has the queue already refuses the link.
//
// In copy mode, which every device has, the kernel copies a frame and still holds its chunk until
// the driver releases the copy. It may write the addresses when it takes the frames, and only move
// the ring's producer when a frame ends: then frames are named in the order in which they were
// sent, also where a driver releases them in another. Such frames bypass the interface's root queue
// discipline. The memory is locked: 4 MiB, or less where less is granted.

import { allOrNothing } from "../sys/all_or_nothing.ts";
import { now } from "../sys/clock.ts";
import { EBUSY, EMSGSIZE } from "../sys/errno.ts";
import { type Mapping, mapMemory } from "../sys/memory.ts";
import { openPacketSocket } from "../sys/packet_socket.ts";
import { openXdpRings, type XdpRings } from "../sys/xdp_rings.ts";
import * as ethernet from "../wire/ethernet.ts";
import { environment } from "../words/failure.ts";
import { BufferStock, type StockBuffer } from "./buffer_stock.ts";
import { ChunkQueue } from "./chunk_queue.ts";
import type { Link, TxBuffer } from "./link.ts";
import { isRefused, meansBusy } from "./packet.ts";
import type { PacketOptions } from "./packet_options.ts";
import { openPacketReceiver, type RawLinkFacts } from "./packet_receiver.ts";
import { type Pinnable, Pinned } from "./pinned.ts";
import { Refusals } from "./refusals.ts";

export const CHUNK_BYTES = 4096;
const MOST_CHUNKS = 1024;
const LEAST_CHUNKS = 64;
/** A worker of the kernel's gives a closed socket's queue back a moment later; 1 ms between two. */
const TRIES = 20;
const DEFAULT_BUDGET = 64 << 20;

interface ChunkBuffer extends StockBuffer, Pinnable {
  /** Where it begins in the memory. */
  readonly offset: number;
}

export interface XdpLink extends Link, RawLinkFacts {
  /** Buffers that the kernel holds now, as of the last `reclaim`. */
  readonly pinned: readonly TxBuffer[];
}

/** An environment Failure: no such interface, no permission, no AF_XDP there now. */
export function openXdpLink(options: PacketOptions): XdpLink {
  return allOrNothing((undo) => open(options, undo));
}

interface Opened {
  readonly memory: Mapping;
  readonly chunks: number;
  readonly rings: XdpRings;
}

/** As much memory as may be locked, and the rings over it. */
function openChunks(index: number, sendBufferBytes: number): Opened | null {
  for (let chunks = MOST_CHUNKS; chunks >= LEAST_CHUNKS; chunks /= 2) {
    const memory = mapMemory(chunks * CHUNK_BYTES);
    const rings = openXdpRings(memory, shapeOf(chunks), index, sendBufferBytes);
    if (rings !== null) return { memory, chunks, rings };
    memory.unmap();
  }
  return null;
}

function shapeOf(chunks: number) {
  return { chunkBytes: CHUNK_BYTES, slots: chunks, completions: chunks };
}

function openSoon(name: string, index: number, sendBufferBytes: number): Opened {
  for (let tries = TRIES; tries > 0; tries--) {
    const opened = openChunks(index, sendBufferBytes);
    if (opened !== null) return opened;
    Bun.sleepSync(1);
  }
  throw environment(
    `No AF_XDP on ${name}, where another socket has its queue or the kernel grants none`,
  );
}

/** Cuts `memory` into buffers; where each begins, by chunk, stands in `at`. */
function cutter({ memory, chunks }: Opened, at: ChunkBuffer[]) {
  let used = 0;
  return (size: number, index: number): ChunkBuffer | null => {
    const run = Math.ceil(size / CHUNK_BYTES);
    if (used + run > chunks) return null;
    const offset = used * CHUNK_BYTES;
    const { buffer } = memory.bytes;
    const made: ChunkBuffer = {
      index,
      bytes: new Uint8Array(buffer, offset, size),
      view: new DataView(buffer, offset, size),
      address: memory.address + offset,
      pins: 0,
      place: -1,
      offset,
      live: false,
    };
    at[used] = made;
    used += run;
    return made;
  };
}

function open(options: PacketOptions, undo: (giveBack: () => void) => void): XdpLink {
  const receiver = openPacketReceiver(options);
  undo(() => receiver.close());
  const { counters } = receiver;
  const { sendBufferBytes } = receiver.granted;
  const ordinary = openPacketSocket();
  undo(() => ordinary.close());
  ordinary.growSendBuffer(sendBufferBytes);
  ordinary.bind(receiver.transmitIndex, 0);
  const name = options.transmitInterface ?? receiver.interface;
  const opened = openSoon(name, receiver.transmitIndex, sendBufferBytes);
  const { memory, chunks } = opened;
  const queue = new ChunkQueue(opened.rings, chunks, () => {
    counters.transmitted--;
    lost(EBUSY);
  });
  const byChunk: ChunkBuffer[] = [];
  const stock = new BufferStock(options.budgetBytes ?? DEFAULT_BUDGET, cutter(opened, byChunk));
  const pinned = new Pinned<ChunkBuffer>();
  const refusals = new Refusals();
  let released = 0;
  let copied = 0;

  receiver.onMoved = () => {
    ordinary.bind(receiver.transmitIndex, 0);
    // The interface is gone, and its frames with it.
    queue.close();
    released += pinned.all.length;
    for (let last = pinned.all.at(-1); last !== undefined; last = pinned.all.at(-1)) {
      pinned.unpin(last);
    }
    const to = receiver.transmitIndex;
    queue.replace(openXdpRings(memory, shapeOf(chunks), to, sendBufferBytes));
    if (!queue.isOpen) options.onNotice?.(`No AF_XDP on the new ${name}: frames are copied`);
  };

  function lost(code: number): true {
    counters.transmitErrors++;
    counters.lastErrno = code;
    return true;
  }

  function busy(): false {
    counters.transmitBusy++;
    return false;
  }

  function copy(buffer: ChunkBuffer, length: number): boolean {
    const code = ordinary.send(buffer.address, length);
    if (code === 0) {
      counters.transmitted++;
      counters.copied = ++copied;
      refusals.sent(length);
      return true;
    }
    if (meansBusy(code) && !(isRefused(code) && refusals.refused(length, now()))) return busy();
    return lost(code);
  }

  function transmit(buffer: TxBuffer, length: number): boolean {
    if (receiver.closed) throw new Error("invariant: transmit on a closed link");
    const own = stock.own(buffer);
    if (length < ethernet.LENGTH || length > own.bytes.length) {
      throw new Error(`invariant: frame of ${length} bytes in ${own.bytes.length}`);
    }
    // The kernel may still read it: this frame waits, and what is held is not touched.
    if (own.pins > 0) return busy();
    if (!queue.isOpen || length > CHUNK_BYTES) return copy(own, length);
    // AF_XDP itself does not look at the MTU.
    if (length > receiver.mtu + ethernet.LENGTH) return lost(EMSGSIZE);
    pinned.pin(own);
    counters.transmitted++;
    const code = queue.send(own.offset, length);
    if (code === 0) return true;
    pinned.unpin(own);
    counters.transmitted--;
    return lost(code);
  }

  function flush(): void {
    if (queue.unsent) queue.kick();
  }

  const unpin = (offset: number): void => {
    const own = byChunk[offset / CHUNK_BYTES];
    if (own === undefined || own.pins === 0) return;
    pinned.unpin(own);
    released++;
  };

  function reclaim(): number {
    if (receiver.closed) return 0;
    flush();
    queue.released(unpin);
    const count = released;
    released = 0;
    if (count > 0) pinned.hasMoved();
    return count;
  }

  counters.copied = copied;
  const closeReceiver = receiver.close;
  return Object.assign(receiver, {
    pinned: pinned.all,
    allocate: (size: number) => stock.allocate(size),
    free: (buffer: TxBuffer) => stock.free(buffer),
    transmit,
    flush,
    reclaim,
    nextDeadline: () => pinned.nextLook(),
    close() {
      if (receiver.closed) return;
      closeReceiver();
      ordinary.close();
      // What the kernel still holds it goes on holding: the pages live until its skb ends.
      queue.close();
      memory.unmap();
    },
  });
}
