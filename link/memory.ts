// Links within one process: a switch whose ports are links, and the pair, a switch of two ports.
//
//   transmit ── copied at once, nothing stays pinned ──▶ receive queue of each port it is for
//
//   queue   [ slot | slot | … ]     slots of one size, a ring from `head`, `count` full; a few at first,
//           arrivals, lengths, kinds: by slot              twice as many when they are full, up to `queueFrames`
//
// A frame to a port's own address goes to that port alone; broadcast, multicast and addresses of no
// port go to all others. It can be received `latency` after its transmit and is lost, counted at
// the receiver, where the queue is full. Frames of one port stay in order. Under the virtual clock
// a queue announces its next arrival, so that waiting ends there; under a real one two cores in one loop
// see it by `nextDeadline`. The file is long because a port is half buffers, half queue, and the switch reaches
// into both.

import { TYPE } from "../wire/ethernet.ts";
import { BROADCAST, isGroup, type Mac, readMac } from "../wire/mac.ts";
import { copyStart, copyWords } from "./copy.ts";
import {
  type FrameView,
  type Link,
  type LinkCounters,
  TO_BROADCAST,
  TO_HOST,
  TO_MULTICAST,
  TO_OTHER,
  type TxBuffer,
  noFrames,
} from "./link.ts";
import { Refusals } from "./refusals.ts";
import { isVirtual, type VirtualClock } from "./virtual_clock.ts";
import type { Waiter } from "./waiter.ts";

const HEADER = TYPE + 2;
/** What most queues never fill. */
const FIRST_SLOTS = 16;
/** errno values, as the kernel gives them to a packet socket (asm-generic/errno.h). */
const EMSGSIZE = 90;
const ENETDOWN = 100;
const ENOBUFS = 105;

export interface MemoryOptions {
  /** A VirtualClock, or a real waiter when the cores share one real loop. */
  readonly clock: Waiter;
  /** ns from transmit to receive; 0. */
  readonly latency?: number;
  /** 1500. */
  readonly mtu?: number;
  /** Frames under way to a port and waiting at it, at most; 1024. */
  readonly queueFrames?: number;
  /** Buffers that a port allocates at most; 65,536. */
  readonly budget?: number;
}

/** What happens to cables and switches. Ports count from 0, in the order of their addresses. */
export interface MemoryControl {
  /** Of one port, or of all; never drops what is under way. */
  setMtu(mtu: number, port?: number): void;
  /** Another address for a port, as a bond's failover gives it; nobody has it yet. */
  setMac(port: number, mac: Mac): void;
  /** ns, for frames transmitted from now on; none overtakes an earlier one of its queue. */
  setLatency(latency: number): void;
  /** Unplugs a port: what is under way to it is lost, its transmits fail with ENETDOWN. */
  down(port: number): void;
  up(port: number): void;
  /** While on, the port's transmits say that there is no room. */
  congest(port: number, on: boolean): void;
  /** The port refuses frames of more bytes, as a queue discipline does for good (refusals.ts); Infinity: none. */
  obstruct(port: number, longest: number): void;
}

export interface MemorySwitch extends MemoryControl {
  readonly links: readonly Link[];
}

/** A switch with a port, and a link, for each of `macs`. */
export function createMemorySwitch(
  options: MemoryOptions & { readonly macs: readonly Mac[] },
): MemorySwitch {
  const fabric = new Fabric(options, options.macs);
  return {
    links: fabric.ports,
    setMtu: (mtu, port) => fabric.setMtu(mtu, port),
    setMac: (port, mac) => {
      fabric.macs[port] = mac;
      fabric.port(port).setMac(mac);
    },
    setLatency: (latency) => {
      fabric.latency = latency;
    },
    down: (port) => fabric.port(port).setUp(false),
    up: (port) => fabric.port(port).setUp(true),
    congest: (port, on) => {
      fabric.port(port).congested = on;
    },
    obstruct: (port, longest) => {
      fabric.port(port).longest = longest;
    },
  };
}

/** Two ends of one cable: links a and b, and their cable's control (ports 0 and 1). */
export function createMemoryPair(
  options: MemoryOptions & { readonly macA?: Mac; readonly macB?: Mac },
): [Link, Link, MemoryControl] {
  const macs = [options.macA ?? 0x0200_0000_000a, options.macB ?? 0x0200_0000_000b];
  const pair = createMemorySwitch({ ...options, macs });
  return [pair.links[0] as Link, pair.links[1] as Link, pair];
}

class MemoryBuffer implements TxBuffer {
  readonly address = 0;
  /** A copying link never holds a buffer. */
  readonly pins = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly plain: Uint32Array;
  readonly index: number;

  /** `before` is a freed buffer of the same size, whose memory goes on as it stands, as an arena's would. */
  constructor(index: number, size: number, before: MemoryBuffer | null) {
    this.index = index;
    if (before !== null) {
      ({ bytes: this.bytes, view: this.view, plain: this.plain } = before);
      return;
    }
    const memory = new ArrayBuffer((size + 3) & ~3);
    this.bytes = new Uint8Array(memory, 0, size);
    this.view = new DataView(memory, 0, size);
    this.plain = new Uint32Array(memory);
  }
}

class Frame implements FrameView {
  readonly address = 0;
  plain = new Uint32Array(0);
  bytes = new Uint8Array(0);
  view = new DataView(new ArrayBuffer(0));
  base = 0;
  length = 0;
  addressed = TO_HOST;
  at = 0;
}

class Fabric {
  readonly clock: Waiter;
  readonly ports: readonly Port[];
  readonly macs: Float64Array;
  latency: number;

  constructor(options: MemoryOptions, macs: readonly Mac[]) {
    this.clock = options.clock;
    this.latency = options.latency ?? 0;
    this.macs = Float64Array.from(macs);
    this.ports = macs.map((mac, number) => new Port(this, number, mac, options));
  }

  port(number: number): Port {
    const port = this.ports[number];
    if (port === undefined) throw new Error(`invariant: port ${number} of ${this.ports.length}`);
    return port;
  }

  setMtu(mtu: number, port?: number): void {
    if (port !== undefined) this.port(port).setMtu(mtu);
    else for (const each of this.ports) each.setMtu(mtu);
  }

  forward(from: number, buffer: MemoryBuffer, length: number): void {
    const to = readMac(buffer.view, 0);
    const at = this.clock.now() + this.latency;
    const { macs } = this;
    for (let port = 0; port < macs.length; port++) {
      if (macs[port] !== to) continue;
      if (port !== from) (this.ports[port] as Port).deliver(buffer, length, at, TO_HOST);
      return;
    }
    const kind = to === BROADCAST ? TO_BROADCAST : isGroup(to) ? TO_MULTICAST : TO_OTHER;
    for (let i = 0; i < this.ports.length; i++) {
      if (i !== from) (this.ports[i] as Port).deliver(buffer, length, at, kind);
    }
  }
}

class Port implements Link {
  mac: Mac;
  mtu: number;
  onChange: (() => void) | null = null;
  readonly fds: readonly number[] = [];
  readonly counters: LinkCounters = noFrames();
  congested = false;
  longest = Infinity;

  private readonly refusals = new Refusals();
  private readonly fabric: Fabric;
  private readonly number: number;
  private readonly clock: VirtualClock | null;
  private readonly source: number;
  private open = true;
  private up = true;
  private changed = false;
  private visiting = false;

  private readonly budget: number;
  private readonly buffers: (MemoryBuffer | null)[] = [];
  private readonly freed: MemoryBuffer[] = [];

  private readonly frame = new Frame();
  private slotBytes = 0;
  private bytes = new Uint8Array(0);
  private view = new DataView(new ArrayBuffer(0));
  private words = new Uint32Array(0);
  private readonly mostSlots: number;
  private slots: number;
  private readonly arrivals: Float64Array;
  private readonly lengths: Int32Array;
  private readonly kinds: Uint8Array;
  private head = 0;
  private count = 0;

  constructor(fabric: Fabric, number: number, mac: Mac, options: MemoryOptions) {
    const most = options.queueFrames ?? 1024;
    this.fabric = fabric;
    this.number = number;
    this.mac = mac;
    this.mtu = options.mtu ?? 1500;
    this.budget = options.budget ?? 65_536;
    this.clock = isVirtual(options.clock) ? options.clock : null;
    this.source = this.clock?.source() ?? -1;
    this.mostSlots = most;
    this.slots = Math.min(FIRST_SLOTS, most);
    this.arrivals = new Float64Array(most);
    this.lengths = new Int32Array(most);
    this.kinds = new Uint8Array(most);
    this.makeRoom(this.slots, HEADER + this.mtu);
  }

  allocate(size: number): TxBuffer | null {
    if (!this.open) return null;
    const freed = this.freed.pop();
    const index = freed?.index ?? this.buffers.length;
    if (index >= this.budget) return null;
    const before = freed?.bytes.length === size ? freed : null;
    const buffer = new MemoryBuffer(index, size, before);
    this.buffers[index] = buffer;
    return buffer;
  }

  free(buffer: TxBuffer): void {
    this.freed.push(this.own(buffer));
    this.buffers[buffer.index] = null;
  }

  private own(buffer: TxBuffer): MemoryBuffer {
    const mine = this.buffers[buffer.index];
    if (mine == null || mine !== buffer) {
      throw new Error(`invariant: buffer ${buffer.index} is one of this link's, and not freed`);
    }
    return mine;
  }

  transmit(buffer: TxBuffer, length: number): boolean {
    const mine = this.own(buffer);
    if (length < HEADER || length > mine.bytes.length) {
      throw new Error(`invariant: a frame of ${length} in a buffer of ${mine.bytes.length} bytes`);
    }
    const { counters } = this;
    if (this.congested || !this.open) {
      counters.transmitBusy++;
      return false;
    }
    if (!this.up || length > HEADER + this.mtu) {
      counters.transmitErrors++;
      counters.lastErrno = this.up ? EMSGSIZE : ENETDOWN;
      return true;
    }
    if (length > this.longest) {
      if (this.refusals.refused(length, this.fabric.clock.now())) {
        counters.transmitErrors++;
        counters.lastErrno = ENOBUFS;
        return true;
      }
      counters.transmitBusy++;
      return false;
    }
    this.refusals.sent(length);
    counters.transmitted++;
    this.fabric.forward(this.number, mine, length);
    return true;
  }

  /** A copy of the frame into this port's queue, to be received at `at`. */
  deliver(buffer: MemoryBuffer, length: number, at: number, kind: number): void {
    if (!this.open || !this.up) return;
    if (this.count === this.mostSlots) {
      this.counters.receiveDrops++;
      return;
    }
    if (this.count === this.slots) {
      this.makeRoom(Math.min(2 * this.slots, this.mostSlots), Math.max(length, this.slotBytes));
    } else if (length > this.slotBytes) {
      this.makeRoom(this.slots, length);
    }
    const { slots } = this;
    let slot = this.head + this.count;
    if (slot >= slots) slot -= slots;
    let arrival = at;
    if (this.count > 0) {
      const last = this.arrivals[slot === 0 ? slots - 1 : slot - 1] as number;
      if (last > arrival) arrival = last;
    } else {
      this.clock?.expect(this.source, arrival);
    }
    copyStart(
      this.bytes,
      this.words,
      slot * this.slotBytes,
      this.slotBytes,
      buffer.bytes,
      buffer.plain,
      length,
    );
    this.arrivals[slot] = arrival;
    this.lengths[slot] = length;
    this.kinds[slot] = kind;
    this.count++;
  }

  receive(visit: (frame: FrameView) => void, limit: number): number {
    if (this.changed) {
      this.changed = false;
      this.onChange?.();
    }
    if (this.count === 0) return 0;
    if (this.visiting) throw new Error("invariant: receive is not entered from its own visit");
    this.visiting = true;
    const { frame, counters } = this;
    const now = this.fabric.clock.now();
    let visited = 0;
    try {
      while (visited < limit && this.count > 0 && (this.arrivals[this.head] as number) <= now) {
        const slot = this.head;
        frame.bytes = this.bytes;
        frame.view = this.view;
        frame.plain = this.words;
        frame.base = slot * this.slotBytes;
        frame.length = this.lengths[slot] as number;
        frame.addressed = this.kinds[slot] as number;
        frame.at = this.arrivals[slot] as number;
        counters.received++;
        visited++;
        visit(frame);
        if (!this.open) return visited;
        this.passOn();
      }
    } catch (error) {
      // The frame that the visit choked on is not met again.
      if (this.open) this.passOn();
      throw error;
    } finally {
      this.visiting = false;
    }
    this.clock?.expect(
      this.source,
      this.count > 0 ? (this.arrivals[this.head] as number) : Infinity,
    );
    return visited;
  }

  /** Only now may the first slot be written again; a visit that fills the queue has moved it to the start. */
  private passOn(): void {
    this.head = this.head + 1 === this.slots ? 0 : this.head + 1;
    // Slots that were written lately are in the cache: an empty queue begins with them again.
    if (--this.count === 0) this.head = 0;
  }

  flush(): void {}

  reclaim(): number {
    return 0;
  }

  nextDeadline(): number {
    if (this.changed) return 0;
    return this.count > 0 ? (this.arrivals[this.head] as number) : Infinity;
  }

  close(): void {
    this.open = false;
    this.count = 0;
    this.changed = false;
    this.clock?.expect(this.source, Infinity);
  }

  setMtu(mtu: number): void {
    if (mtu === this.mtu) return;
    this.mtu = mtu;
    this.change();
  }

  setMac(mac: Mac): void {
    if (mac === this.mac) return;
    this.mac = mac;
    this.change();
  }

  setUp(up: boolean): void {
    if (up === this.up) return;
    this.up = up;
    if (!up) {
      // Frames that have arrived stay readable, as in a socket's queue.
      const now = this.fabric.clock.now();
      while (
        this.count > 0 &&
        (this.arrivals[(this.head + this.count - 1) % this.slots] as number) > now
      ) {
        this.count--;
      }
    }
    this.change();
  }

  private change(): void {
    this.changed = this.open;
    this.clock?.expect(this.source, this.clock.now());
  }

  /**
   * `slots` slots of `length` bytes: at the start, when the queue is full, and when a peer's MTU outgrows them. The
   * frame that is being visited stays where it is, in the memory before.
   */
  private makeRoom(slots: number, length: number): void {
    const slotBytes = (length + 63) & ~63;
    const memory = new ArrayBuffer(slotBytes * slots);
    const words = new Uint32Array(memory);
    const { arrivals, lengths, kinds } = this;
    if (this.count > 0) {
      turnToStart(arrivals, this.head, this.slots);
      turnToStart(lengths, this.head, this.slots);
      turnToStart(kinds, this.head, this.slots);
    }
    for (let i = 0; i < this.count; i++) {
      const from = (this.head + i) % this.slots;
      copyWords(
        words,
        (i * slotBytes) >>> 2,
        this.words,
        (from * this.slotBytes) >>> 2,
        this.slotBytes >>> 2,
      );
    }
    this.head = 0;
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.words = words;
  }
}

/** Turns a ring of the first `length` places so that what stood at `head` stands first. */
function turnToStart(ring: Float64Array | Int32Array | Uint8Array, head: number, length: number) {
  if (head === 0) return;
  const first = ring.slice(0, head);
  ring.copyWithin(0, head, length);
  ring.set(first, length - head);
}
