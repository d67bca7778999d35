// A device's transmit buffers: a pool for each link that it is reached by, and what follows when one is dry.
//
//   drive ─▶ acquire ─ null ─▶ dry since … ─▶ nothing outstanding: the kick ─▶ drive
//                                  └─ answers, submits, and where wanted releases ─▶ drive
//
// What is asked of a device that carries no data yet, IDENTIFY and control commands, goes through a pool that
// all devices of a link share: ten thousand exports answer discovery, and few of them are ever used. Where
// every frame of that one is out, no answer to the device itself will drive it again: it waits in line, and
// each frame that comes back wakes one.

import type { Link, TxBuffer } from "../../link/link.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { DeviceCounters } from "./counters.ts";
import type { Settings } from "./options.ts";
import type { Pool } from "../pool/pool.ts";
import type { PortState } from "./port.ts";

/** Makes pools, and keeps those that devices share. */
export class Pools {
  readonly shared: (Pool | null)[] = [];
  private readonly ports: readonly PortState[];
  private readonly make: (link: Link, bytes: number) => Pool;
  /** By port index: who waits for a frame of the shared pool, first come first. */
  private readonly waiting: Buffers[][] = [];

  constructor(ports: readonly PortState[], make: (link: Link, bytes: number) => Pool) {
    this.ports = ports;
    this.make = make;
    for (const _ of ports) {
      this.shared.push(null);
      this.waiting.push([]);
    }
  }

  /** `buffers` is woken, once, when a frame of the port's shared pool is free. */
  wait(buffers: Buffers, port: number): void {
    this.waiting[port]?.push(buffers);
  }

  /** A frame of the port's shared pool is free. */
  freed(port: number): void {
    this.waiting[port]?.shift()?.wake(port);
  }

  /** What the largest frame of any link needs: a frame may have to go by another one. */
  frameBytes(): number {
    let mtu = 0;
    for (const { link } of this.ports) mtu = Math.max(mtu, link.mtu);
    return ethernet.LENGTH + mtu;
  }

  create(port: PortState, bytes: number): Pool {
    return this.make(port.link, bytes);
  }

  sharedOf(port: PortState): Pool {
    let pool = this.shared[port.index] ?? null;
    if (pool === null) {
      pool = this.make(port.link, this.frameBytes());
      this.shared[port.index] = pool;
    }
    return pool;
  }

  nextDeadline(): number {
    return earliest(this.shared);
  }

  advance(now: number): void {
    advanceAll(this.shared, now);
  }

  close(now: number): boolean {
    return closeAll(this.shared, now);
  }
}

export class Buffers {
  /** By port index; null: nothing was sent there. */
  readonly pools: (Pool | null)[] = [];
  /** Ports (bits) whose pool was dry in this drive. */
  dryPorts = 0;
  /** Since when there is room in the window and no buffer, ns; -1: there is one, or no need. */
  drySince = -1;
  private readonly maker: Pools;
  private readonly settings: Settings;
  private readonly counters: DeviceCounters;
  private bytes = 0;
  private dryPool: Pool | null = null;
  private kickAt = Infinity;
  private stalledSince = 0;
  private readonly touch: () => void;
  /** Ports (bits) in whose line it stands, and whose free frame is its turn to take. */
  private waitingPorts = 0;
  private wokenPorts = 0;

  /** `touch`: a buffer may be had now, the device is to drive. */
  constructor(
    maker: Pools,
    settings: Settings,
    counters: DeviceCounters,
    ports: number,
    touch: () => void,
  ) {
    this.maker = maker;
    this.settings = settings;
    this.counters = counters;
    this.touch = touch;
    for (let port = 0; port < ports; port++) this.pools.push(null);
  }

  /** The largest payload behind the Ethernet header by `port`: its MTU, or what its buffers were made for. */
  roomOf(port: PortState): number {
    const { mtu } = port.link;
    // All pools of a device have buffers of one size, those still to be made too.
    return this.bytes === 0 ? mtu : Math.min(mtu, this.bytes - ethernet.LENGTH);
  }

  /** The pool for a frame by `port`, made where it is not there; `data`: the frame reads or writes. */
  poolOf(port: PortState, data: boolean): Pool {
    const pool = this.pools[port.index];
    if (pool != null) return pool;
    if (!data) return this.maker.sharedOf(port);
    if (this.bytes === 0) this.bytes = this.maker.frameBytes();
    const made = this.maker.create(port, this.bytes);
    this.pools[port.index] = made;
    return made;
  }

  /** The pool that all devices share on `port`. */
  sharedOf(port: PortState): Pool {
    return this.maker.sharedOf(port);
  }

  begin(): void {
    this.dryPorts = 0;
  }

  isDry(port: PortState): boolean {
    return (this.dryPorts & (1 << port.index)) !== 0;
  }

  /** A buffer of `pool`, or null: then `isDry` says whether it has frames and no buffer for them. */
  acquire(pool: Pool, port: PortState, now: number): TxBuffer | null {
    const buffer = pool.acquire(now);
    const bit = 1 << port.index;
    if (buffer !== null) {
      this.wokenPorts &= ~bit;
      return buffer;
    }
    if (pool.owned < pool.frames) {
      this.dryPool = pool;
      this.dryPorts |= bit;
    } else if (pool === this.maker.shared[port.index]) {
      // Somebody else was quicker, where it was its turn: there is nothing to pass on.
      this.wokenPorts &= ~bit;
      if ((this.waitingPorts & bit) === 0) {
        this.waitingPorts |= bit;
        this.maker.wait(this, port.index);
      }
    }
    return null;
  }

  /** A frame by `port` has ended. */
  release(pool: Pool, buffer: TxBuffer, port: PortState, now: number): void {
    pool.release(buffer, now);
    if (pool === this.maker.shared[port.index]) this.maker.freed(port.index);
  }

  /** Its turn has come in the line of `port`. */
  wake(port: number): void {
    this.waitingPorts &= ~(1 << port);
    this.wokenPorts |= 1 << port;
    this.touch();
  }

  /** What the drive has met counts from now on; `inFlight` frames will re-drive by their answers. */
  settle(inFlight: number, now: number): void {
    if (this.wokenPorts !== 0) this.passOn();
    if (this.dryPorts === 0) {
      this.drySince = -1;
      if (this.kickAt !== Infinity) this.unstall();
      return;
    }
    if (this.drySince < 0) this.drySince = now;
    if (inFlight > 0) {
      if (this.kickAt !== Infinity) this.unstall();
    } else if (this.kickAt === Infinity) {
      this.kickAt = now + this.settings.kick;
      this.stalledSince = now;
      if (!this.wokenByRelease) this.dryPool?.stalled(now);
    }
  }

  /** Something else than its kick ends the wait. */
  private unstall(): void {
    this.kickAt = Infinity;
    this.dryPool?.stalled(-1);
  }

  private get wokenByRelease(): boolean {
    return this.settings.kickOnRelease || (this.dryPool?.redrivenByReclaim ?? false);
  }

  /** It had no need of its turn: the next one may. */
  private passOn(): void {
    const ports = this.wokenPorts;
    this.wokenPorts = 0;
    for (let port = 0; port < this.pools.length; port++) {
      if ((ports & (1 << port)) !== 0) this.maker.freed(port);
    }
  }

  nextDeadline(): number {
    return Math.min(this.kickAt, earliest(this.pools));
  }

  /** The device is to drive afterwards. */
  advance(now: number): void {
    if (this.kickAt <= now) {
      this.kickAt = Infinity;
      this.counters.kicks++;
      this.counters.kickStall += now - this.stalledSince;
      this.dryPool?.kicked(now, this.stalledSince);
      this.stalledSince = now;
    }
    advanceAll(this.pools, now);
  }

  /** The link of `port` released `count` buffers; true: the device is to drive. */
  reclaimed(port: PortState, count: number, now: number): boolean {
    const pool = this.pools[port.index];
    pool?.reclaimed(count, now);
    return this.drySince >= 0 && this.wokenByRelease;
  }

  close(now: number): boolean {
    return closeAll(this.pools, now);
  }
}

function earliest(pools: readonly (Pool | null)[]): number {
  let at = Infinity;
  for (let index = 0; index < pools.length; index++) {
    const pool = pools[index];
    if (pool != null) at = Math.min(at, pool.nextDeadline());
  }
  return at;
}

function advanceAll(pools: readonly (Pool | null)[], now: number): void {
  for (const pool of pools) if (pool !== null && pool.nextDeadline() <= now) pool.advance(now);
}

function closeAll(pools: readonly (Pool | null)[], now: number): boolean {
  let closed = true;
  for (const pool of pools) if (pool !== null && !pool.close(now)) closed = false;
  return closed;
}
