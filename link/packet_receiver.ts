// The receiving half of the links over raw sockets (packet, ring): a receive ring, one FrameView that is
// pointed at slot after slot, and what the interface says about itself.
//
//   kernel ──fills──▶ slot, status USER ──visit──▶ status KERNEL ──▶ the kernel's again
//
// A slot goes back right after `visit`, so a core that wants to keep bytes copies them. Nothing is
// allocated per frame. Once a millisecond at most, a look at what would otherwise go unseen: the interface's
// changes (netlink), the socket's pending error (a link that went down makes a wait return at once until it is taken),
// whether frames have outgrown the slots, and whatever else the link asks for (`onLook`).

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
  ringBytesOf,
  slotFor,
  STATUS,
  USER,
} from "../sys/packet_ring.ts";
import { type BpfInstruction, openPacketSocket, type PacketSocket } from "../sys/packet_socket.ts";
import { environment } from "../words/failure.ts";
import { formatSize } from "../words/quantity.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { Mac } from "../wire/mac.ts";
import { type FrameView, type LinkCounters, noFrames, OUTGOING } from "./link.ts";
import type { XdpUse } from "./xdp_use.ts";

const DEFAULT_RING_BYTES = 4 << 20;
const MOST_RING_BYTES = 64 << 20;
const DEFAULT_SEND_BYTES = 4 << 20;
/** Slots take frames of this MTU at least: an interface may turn to jumbo frames while it is open. */
const DEFAULT_LARGEST_MTU = 9100;
/** How often, in ns, a busy or spinning receiver looks at the interface. */
const LOOK_EVERY = 1e6;

export interface PacketOptions {
  /** Its name, as `ip link` prints it. */
  readonly interface: string;
  /** Where frames leave, if not through `interface` (the late lab of pool.md); must be in the same namespace. */
  readonly transmitInterface?: string;
  /** EtherType; AoE's. */
  readonly protocol?: number;
  /** Memory of the receive ring in all; 4 MiB. */
  readonly ringBytes?: number;
  /** The MTU up to which a frame fits its slot without making the ring anew; 9100. Less makes more, smaller slots. */
  readonly largestMtu?: number;
  /** What to ask for as socket send buffer; 4 MiB. */
  readonly sendBufferBytes?: number;
  /** Classic BPF in the kernel: frames for which it returns 0 are not received. */
  readonly filter?: readonly BpfInstruction[];
  /** Frames for other hosts come in too (marked TO_OTHER), as a NIC's address filter would not let them. */
  readonly promiscuous?: boolean;
  /** Bytes of transmit buffers that may be allocated at one time; 64 MiB. */
  readonly budgetBytes?: number;
  /** Whether small frames leave by AF_XDP (by_xdp.ts); `auto` unless told. */
  readonly xdp?: XdpUse;
}

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

export interface PacketReceiver {
  readonly socket: PacketSocket;
  readonly name: string;
  readonly fds: readonly number[];
  readonly granted: Granted;
  /** Frames leave here. */
  readonly transmitIndex: number;
  /** Of the interface, as last seen. */
  mac: Mac;
  mtu: number;
  carrier: boolean;
  truncated: number;
  onChange: (() => void) | null;
  /** Called once a millisecond at most, from within `receive`; `changed`: something about some interface has. */
  onLook: ((now: number, changed: boolean) => void) | null;
  /** Plain fields; `receiveDrops` is brought up to date by `countDrops`. */
  readonly counters: LinkCounters;
  countDrops(): void;
  readonly closed: boolean;
  receive(visit: (frame: FrameView) => void, limit: number): number;
  waiting(): boolean;
  close(): void;
}

interface MutableFrame extends FrameView {
  bytes: Uint8Array;
  view: DataView;
  address: number;
  base: number;
  length: number;
  addressed: number;
  at: number;
}

/** Of a ring that holds `frames` of the largest usual MTU: what is always there at least, MOST_RING_BYTES at most. */
export function ringBytesFor(frames: number): number {
  const bytes = ringBytesOf(frames, slotFor(DEFAULT_LARGEST_MTU + ethernet.LENGTH));
  return Math.min(MOST_RING_BYTES, Math.max(DEFAULT_RING_BYTES, bytes));
}

/** Opens and binds the socket that receives on `options.interface`. Throws environment failures. */
export function openPacketReceiver(options: PacketOptions): PacketReceiver {
  const name = options.interface;
  const found = findEthernet(name);
  const transmit =
    options.transmitInterface === undefined ? found : findEthernet(options.transmitInterface);
  const socket = openPacketSocket();
  let watch: LinkWatch | null = null;
  try {
    const wanted = options.ringBytes ?? DEFAULT_RING_BYTES;
    const mtu = Math.max(found.mtu, options.largestMtu ?? DEFAULT_LARGEST_MTU);
    const ring = addReceiveRing(socket, wanted, slotFor(mtu + ethernet.LENGTH));
    const sendBufferBytes = socket.growSendBuffer(options.sendBufferBytes ?? DEFAULT_SEND_BYTES);
    if (options.filter !== undefined) socket.attachFilter(options.filter);
    if (options.promiscuous === true) socket.hearAll(found.index);
    watch = openLinkWatch();
    socket.bind(found.index, options.protocol ?? ethernet.ETHERTYPE_AOE);
    const granted = {
      ringBytes: ring.memory.bytes.length,
      ringSlots: ring.offsets.length,
      sendBufferBytes,
      warnings: warnings(options, found, transmit, ring, sendBufferBytes),
    };
    return receiver(socket, watch, ring, found, transmit.index, wanted, granted);
  } catch (error) {
    watch?.close();
    socket.close();
    throw error;
  }
}

function findEthernet(name: string): Interface {
  const found = findInterface(name);
  if (!found.ethernet) throw environment(`Interface \`${name}\` carries no Ethernet frames`);
  return found;
}

function warnings(
  options: PacketOptions,
  found: Interface,
  transmit: Interface,
  ring: ReceiveRing,
  sendBufferBytes: number,
): string[] {
  const said: string[] = [];
  for (const { name, up, running } of found === transmit ? [found] : [found, transmit]) {
    if (!up) said.push(`Interface ${name} is down: \`ip link set ${name} up\` brings it up`);
    else if (!running) said.push(`Interface ${name} has no carrier`);
  }
  const wanted = options.ringBytes ?? DEFAULT_RING_BYTES;
  if (ring.memory.bytes.length <= wanted / 2) {
    said.push(
      `The kernel granted a receive ring of ${formatSize(ring.memory.bytes.length)} where ${formatSize(wanted)} were asked for`,
    );
  }
  const wantedToSend = options.sendBufferBytes ?? DEFAULT_SEND_BYTES;
  if (sendBufferBytes < wantedToSend) {
    said.push(
      `The send buffer is ${formatSize(sendBufferBytes)} where ${formatSize(wantedToSend)} were asked for: CAP_NET_ADMIN or a larger net.core.wmem_max lifts the limit`,
    );
  }
  return said;
}

function receiver(
  socket: PacketSocket,
  watch: LinkWatch,
  firstRing: ReceiveRing,
  found: Interface,
  transmitIndex: number,
  ringBytes: number,
  granted: Granted,
): PacketReceiver {
  let ring = firstRing;
  let { words, offsets } = ring;
  let { view } = ring.memory;
  let cursor = 0;
  let nextLook = 0;
  let visiting = false;
  let closed = false;
  const counters: LinkCounters = noFrames();
  const frame: MutableFrame = {
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
    ring.remove();
    ring = addReceiveRing(socket, ringBytes, slotFor(mtu + ethernet.LENGTH));
    ({ words, offsets } = ring);
    ({ view } = ring.memory);
    frame.bytes = ring.memory.bytes;
    frame.view = view;
    frame.address = ring.memory.address;
    cursor = 0;
  }

  function look(at: number): void {
    // Without this a link that went down would make every wait return at once.
    const pending = socket.takeError();
    if (pending !== 0) counters.lastErrno = pending;
    const changed = watch.take();
    self.onLook?.(at, changed);
    if (!changed) return;
    const seen = readInterface(self.name);
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

  const self: PacketReceiver = {
    socket,
    name: found.name,
    fds: [socket.fd, watch.fd],
    granted,
    transmitIndex,
    mac: found.mac,
    mtu: found.mtu,
    carrier: found.up && found.running,
    truncated: 0,
    onChange: null,
    onLook: null,
    counters,
    countDrops,
    get closed() {
      return closed;
    },
    receive,
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
