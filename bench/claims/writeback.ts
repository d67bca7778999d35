// Claim E5 as a model: memory is short, and to free it pages must be written, which takes memory.
//
//   memory   [ free | dirty pages | transmit buffers ]      `pages` in all, one budget
//   writer   dirties a free page at once, as long as there is one, until `work` pages were dirtied
//   write-back  for each dirty page a buffer from the pool; its answer makes the page free again
//
// The pools take their preallocated buffers before the writer begins, and go on with them when no more can
// be had. `per-send` has to find a page for each write, and the writer has them all: nothing moves again.
// Pools, link and clock are the real ones under the virtual clock, so that the figures are exact.

import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import { WrappedLink } from "../../link/wrap.ts";
import type { Core, Port } from "../../link/loop.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import type { Pool } from "../../initiator/pool/pool.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { MS, S, US } from "../../words/quantity.ts";
import { NullTarget } from "../run/null_target.ts";

export interface MemoryPressure {
  readonly strategy: StrategyName;
  /** Pages of memory in all; each holds a dirty page or a transmit buffer. */
  readonly pages: number;
  /** Pages that will be dirtied in all. */
  readonly work: number;
}

export interface WriteBackOutcome {
  readonly written: number;
  /** Virtual ns of the last write-back that ended; 0: none did. */
  readonly lastAt: number;
  /** Allocations that memory refused. */
  readonly refused: number;
  readonly done: boolean;
}

const WINDOW = 16;
const PATIENCE = 60 * S;
const KICK = 100 * MS;
const LENGTH = ethernet.SHORTEST;

interface Memory {
  free: number;
  refused: number;
}

export function writeBack({ strategy, pages, work }: MemoryPressure): WriteBackOutcome {
  const clock = createVirtualClock(0);
  const [near, far] = createMemoryPair({ clock, latency: 50 * US });
  const memory: Memory = { free: pages, refused: 0 };
  const pool = createPool({
    strategy,
    link: new ChargedLink(near, memory),
    frameBytes: LENGTH,
    preallocated: WINDOW,
    cap: 256,
  });
  const device = new WriteBack(pool, near, far.mac, memory, work);
  const target = new NullTarget([far], 1, WINDOW);
  runVirtual([device, target], clock, () => device.written >= work, PATIENCE);
  return {
    written: device.written,
    lastAt: device.lastAt,
    refused: memory.refused,
    done: device.written >= work,
  };
}

/** A link whose buffers come out of `memory`. */
class ChargedLink extends WrappedLink {
  private readonly memory: Memory;

  constructor(inner: Link, memory: Memory) {
    super(inner);
    this.memory = memory;
  }

  override allocate(size: number): TxBuffer | null {
    const { memory } = this;
    if (memory.free === 0) {
      memory.refused++;
      return null;
    }
    memory.free--;
    return super.allocate(size);
  }
  override free(buffer: TxBuffer): void {
    this.memory.free++;
    super.free(buffer);
  }
}

class WriteBack implements Core {
  readonly ports: readonly Port[];
  written = 0;
  lastAt = 0;
  private readonly pool: Pool;
  private readonly link: Link;
  private readonly to: number;
  private readonly memory: Memory;
  private work: number;
  private dirty = 0;
  private now = 0;
  private kickAt = Infinity;
  private stalledSince = 0;
  private driven = true;
  private readonly out: (TxBuffer | null)[] = [];

  constructor(pool: Pool, link: Link, to: number, memory: Memory, work: number) {
    this.pool = pool;
    this.link = link;
    this.to = to;
    this.memory = memory;
    this.work = work;
    const visit = (frame: FrameView): void => this.answered(frame);
    const reclaimed = (count: number, now: number): void => pool.reclaimed(count, now);
    this.ports = [{ link, visit, reclaimed }];
  }

  begin(now: number): void {
    this.now = now;
  }

  private answered(frame: FrameView): void {
    const tag = aoe.tag(frame.view, frame.base);
    const buffer = this.out[tag];
    if (buffer == null) throw new Error(`invariant: ${tag} is out`);
    this.out[tag] = null;
    this.pool.release(buffer, this.now);
    this.written++;
    this.lastAt = this.now;
    this.memory.free++;
    this.driven = true;
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
    // The writer is quicker than any disk: what is free is dirty before the next frame goes out.
    while (this.memory.free > 0 && this.work > 0) {
      this.memory.free--;
      this.work--;
      this.dirty++;
    }
    while (this.dirty > 0 && this.pool.owned < WINDOW) {
      const buffer = this.pool.acquire(now);
      if (buffer === null) {
        if (this.pool.owned === 0) {
          this.kickAt = now + KICK;
          this.stalledSince = now;
        }
        return;
      }
      this.dirty--;
      this.send(buffer);
    }
  }

  private send(buffer: TxBuffer): void {
    buffer.bytes.fill(0);
    ethernet.write(buffer.view, 0, this.to, this.link.mac);
    buffer.view.setUint8(aoe.VERSION_FLAGS, aoe.VERSION << 4);
    buffer.view.setUint32(aoe.TAG, buffer.index);
    buffer.view.setUint8(ata.COMMAND, ata.WRITE_EXT);
    this.out[buffer.index] = buffer;
    if (!this.link.transmit(buffer, LENGTH)) throw new Error("invariant: the memory link has room");
  }

  nextDeadline(): number {
    return Math.min(this.driven ? 0 : Infinity, this.kickAt, this.pool.nextDeadline());
  }
}
