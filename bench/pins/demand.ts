// How many buffers a load needs: a pool at work, over any link and clock.
//
//   a burst each burst ÷ rate   ▕▏▕▏▕▏▕▏      ▕▏▕▏▕▏▕▏
//   a command ends when `depth` more of them are out: answered at once, which is the worst case,
//   since its buffer is wanted again while the link holds it
//
// Over the real link it is what was found; over the memory link with a fitted model, under the
// virtual clock, it is what that model predicts.

import type { Link, TxBuffer } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import { S } from "../../words/quantity.ts";

export interface Load {
  /** Commands out at once. */
  readonly depth: number;
  /** Frames at once. */
  readonly burst: number;
  readonly bursts: number;
  /** Frames a second, over all bursts. */
  readonly rate: number;
  /** Bytes of a frame. */
  readonly length: number;
}

export interface Demand {
  /** Most buffers that the pool had. */
  readonly buffers: number;
  /** Of them, beyond `depth`: nskbpool in Linux. */
  readonly headroom: number;
  /** How often there was none. */
  readonly dry: number;
}

export interface Clock {
  now(): number;
  /** Returns at `at`, or earlier when something may have been released. */
  until(at: number): void;
}

/** What a pool may have beyond `depth`, as in Linux. */
export const CAP = 256;
/** How long a pool waits for the end of its pins. */
const PATIENCE = 2 * S;

/** Runs `load` through a pool of `strategy`, and ends it. `fill` makes a buffer a frame. */
export function demand(
  strategy: StrategyName,
  link: Link,
  clock: Clock,
  load: Load,
  fill: (buffer: TxBuffer, length: number) => void,
): Demand {
  const { depth, burst, bursts, rate, length } = load;
  const pool = createPool({ strategy, link, frameBytes: length, preallocated: depth, cap: CAP });
  const owned: TxBuffer[] = [];
  let dry = 0;
  const look = (): void => {
    link.receive(() => {}, 64);
    const released = link.reclaim();
    const now = clock.now();
    if (released > 0) pool.reclaimed(released, now);
    if (now >= pool.nextDeadline()) pool.advance(now);
  };
  const waitUntil = (at: number): void => {
    for (look(); clock.now() < at; look()) clock.until(at);
  };
  const acquire = (): TxBuffer | null => {
    const patience = clock.now() + PATIENCE;
    let buffer = pool.acquire(clock.now());
    if (buffer === null) dry++;
    while (buffer === null && clock.now() < patience) {
      clock.until(patience);
      look();
      buffer = pool.acquire(clock.now());
    }
    return buffer;
  };
  const begin = clock.now();
  send: for (let index = 0; index < bursts; index++) {
    waitUntil(begin + (index * burst * S) / rate);
    for (let frame = 0; frame < burst; frame++) {
      look();
      if (owned.length >= depth) {
        const ended = owned.shift();
        if (ended !== undefined) pool.release(ended, clock.now());
      }
      const buffer = acquire();
      if (buffer === null) break send;
      fill(buffer, length);
      link.transmit(buffer, length);
      link.flush();
      owned.push(buffer);
    }
  }
  const { created_peak: buffers, pool_length_peak: headroom } = pool.snapshot(clock.now());
  for (const buffer of owned) pool.release(buffer, clock.now());
  const patience = clock.now() + PATIENCE;
  look();
  while (!pool.close(clock.now()) && clock.now() < patience) {
    clock.until(patience);
    look();
  }
  return { buffers, headroom, dry };
}

/** What `model` predicts: exact. `gap`: ns between two frames of a burst. */
export function predict(strategy: StrategyName, model: string, load: Load, gap: number): Demand {
  const clock = createVirtualClock(0);
  const [near] = createMemoryPair({ clock });
  const link = createReclaim(near, parseReclaim(model, "the model"), clock);
  const virtual = {
    now: () => clock.now(),
    until: (at: number) => clock.wait(Math.max(clock.now(), Math.min(at, link.nextDeadline()))),
  };
  // Sending takes its time, as it did where it was seen.
  return demand(strategy, link, virtual, load, () => clock.wait(clock.now() + gap));
}

/**
 * The same by formula: what is sent while a frame is held, of a load whose bursts are sent with
 * `gap` ns between frames. At least the commands' own.
 */
export function byFormula({ depth, burst, rate }: Load, hold: number, gap: number): number {
  const inBurst = gap > 0 ? hold / gap : Number.POSITIVE_INFINITY;
  const sent = Math.min(inBurst, burst * (Math.floor((hold * rate) / S / burst) + 1));
  return Math.max(depth, Math.ceil(sent));
}
