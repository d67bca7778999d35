// A pool at work under the virtual clock, for tests: `window` commands kept out at a target that serves them
// one after the other, over the memory link with a reclaim model. What a device does with its pool, and
// nothing else: no retransmits, no window law, no data.
//
//   closed loop ── transmit ──▶ [reclaim model] ── memory ──▶ target: one lane, `service` ns each
//        ▲                                                        │
//        └───────────────────────── answer ◀──────────────────────┘
//
// Dry with nothing out: the kick. Otherwise only an answer makes it try again, or, where the strategy or
// the option says so, the link's release.

import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import { type Core, type Port, iterate } from "../../link/loop.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { MS, S } from "../../words/quantity.ts";
import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import type { Pool } from "../../initiator/pool/pool.ts";
import type { PoolSnapshot } from "../../initiator/pool/snapshot.ts";

const LENGTH = ethernet.SHORTEST;

export interface Conditions {
  readonly strategy: StrategyName;
  readonly preallocated?: number;
  readonly cap?: number;
  readonly frameReturn?: number;
  /** Commands out at once; of several, each holds for an equal share of the run. */
  readonly window: number | readonly number[];
  /** ns that the target takes for each command. */
  readonly service: number;
  readonly reclaim: string;
  /** ns, or on release. */
  readonly kick?: number | "on-release";
  /** Virtual time of the whole run, ns. */
  readonly runtime: number;
}

export interface Outcome {
  readonly completed: number;
  /** Commands a second. */
  readonly rate: number;
  readonly pool: PoolSnapshot;
}

/** Runs it to the end, checks the pool's invariants, and closes it. */
export function closedLoop(conditions: Conditions): Outcome {
  const clock = createVirtualClock(0);
  const [near, far] = createMemoryPair({ clock });
  const link = createReclaim(near, parseReclaim(conditions.reclaim, "--reclaim"), clock);
  const pool = createPool({
    strategy: conditions.strategy,
    link,
    frameBytes: LENGTH,
    preallocated: conditions.preallocated ?? 16,
    cap: conditions.cap ?? 256,
    frameReturn: conditions.frameReturn ?? 0,
    verify: true,
  });
  const { kick = 100 * MS } = conditions;
  const onRelease = kick === "on-release" || pool.redrivenByReclaim;
  const device = new Device(
    pool,
    link,
    far.mac,
    kick === "on-release" ? 100 * MS : kick,
    onRelease,
  );
  const cores = [device, new Target(far, conditions.service)];
  const windows = [conditions.window].flat();
  windows.forEach((window, share) => {
    device.widen(window);
    runVirtual(cores, clock, () => false, (conditions.runtime * (share + 1)) / windows.length);
  });
  const snapshot = pool.snapshot(clock.now());
  device.widen(0);
  // The pins of all models but `stuck` end within a second of the last transmit, or with the next ones.
  runVirtual(cores, clock, () => false, clock.now() + S);
  iterate(device, clock.now());
  pool.check();
  return {
    completed: snapshot.releases,
    rate: (snapshot.releases * S) / conditions.runtime,
    pool: snapshot,
  };
}

class Device implements Core {
  readonly ports: readonly Port[];
  private readonly pool: Pool;
  private readonly link: Link;
  private readonly to: number;
  private readonly kick: number;
  private window = 0;
  private now = 0;
  private driven = true;
  private kickAt = Infinity;
  private stalledSince = 0;
  /** By tag, which is the buffer's index at the link. */
  private readonly out: (TxBuffer | null)[] = [];
  /** Of commands that wait for their release alone. */
  private settling: TxBuffer[] = [];

  constructor(pool: Pool, link: Link, to: number, kick: number, onRelease: boolean) {
    this.pool = pool;
    this.link = link;
    this.to = to;
    this.kick = kick;
    const visit = (frame: FrameView) => this.answered(frame);
    const reclaimed = (count: number, now: number) => {
      pool.reclaimed(count, now);
      this.released(now);
      if (onRelease) this.driven = true;
    };
    this.ports = [{ link, visit, reclaimed }];
  }

  /** Commands out at once, from now on. */
  widen(window: number): void {
    this.window = window;
    this.driven = true;
  }

  begin(now: number): void {
    this.now = now;
  }

  private answered(frame: FrameView): void {
    const tag = aoe.tag(frame.view, frame.base);
    const buffer = this.out[tag];
    if (buffer == null) throw new Error(`an answer to ${tag}, which is not out`);
    this.out[tag] = null;
    this.driven = true;
    if (this.pool.endsAtRelease && buffer.pins > 0) this.settling.push(buffer);
    else this.pool.release(buffer, this.now);
  }

  /** Commands that were answered end, where the link has released their buffers, too. */
  private released(now: number): void {
    for (const buffer of this.settling) if (buffer.pins === 0) this.pool.release(buffer, now);
    this.settling = this.settling.filter(({ pins }) => pins > 0);
  }

  advance(now: number): void {
    this.pool.advance(now);
    if (now >= this.kickAt) {
      this.pool.kicked(now, this.stalledSince);
      this.kickAt = Infinity;
      this.driven = true;
    }
    if (!this.driven) return;
    this.driven = false;
    while (this.pool.owned < this.window) {
      const buffer = this.pool.acquire(now);
      if (buffer === null) {
        if (this.pool.owned > 0 || this.kickAt < Infinity) return;
        this.kickAt = now + this.kick;
        this.stalledSince = now;
        return;
      }
      this.kickAt = Infinity;
      buffer.bytes.fill(0);
      ethernet.write(buffer.view, 0, this.to, this.link.mac);
      buffer.view.setUint32(aoe.TAG, buffer.index);
      this.out[buffer.index] = buffer;
      this.link.transmit(buffer, LENGTH);
    }
  }

  nextDeadline(): number {
    return Math.min(this.driven ? 0 : Infinity, this.kickAt, this.pool.nextDeadline());
  }
}

class Target implements Core {
  readonly ports: readonly Port[];
  private readonly link: Link;
  private readonly service: number;
  private readonly answer: TxBuffer;
  private now = 0;
  private readonly queue: { readonly tag: number; readonly to: number; readonly at: number }[] = [];
  private busyUntil = 0;

  constructor(link: Link, service: number) {
    const answer = link.allocate(LENGTH);
    if (answer === null) throw new Error("no memory for an answer");
    this.answer = answer;
    this.link = link;
    this.service = service;
    const visit = ({ view, base }: FrameView) => {
      this.busyUntil = Math.max(this.now, this.busyUntil) + this.service;
      const to = ethernet.source(view, base);
      this.queue.push({ tag: aoe.tag(view, base), to, at: this.busyUntil });
    };
    this.ports = [{ link, visit, reclaimed: () => {} }];
  }

  begin(now: number): void {
    this.now = now;
  }

  advance(now: number): void {
    for (let first = this.queue[0]; first !== undefined && first.at <= now; first = this.queue[0]) {
      this.queue.shift();
      ethernet.write(this.answer.view, 0, first.to, this.link.mac);
      this.answer.view.setUint32(aoe.TAG, first.tag);
      this.link.transmit(this.answer, LENGTH);
    }
  }

  nextDeadline(): number {
    return this.queue[0]?.at ?? Infinity;
  }
}
