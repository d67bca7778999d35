// What all devices of one initiator share: the current time, frames, tags, deadlines, settings.

import { createDeadlines } from "../../link/deadlines.ts";
import { Pools } from "./buffers.ts";
import { Frame } from "./frame.ts";
import type { InitiatorOptions, Settings } from "./options.ts";
import { settle } from "./options.ts";
import { PortState } from "./port.ts";
import type { Waiter } from "../../link/waiter.ts";
import { Tags } from "./tags.ts";
import { Told } from "../../words/told.ts";

export class Host {
  /** The current time, ns. */
  now = 0;
  /** No frame, command or deadline has been dealt with since `now` was looked up. */
  private fresh = false;
  readonly settings: Settings;
  readonly tags: Tags;
  readonly ports: readonly PortState[];
  readonly pools: Pools;
  /** By frame index. */
  readonly frames: Frame[] = [];
  readonly frameDeadlines = createDeadlines(256);
  /** By device index. */
  readonly deviceDeadlines = createDeadlines(64);
  /** Indices of devices with something to send, the first `readyCount`. A device can stand here twice. */
  readonly ready: number[] = [];
  readyCount = 0;
  onNotice: ((sentence: string) => void) | null = null;
  readonly told = new Told((sentence) => this.onNotice?.(sentence));
  private readonly free: Frame[] = [];
  private readonly clock: Pick<Waiter, "now"> | null;

  constructor(options: InitiatorOptions) {
    this.settings = settle(options);
    this.tags = new Tags(options.random);
    this.ports = options.links.map((link, index) => new PortState(link, index));
    this.pools = new Pools(this.ports, options.pool);
    this.clock = options.clock ?? null;
  }

  /** The device with that index has something to send. */
  touch(device: number): void {
    this.worked();
    this.ready[this.readyCount++] = device;
  }

  /** An iteration begins, or goes on, at `now`. */
  begin(now: number): void {
    this.now = now;
    this.fresh = true;
  }

  /** A frame came at `at`, and is dealt with now. */
  arrived(at: number): void {
    if (at > this.now) this.now = at;
    this.fresh = false;
  }

  /** Something was done that takes time: what is sent next must not be dated before it. */
  worked(): void {
    this.fresh = false;
  }

  /** Looks up the time where something has been done since the last look. */
  look(): void {
    if (this.fresh || this.clock === null) return;
    this.now = this.clock.now();
  }

  takeFrame(): Frame {
    const frame = this.free.pop();
    if (frame !== undefined) return frame;
    const fresh = new Frame(this.frames.length);
    this.frames.push(fresh);
    return fresh;
  }

  giveFrame(frame: Frame): void {
    this.free.push(frame);
  }
}
