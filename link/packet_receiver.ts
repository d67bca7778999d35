// The receiving half of the links over raw sockets (packet, ring): a receive ring, one FrameView that is
// pointed at slot after slot, and what the interface says about itself.
//
//   kernel ──fills──▶ slot, status USER ──visit──▶ status KERNEL ──▶ the kernel's again
//
// An interface that was deleted and made again is another one to the kernel: the socket is bound to that one then, and
// what sends is told (`onMoved`).
//
// A slot goes back right after `visit`, so a core that wants to keep bytes copies them. Nothing is
// allocated per frame. Once a millisecond at most, a look at what would otherwise go unseen: the interface's
// changes (netlink), the socket's pending error (a link that went down makes a wait return at once until it is taken),
// whether frames have outgrown the slots, and whatever else the link asks for (`onLook`).

import { allOrNothing } from "../sys/all_or_nothing.ts";
import { now } from "../sys/clock.ts";
import { findInterface, type Interface, readInterface } from "../sys/interface.ts";
import { type LinkWatch, openLinkWatch } from "../sys/link_watch.ts";
import {
  addReceiveRing,
  CAPTURED,
  KERNEL,
  LENGTH,
  longestFrame,
  MAC,
  PACKET_TYPE,
  type ReceiveRing,
  slotFor,
  STATUS,
  USER,
} from "../sys/packet_ring.ts";
import { openPacketSocket, type PacketSocket } from "../sys/packet_socket.ts";
import { environment, Failure } from "../words/failure.ts";
import * as ethernet from "../wire/ethernet.ts";
import { describeMaster, ringBytesFor, sendBytesFor, warnings } from "./granted.ts";
import {
  type FrameView,
  type Link,
  type LinkCounters,
  type Mutable,
  noFrames,
  OUTGOING,
} from "./link.ts";
import type { PacketOptions } from "./packet_options.ts";

/** Slots take frames of this MTU at least: an interface may turn to jumbo frames while it is open. */
const DEFAULT_LARGEST_MTU = 9100;
/** How often, in ns, a busy or spinning receiver looks at the interface. */
const LOOK_EVERY = 1e6;

/** What the kernel granted, and what a user should hear about it, one sentence each. */
export interface Granted {
  readonly ringBytes: number;
  readonly ringSlots: number;
  /** In the kernel's reckoning, which charges whole pages and doubles what was asked for. */
  readonly sendBufferBytes: number;
  readonly warnings: readonly string[];
}

/** What a link over a raw socket tells beyond `Link`. */
export interface RawLinkFacts {
  readonly interface: string;
  /** Up and with a carrier, as of the last `receive`. */
  readonly carrier: boolean;
  readonly granted: Granted;
  /** Frames that were longer than their slot, and dropped (counted in receiveDrops too). */
  readonly truncated: number;
}

/** What a link over a raw socket has of its receiver, which `Object.assign` makes the link by adding the rest. */
export interface PacketReceiver
  extends RawLinkFacts, Pick<Link, "mac" | "mtu" | "onChange" | "fds" | "counters" | "receive"> {
  readonly socket: PacketSocket;
  /** Frames leave here. */
  readonly transmitIndex: number;
  /** Called once a millisecond at most, from within `receive`; `changed`: something about some interface has. */
  onLook: ((now: number, changed: boolean) => void) | null;
  /** Called when frames are to leave by another interface, `transmitIndex`. */
  onMoved: (() => void) | null;
  /** One live object; asking for it brings `receiveDrops` up to date by a system call. */
  readonly counters: LinkCounters;
  readonly closed: boolean;
  /** From within a visit: whether another frame has come behind the one that is visited. */
  follows(): boolean;
  waiting(): boolean;
  close(): void;
}

/** Opens and binds the socket that receives on `options.interface`. Throws environment failures. */
export function openPacketReceiver(options: PacketOptions): PacketReceiver {
  const name = options.interface;
  const found = findEthernet(name);
  const transmit =
    options.transmitInterface === undefined ? found : findEthernet(options.transmitInterface);
  return allOrNothing((undo) => {
    const socket = openPacketSocket();
    undo(() => socket.close());
    const mtu = Math.max(found.mtu, options.largestMtu ?? DEFAULT_LARGEST_MTU);
    const slotBytes = slotFor(mtu + ethernet.LENGTH);
    const ring = addReceiveRing(socket, ringBytesFor(options, slotBytes), slotBytes);
    // Mapped, it would outlive its socket.
    undo(() => ring.memory.unmap());
    const sendBufferBytes = socket.growSendBuffer(sendBytesFor(options));
    if (options.filter !== undefined) socket.attachFilter(options.filter);
    if (options.promiscuous === true) socket.hearAll(found.index);
    const watch = openLinkWatch();
    undo(() => watch.close());
    socket.bind(found.index, options.protocol ?? ethernet.ETHERTYPE_AOE);
    const granted = {
      ringBytes: ring.memory.bytes.length,
      ringSlots: ring.offsets.length,
      sendBufferBytes,
      warnings: warnings(options, found, transmit, ring, sendBufferBytes),
    };
    return receiver(socket, watch, ring, found, transmit, options, granted);
  });
}

function findEthernet(name: string): Interface {
  const found = findInterface(name);
  if (!found.ethernet) throw environment(`Interface \`${name}\` carries no Ethernet frames`);
  return found;
}

function receiver(
  socket: PacketSocket,
  watch: LinkWatch,
  firstRing: ReceiveRing,
  found: Interface,
  transmit: Interface,
  options: PacketOptions,
  granted: Granted,
): PacketReceiver {
  let ring = firstRing;
  let { words, offsets } = ring;
  let { view } = ring.memory;
  let cursor = 0;
  let nextLook = 0;
  let visiting = false;
  let closed = false;
  /** The kernel's number of the interface that the socket is bound to. */
  let { index } = found;
  let isGone = false;
  let belongs = describeMaster(found);
  const notice = (sentence: string): void => options.onNotice?.(sentence);
  const counters: LinkCounters = noFrames();
  const frame: Mutable<FrameView> = {
    bytes: ring.memory.bytes,
    view,
    address: ring.memory.address,
    base: 0,
    length: 0,
    addressed: 0,
    at: 0,
  };

  /** The frames have outgrown the slots: a new ring on the same socket. What waited in the old one is lost, counted. */
  function replaceRing(mtu: number): void {
    countDrops();
    for (let slot = 0; slot < offsets.length; slot++) {
      if (((words[(offsets[slot] ?? 0) >> 2] ?? 0) & USER) !== 0) counters.receiveDrops++;
    }
    const before = ring.slotBytes;
    ring.remove();
    try {
      ring = ringOf(slotFor(mtu + ethernet.LENGTH));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // Longer frames are dropped then, and counted.
      ring = ringOf(before);
    }
    ({ words, offsets } = ring);
    ({ view } = ring.memory);
    frame.bytes = ring.memory.bytes;
    frame.view = view;
    frame.address = ring.memory.address;
    cursor = 0;
  }

  function ringOf(slotBytes: number): ReceiveRing {
    return addReceiveRing(socket, ringBytesFor(options, slotBytes), slotBytes);
  }

  function look(at: number): void {
    // Without this a link that went down would make every wait return at once.
    const pending = socket.takeError();
    if (pending !== 0) counters.lastErrno = pending;
    const changed = watch.take();
    self.onLook?.(at, changed);
    if (!changed) return;
    const seen = readInterface(self.interface);
    if (options.follows !== false) follow(seen);
    if (seen !== null) lookForMaster(seen);
    const carrier = seen?.up === true && seen.running;
    const mtu = seen?.mtu ?? self.mtu;
    const mac = seen?.mac ?? self.mac;
    if (carrier === self.carrier && mtu === self.mtu && mac === self.mac) return;
    if (mtu + ethernet.LENGTH > longestFrame(ring.slotBytes)) replaceRing(mtu);
    self.carrier = carrier;
    self.mtu = mtu;
    self.mac = mac;
    self.onChange?.();
  }

  function follow(seen: Interface | null): void {
    if (seen?.index !== index) {
      if (!isGone) notice(`Interface ${self.interface} is gone`);
      isGone = true;
      if (seen !== null && moved(() => bindTo(seen))) {
        ({ index } = seen);
        isGone = false;
        notice(`Interface ${self.interface} is there again`);
      }
    }
    const out = transmit === found ? seen : readInterface(transmit.name);
    if (isGone || out === null || out.index === self.transmitIndex) return;
    self.transmitIndex = out.index;
    moved(() => self.onMoved?.());
  }

  function bindTo(seen: Interface): void {
    if (options.promiscuous === true) socket.hearAll(seen.index);
    socket.bind(seen.index, options.protocol ?? ethernet.ETHERTYPE_AOE);
  }

  /** False: the interface has gone once more meanwhile. Its next message leads here again. */
  function moved(move: () => void): boolean {
    try {
      move();
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return false;
    }
  }

  function lookForMaster(seen: Interface): void {
    const now = describeMaster(seen);
    if (now !== null && now !== belongs) notice(now);
    belongs = now;
  }

  function countDrops(): void {
    if (!closed) counters.receiveDrops += socket.takeDrops();
  }

  function receive(visit: (frame: FrameView) => void, limit: number): number {
    if (visiting) throw new Error("invariant: receive called from within visit");
    // Touching the ring's memory now would kill the process.
    if (closed) throw new Error("invariant: receive called on a closed link");
    const at = now();
    if (at >= nextLook) {
      nextLook = at + LOOK_EVERY;
      look(at);
    }
    visiting = true;
    let visited = 0;
    try {
      for (let taken = 0; taken < limit; taken++) {
        const offset = offsets[cursor] ?? 0;
        if ((Atomics.load(words, (offset + STATUS) >> 2) & USER) === 0) break;
        const length = view.getUint32(offset + LENGTH, true);
        const addressed = view.getUint8(offset + PACKET_TYPE);
        if (view.getUint32(offset + CAPTURED, true) < length) {
          self.truncated++;
          counters.receiveDrops++;
        } else if (addressed !== OUTGOING) {
          frame.base = offset + view.getUint16(offset + MAC, true);
          frame.length = length;
          frame.addressed = addressed;
          frame.at = at;
          visited++;
          visit(frame);
        }
        giveBack();
      }
    } catch (error) {
      // Nothing else here throws than the visit: the frame that it choked on is not met again.
      giveBack();
      throw error;
    } finally {
      visiting = false;
      counters.received += visited;
    }
    return visited;
  }

  /** The slot at the cursor is the kernel's again. */
  function giveBack(): void {
    Atomics.store(words, ((offsets[cursor] ?? 0) + STATUS) >> 2, KERNEL);
    cursor = cursor + 1 === offsets.length ? 0 : cursor + 1;
  }

  const self: Mutable<PacketReceiver> = {
    socket,
    interface: found.name,
    fds: [socket.fd, watch.fd],
    granted,
    transmitIndex: transmit.index,
    mac: found.mac,
    mtu: found.mtu,
    carrier: found.up && found.running,
    truncated: 0,
    onChange: null,
    onLook: null,
    onMoved: null,
    get counters() {
      countDrops();
      return counters;
    },
    get closed() {
      return closed;
    },
    receive,
    follows() {
      if (!visiting) return false;
      const next = cursor + 1 === offsets.length ? 0 : cursor + 1;
      return (Atomics.load(words, ((offsets[next] ?? 0) + STATUS) >> 2) & USER) !== 0;
    },
    waiting() {
      return !closed && (Atomics.load(words, ((offsets[cursor] ?? 0) + STATUS) >> 2) & USER) !== 0;
    },
    close() {
      if (closed) return;
      countDrops();
      closed = true;
      watch.close();
      ring.memory.unmap();
      socket.close();
    },
  };
  return self;
}
