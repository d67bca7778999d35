// Frames over a raw socket whose transmit buffers the kernel really holds: each buffer is a PACKET_TX_RING of
// one slot on a socket of its own (protocol 0, transmit only), so that any buffer can go at any time.
//
//   idle ──transmit──▶ SEND_REQUEST ──kick──▶ SENDING ──the driver is done──▶ AVAILABLE ──reclaim──▶ idle
//    (1)                                       pinned                           (0)
//
// The last step is the destructor of the kernel's skb, which points into our slot: zero copy. Over a
// plain veth it runs at once; under a tbf qdisc, or in a NIC's transmit ring, late. Nothing signals it
// (POLLOUT is always set), so `nextDeadline` asks to look again while anything is pinned.
//
// What can go wrong with a kick, and what is done then:
//   no room (ENOBUFS, EAGAIN)  the slot stays SEND_REQUEST with no skb behind it: taken back, `transmit`
//                              says false, and the next transmit asks again; lost where that lasts (refusals.ts)
//   frame over the MTU         the slot turns WRONG_FORMAT, where a ring stops until it is rewritten: AVAILABLE
//   link down                  as the packet link: lost, counted
// What it costs: a slot that is made new stops everything for 8 to 16 ms (slot_stock.ts), so who measures
// allocates all he will need beforehand and frees it; an allocation after that is a pop. One
// descriptor each, and the pages of one frame.
// A send buffer must hold one frame's truesize; the system's default does, up to jumbo frames.

import { now } from "../sys/clock.ts";
import { EMSGSIZE, ENOBUFS } from "../sys/errno.ts";
import {
  AVAILABLE,
  LENGTH,
  SEND_REQUEST,
  STATUS,
  TRANSMIT_AT,
  TRANSMIT_STATUS,
  WRONG_FORMAT,
} from "../sys/packet_ring.ts";
import * as ethernet from "../wire/ethernet.ts";
import { BufferStock, type StockBuffer } from "./buffer_stock.ts";
import type { Link, TxBuffer } from "./link.ts";
import { isRefused, meansBusy } from "./packet.ts";
import { openPacketReceiver, type RawLinkFacts } from "./packet_receiver.ts";
import { type Pinnable, Pinned } from "./pinned.ts";
import { Refusals } from "./refusals.ts";
import { closeSlots, returnSlots, takeSlot, type TransmitSlot } from "./slot_stock.ts";
import type { PacketOptions } from "./packet_options.ts";

const DEFAULT_BUDGET = 64 << 20;

interface SlotBuffer extends StockBuffer, Pinnable {
  readonly slot: TransmitSlot;
  readonly words: Int32Array;
}

export interface RingLink extends Link, RawLinkFacts {
  /** Buffers that the kernel holds now, as of the last `reclaim`. */
  readonly pinned: readonly TxBuffer[];
}

/** Opens an interface. Throws an environment failure: no such interface, no permission. */
export function openRingLink(options: PacketOptions): RingLink {
  const receiver = openPacketReceiver(options);
  const { counters } = receiver;
  const stock = new BufferStock(options.budgetBytes ?? DEFAULT_BUDGET, make);
  const pinned = new Pinned<SlotBuffer>();
  const refusals = new Refusals();

  function make(size: number, index: number): SlotBuffer | null {
    const slot = takeSlot(size, receiver.transmitIndex);
    if (slot === null) return null;
    const { buffer } = slot.memory.bytes;
    return {
      index,
      bytes: new Uint8Array(buffer, TRANSMIT_AT, size),
      view: new DataView(buffer, TRANSMIT_AT, size),
      address: slot.memory.address + TRANSMIT_AT,
      pins: 0,
      slot,
      words: new Int32Array(buffer, STATUS, 1),
      live: false,
      place: -1,
    };
  }

  receiver.onMoved = () => {
    for (const { slot } of stock.all) slot.socket.bind(receiver.transmitIndex, 0);
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

  function transmit(buffer: TxBuffer, length: number): boolean {
    if (receiver.closed) throw new Error("invariant: transmit on a closed link");
    const owner = stock.own(buffer);
    if (length < ethernet.LENGTH || length > owner.bytes.length) {
      throw new Error(`invariant: frame of ${length} bytes in ${owner.bytes.length}`);
    }
    // The one slot is taken: this frame waits, and what the kernel holds is not touched.
    if (owner.pins > 0) return busy();
    const { words } = owner;
    owner.slot.memory.view.setUint32(LENGTH, length, true);
    Atomics.store(words, 0, SEND_REQUEST);
    const code = owner.slot.socket.kick();
    const status = Atomics.load(words, 0) & TRANSMIT_STATUS;
    if (status === WRONG_FORMAT) {
      Atomics.store(words, 0, AVAILABLE);
      return lost(code === 0 ? EMSGSIZE : code);
    }
    if (status === SEND_REQUEST) {
      // Not taken, so no skb points here: the slot is ours again.
      Atomics.store(words, 0, AVAILABLE);
      const isRefusal = code === 0 || isRefused(code);
      if (isRefusal && refusals.refused(length, now())) return lost(code === 0 ? ENOBUFS : code);
      return isRefusal || meansBusy(code) ? busy() : lost(code);
    }
    counters.transmitted++;
    refusals.sent(length);
    if (status !== AVAILABLE) pinned.pin(owner);
    return true;
  }

  function reclaim(): number {
    if (receiver.closed) return 0;
    let released = 0;
    // From the last down: what fills a gap has been looked at.
    for (let at = pinned.all.length - 1; at >= 0; at--) {
      const buffer = pinned.all[at];
      if (buffer === undefined) continue;
      if ((Atomics.load(buffer.words, 0) & TRANSMIT_STATUS) !== AVAILABLE) continue;
      pinned.unpin(buffer);
      released++;
    }
    if (released > 0) pinned.hasMoved();
    return released;
  }

  const closeReceiver = receiver.close;
  return Object.assign(receiver, {
    pinned: pinned.all,
    allocate: (size: number) => stock.allocate(size),
    free: (buffer: TxBuffer) => stock.free(buffer),
    transmit,
    flush() {},
    reclaim,
    nextDeadline: () => pinned.nextLook(),
    close() {
      if (receiver.closed) return;
      closeReceiver();
      // What the kernel still holds it goes on holding: the pages live until its skb ends.
      const held: TransmitSlot[] = [];
      const free: TransmitSlot[] = [];
      for (const { words, slot } of stock.all) {
        (Atomics.load(words, 0) === AVAILABLE ? free : held).push(slot);
      }
      closeSlots(held);
      returnSlots(free);
    },
  });
}
