// Sends frames out of an interface and watches when their buffers are released: AoE config
// queries, at a rhythm that parts what a release may depend on (observed.ts). A busy loop looks;
// between two bursts signals are heard.

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import type { Link, Mutable, TxBuffer } from "../../link/link.ts";
import { now } from "../../sys/clock.ts";
import { median } from "../../statistics/quantile.ts";
import { MS, S } from "../../words/quantity.ts";
import type { Observed, Phase, Send } from "./observed.ts";

export interface Rhythm {
  /** Whom the queries are for. */
  readonly to: Mac;
  /** Frames a second, of the steady phase. */
  readonly rate: number;
  /** How long that lasts, ns. */
  readonly runtime: number;
  readonly idles: number;
  readonly bursts: number;
  readonly burst: number;
  /** How long a release is waited for, ns. */
  readonly patience: number;
  /** Bytes of frames; bursts take turns, all others have the first. */
  readonly lengths: readonly number[];
}

export interface Probed extends Observed {
  /** Frames for which there was no idle buffer, or no room. */
  readonly skipped: number;
}

const HEADERS = ethernet.LENGTH + aoe.LENGTH;
/** Between two frames of an idle line. */
const REST = 2 * MS;

/** A config query for every device, of `length` bytes, with zeros behind it. */
export function writeQuery(buffer: TxBuffer, length: number, to: Mac, from: Mac): void {
  const { view, bytes } = buffer;
  bytes.fill(0, 0, length);
  ethernet.write(view, 0, to, from);
  aoe.write(view, 0, 0, 0, aoe.ANY_MAJOR, aoe.ANY_MINOR, aoe.COMMAND_CONFIG, 0);
  config.write(view, 0, 0, 0, 0, config.READ, 0);
}

/** Allocates `count` buffers of `size` bytes and gives them back: those after are at hand. */
export function atHand(link: Link, count: number, size: number): number {
  const made: TxBuffer[] = [];
  while (made.length < count) {
    const buffer = link.allocate(size);
    if (buffer === null) break;
    made.push(buffer);
  }
  for (const buffer of made) link.free(buffer);
  return made.length;
}

class Watch {
  readonly sends: Mutable<Send>[] = [];
  readonly receives: number[] = [];
  readonly gaps: number[] = [];
  skipped = 0;
  private readonly link: Link;
  private readonly to: Mac;
  private readonly idle: TxBuffer[] = [];
  private readonly out: { readonly buffer: TxBuffer; readonly send: Mutable<Send> }[] = [];
  private lookedAt = 0;

  constructor(link: Link, to: Mac, buffers: number, size: number) {
    this.link = link;
    this.to = to;
    while (this.idle.length < buffers) {
      const buffer = link.allocate(size);
      if (buffer === null) break;
      this.idle.push(buffer);
    }
  }

  get held(): number {
    return this.out.length;
  }

  look(): number {
    this.link.receive(({ at }) => this.receives.push(at), 64);
    this.link.reclaim();
    const at = now();
    if (this.lookedAt > 0) this.gaps.push(at - this.lookedAt);
    this.lookedAt = at;
    let kept = 0;
    for (const one of this.out) {
      if (one.buffer.pins > 0) {
        one.send.heldAt = at;
        this.out[kept++] = one;
        continue;
      }
      one.send.released = at;
      this.idle.push(one.buffer);
    }
    this.out.length = kept;
    return at;
  }

  lookUntil(until: number, enough = () => false): void {
    while (this.look() < until && !enough());
  }

  send(phase: Phase, length: number): void {
    const buffer = this.idle.pop();
    if (buffer === undefined) {
      this.skipped++;
      return;
    }
    writeQuery(buffer, length, this.to, this.link.mac);
    const at = now();
    if (!this.link.transmit(buffer, length)) {
      this.skipped++;
      this.idle.push(buffer);
      return;
    }
    this.link.flush();
    const send = { at, length, phase, heldAt: at, released: null };
    this.sends.push(send);
    this.out.push({ buffer, send });
  }

  /** Gives back what is released; the rest stays the link's. */
  end(): void {
    for (const buffer of this.idle) this.link.free(buffer);
  }
}

/** The whole rhythm; ends early, between two bursts, when `signal` comes. */
export async function probe(link: Link, rhythm: Rhythm, signal: AbortSignal): Promise<Probed> {
  const { lengths, burst, patience, rate } = rhythm;
  const [short = HEADERS] = lengths;
  const watch = new Watch(link, rhythm.to, 2 * burst, Math.max(...lengths));
  const released = () => watch.held === 0;
  const heard = async (): Promise<boolean> => {
    await Bun.sleep(0);
    return signal.aborted;
  };
  for (let index = 0; index < rhythm.idles && !(await heard()); index++) {
    watch.send("idle", short);
    watch.lookUntil(now() + patience, released);
    watch.lookUntil(now() + REST);
  }
  const begin = now();
  const steady = Math.floor((rhythm.runtime * rate) / S);
  for (let index = 0; index < steady; index++) {
    watch.lookUntil(begin + (index * S) / rate);
    watch.send("steady", short);
    if (index % 64 === 63 && (await heard())) break;
  }
  for (let index = 0; index < rhythm.bursts && !(await heard()); index++) {
    watch.lookUntil(now() + patience, released);
    const length = lengths[index % lengths.length] ?? short;
    for (let frame = 1; frame <= burst; frame++) {
      watch.send(frame === burst ? "last" : "burst", length);
      watch.look();
    }
  }
  watch.lookUntil(now() + patience, released);
  const until = watch.look();
  watch.end();
  const { sends, receives, gaps, skipped } = watch;
  return { sends, receives, until, resolution: median(gaps), skipped };
}
