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
// the driver releases the copy: what is written there meanwhile does not leave (but from
// virtio_net, which sends from the chunk). With `zeroCopy` the device reads the chunk; a driver
// that has no such mode refuses the link. Such frames bypass the interface's root queue discipline.
// The memory is locked: 4 MiB, or less where less is granted or a small budget asks for less.
//
// Which chunk an entry names when a driver releases frames in another order than theirs (Linux,
// net/xdp/xsk.c): the right one, since xsk_destruct_skb writes the address of its own frame. Not so
// from 6.6 (commit b7f72a30e9ac) until 6.17 (30f241fcf52a, "xsk: Fix immature cq descriptor
// production"): there the address was written when the frame was taken, and a release only moved
// the producer, so that entries named chunks in the order of transmits. Their number was right. The
// link believes what it is told; with 6.6 to 6.16 and such a driver a held buffer can be taken for
// a released one.

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
/** Bytes of a budget for which there is a chunk. */
const SMALL = 256;
/** 1 ms between two. */
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

type OpenOver = (memory: Mapping, chunks: number) => XdpRings | null;

/** As much memory as may be locked, and the rings over it. */
function openChunks(openOver: OpenOver, budgetBytes: number): Opened | null {
  const most = Math.max(LEAST_CHUNKS, 2 ** Math.ceil(Math.log2(budgetBytes / SMALL)));
  for (let chunks = Math.min(MOST_CHUNKS, most); chunks >= LEAST_CHUNKS; chunks /= 2) {
    const memory = mapMemory(chunks * CHUNK_BYTES);
    const rings = openOver(memory, chunks);
    if (rings !== null) return { memory, chunks, rings };
    memory.unmap();
  }
  return null;
}

/** What `open` returns, tried again: a closed socket gives queue and memory back a moment later. */
function soon<T>(open: () => T | null): T | null {
  for (let tries = TRIES; tries > 0; tries--) {
    const opened = open();
    if (opened !== null) return opened;
    Bun.sleepSync(1);
  }
  return null;
}

function noXdp(name: string, zeroCopy: boolean): Error {
  return environment(
    zeroCopy
      ? `No zero-copy AF_XDP on ${name}, whose driver has none, or another socket has its queue`
      : `No AF_XDP on ${name}, where another socket has its queue or the kernel grants none`,
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
  const { zeroCopy = false, budgetBytes = DEFAULT_BUDGET } = options;
  const openOver: OpenOver = (memory, slots) => {
    const shape = { chunkBytes: CHUNK_BYTES, slots, completions: slots, zeroCopy };
    return openXdpRings(memory, shape, receiver.transmitIndex, sendBufferBytes);
  };
  const opened = soon(() => openChunks(openOver, budgetBytes));
  if (opened === null) throw noXdp(name, zeroCopy);
  const { memory, chunks } = opened;
  const queue = new ChunkQueue(opened.rings, chunks, () => {
    counters.transmitted--;
    lost(EBUSY);
  });
  const byChunk: ChunkBuffer[] = [];
  const stock = new BufferStock(budgetBytes, cutter(opened, byChunk));
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
    queue.replace(soon(() => openOver(memory, chunks)));
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
