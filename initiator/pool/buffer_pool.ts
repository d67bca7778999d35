// A device's pool: a strategy, the ledger and the metrics put together. The one implementation of Pool.

import type { Link, TxBuffer } from "../../link/link.ts";
import { environment } from "../../words/failure.ts";
import { Completion } from "./completion.ts";
import { Fixed, MAXFRAMES } from "./fixed.ts";
import { Ledger } from "./ledger.ts";
import { LifoSwap, MOST_FRAMES } from "./lifo_swap.ts";
import { Metrics } from "./metrics.ts";
import { PerSend } from "./per_send.ts";
import type { Pool } from "./pool.ts";
import { ScanSwap } from "./scan_swap.ts";
import type { Strategy } from "./strategy.ts";
import type { PoolSnapshot, Leak } from "./snapshot.ts";

export const STRATEGIES = [
  "fixed",
  "scan-swap",
  "lifo-swap",
  "per-send",
  "uncapped",
  "completion",
  "both",
] as const;

export type StrategyName = (typeof STRATEGIES)[number];

export interface PoolSettings {
  readonly strategy: StrategyName;
  readonly link: Link;
  /** Size of each buffer: 14 + the link's MTU. */
  readonly frameBytes: number;
  /** Frames that have a buffer from the start; `fixed` takes at most 16, `lifo-swap` and `per-send` take none. */
  readonly preallocated: number;
  /** Most buffers beyond them; no matter to `fixed` (none), `per-send` and `uncapped` (no bound). */
  readonly cap: number;
  /** Most frames that `lifo-swap` makes; 512. */
  readonly frames?: number;
  /** How long after its release a frame of `lifo-swap` is free again, ns; 0. */
  readonly frameReturn?: number;
  /** Poison idle memory and check every invariant at every step. */
  readonly verify?: boolean;
}

/** A pool with its preallocated buffers; a Failure where the link can't give those. */
export function createPool(settings: PoolSettings): Pool {
  const { link, frameBytes, preallocated } = settings;
  const cap = capOf(settings);
  const ofFrames = settings.strategy === "lifo-swap" ? (settings.frames ?? MOST_FRAMES) : 0;
  const metrics = new Metrics(cap, Math.max(preallocated, ofFrames) + cap);
  const ledger = new Ledger(link, frameBytes, metrics, settings.verify ?? false);
  const strategy = strategyOf(settings, ledger, cap);
  const wanted = wantedAtStart(settings);
  if (metrics.created < wanted) {
    const got = metrics.created;
    ledger.close(0);
    throw environment(
      `The link gave only ${got} of the pool's ${wanted} preallocated buffers of ${frameBytes} bytes; ask for fewer with --pool-prealloc`,
    );
  }
  return new BufferPool(strategy, ledger, metrics);
}

function capOf({ strategy, cap }: PoolSettings): number {
  if (strategy === "fixed") return 0;
  return strategy === "per-send" || strategy === "uncapped" ? Infinity : cap;
}

function wantedAtStart({ strategy, preallocated }: PoolSettings): number {
  if (strategy === "lifo-swap" || strategy === "per-send") return 0;
  return strategy === "fixed" ? Math.min(preallocated, MAXFRAMES) : preallocated;
}

function strategyOf(settings: PoolSettings, ledger: Ledger, cap: number): Strategy {
  const { strategy, preallocated } = settings;
  switch (strategy) {
    case "fixed":
      return new Fixed(ledger, Math.min(preallocated, MAXFRAMES));
    case "scan-swap":
    case "uncapped":
      return new ScanSwap(ledger, preallocated, strategy);
    case "lifo-swap":
      return new LifoSwap(ledger, settings.frames ?? MOST_FRAMES, settings.frameReturn ?? 0);
    case "per-send":
      return new PerSend(ledger);
    case "completion":
    case "both":
      return new Completion(ledger, preallocated, cap, strategy);
  }
}

class BufferPool implements Pool {
  readonly name: string;
  readonly redrivenByReclaim: boolean;
  readonly endsAtRelease: boolean;
  readonly frames: number;
  readonly metrics: Metrics;
  private readonly strategy: Strategy;
  private readonly ledger: Ledger;
  /** When `acquire` first found nothing since it last found something; -1: it found something. */
  private drySince = -1;
  /** `frames`, or -1 from `close` on. */
  private most: number;

  constructor(strategy: Strategy, ledger: Ledger, metrics: Metrics) {
    this.name = strategy.name;
    this.redrivenByReclaim = strategy.redrivenByReclaim;
    this.endsAtRelease = strategy.name === "both";
    this.frames = strategy.frames;
    this.most = strategy.frames;
    this.strategy = strategy;
    this.ledger = ledger;
    this.metrics = metrics;
    ledger.onIdle = strategy.idled;
    ledger.check();
  }

  get owned(): number {
    return this.ledger.owned;
  }

  acquire(now: number): TxBuffer | null {
    const { ledger } = this;
    if (ledger.owned >= this.most) return this.busy();
    const buffer = this.strategy.take(now);
    if (buffer === null) return this.dry(now);
    ledger.own(buffer, now);
    if (this.drySince >= 0) this.wet(now);
    return buffer;
  }

  private busy(): null {
    if (this.most < 0) throw new Error("invariant: nothing is acquired from a closed pool");
    this.metrics.framesBusy++;
    return null;
  }

  private dry(now: number): null {
    this.metrics.dry++;
    if (this.drySince < 0) this.drySince = now;
    return null;
  }

  private wet(now: number): void {
    this.metrics.drySpell.record(now - this.drySince);
    this.drySince = -1;
  }

  release(buffer: TxBuffer, now: number): void {
    const idle = this.ledger.disown(buffer, now);
    // A closed pool's idle buffers go with the next `close`.
    if (this.most >= 0) this.strategy.give(buffer, idle, now);
  }

  reclaimed(count: number, now: number): void {
    this.ledger.settle(count, now);
  }

  stalled(since: number): void {
    this.metrics.stalledSince = since;
  }

  kicked(now: number, stalledSince: number): void {
    this.metrics.kicked(now, stalledSince);
  }

  waited(duration: number): void {
    this.metrics.wait.record(duration);
  }

  markWarm(now: number): void {
    this.metrics.markWarm(now, this.ledger.holdOpen(now));
    if (this.drySince >= 0) this.drySince = now;
  }

  nextDeadline(): number {
    return this.most < 0 ? Infinity : this.strategy.nextDeadline();
  }

  advance(now: number): void {
    if (this.most >= 0) this.strategy.rest(now);
  }

  snapshot(now: number): PoolSnapshot {
    const { ledger } = this;
    return this.metrics.snapshot(now, {
      strategy: this.name,
      frames: Number.isFinite(this.frames) ? this.frames : null,
      buffer_bytes: ledger.bufferBytes,
      owned: ledger.owned,
      idle: ledger.idle,
      pinned: ledger.pinned(),
      hold_open_ns: ledger.holdOpen(now),
    });
  }

  check(): void {
    this.ledger.check();
  }

  leaks(now: number): Leak[] {
    return this.ledger.leaks(now);
  }

  close(now: number): boolean {
    this.most = -1;
    this.ledger.onIdle = null;
    this.metrics.leaked = this.ledger.close(now);
    return this.metrics.leaked === 0;
  }
}
