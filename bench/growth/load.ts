// A closed loop of reads as plain as can be, over several links and as several initiators: what it costs is the
// same at every point of an axis.
//
//   slot 0 … depth−1 ── request ──▶ link (in turns) ──▶ target ──▶ answer ──▶ the same slot again
//   tag               = turn of the slot << 10 | slot
//
// An initiator is a source MAC; answers to foreign MACs reach a raw socket as well. A read that was not answered
// in time is counted as lost and asked again. Nothing is allocated per read.

import { now as clock } from "../../sys/clock.ts";
import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import type { Core, Port } from "../../link/loop.ts";
import { failed } from "../../words/failure.ts";
import type { Random } from "../../words/random.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import { Histogram } from "../../statistics/histogram.ts";
import { DEPTH_MAX, READ_BYTES } from "./axes.ts";

const SLOT_BITS = 10;
const SLOT = DEPTH_MAX - 1;
/** Far beyond any queue here, and short enough that a loss does not stop a small depth for long, ns. */
const LOST_AFTER = 20e6;
const LOOK_EVERY = 1e6;
/** The first initiator's; the others count up from it. */
const FIRST_INITIATOR: Mac = 0x0200_0000_0100;

export interface Way {
  readonly link: Link;
  /** The target's on that link. */
  readonly target: Mac;
}

/** What may be read, by place. */
export interface Places {
  readonly majors: Int32Array;
  readonly minors: Int32Array;
  readonly lbas: Float64Array;
}

export class GrowthLoad implements Core {
  readonly ports: readonly Port[];
  readonly lat = new Histogram();
  done = 0;
  lost = 0;
  /** Whether an answer is followed by the next read. */
  running = false;
  /** Places one after the other, each once; else by chance. */
  inOrder = false;
  /** May change while nothing is outstanding. */
  places: Places;
  private readonly ways: readonly Way[];
  private readonly buffers: readonly TxBuffer[];
  private readonly initiators: number;
  private readonly random: Random;
  private readonly tags = new Uint32Array(DEPTH_MAX);
  private readonly sentAt = new Float64Array(DEPTH_MAX);
  private depth = 0;
  private sent = 0;
  private outstanding = 0;
  private nextLook = 0;

  constructor(ways: readonly Way[], places: Places, initiators: number, random: Random) {
    this.ways = ways;
    this.places = places;
    this.initiators = initiators;
    this.random = random;
    this.buffers = ways.map(({ link }) => {
      const buffer = link.allocate(ethernet.SHORTEST);
      if (buffer === null) throw new Error("invariant: a fresh link has room for a request");
      return buffer;
    });
    this.ports = ways.map(({ link }) => ({
      link,
      visit: (frame: FrameView) => this.receive(frame),
      reclaimed: () => {},
    }));
  }

  get idle(): boolean {
    return this.outstanding === 0;
  }

  /** From nothing outstanding: `depth` reads, and one for each that ends, until `running` is false. */
  start(depth: number): void {
    this.depth = depth;
    this.running = true;
    this.lat.reset();
    this.done = 0;
    this.lost = 0;
    this.sent = 0;
    this.outstanding = depth;
    for (let slot = 0; slot < depth; slot++) this.send(slot);
  }

  begin(_now: number): void {}

  advance(now: number): void {
    if (now < this.nextLook) return;
    this.nextLook = now + LOOK_EVERY;
    for (let slot = 0; slot < this.depth; slot++) {
      const at = this.sentAt[slot] as number;
      if (at === 0 || now - at < LOST_AFTER) continue;
      this.lost++;
      this.next(slot);
    }
  }

  nextDeadline(): number {
    return this.nextLook;
  }

  private receive({ view, base, length }: FrameView): void {
    if (length < aoe.LENGTH || !aoe.isResponse(view, base)) return;
    const tag = aoe.tag(view, base);
    const slot = tag & SLOT;
    if (this.tags[slot] !== tag || this.sentAt[slot] === 0) return;
    if (
      aoe.isError(view, base) ||
      length < ata.LENGTH + READ_BYTES ||
      (ata.status(view, base) & ata.STATUS_FAILED) !== 0
    ) {
      throw failed(
        `e${aoe.major(view, base)}.${aoe.minor(view, base)} failed a read of its sector ${ata.lba48(view, base)}`,
      );
    }
    this.lat.record(clock() - (this.sentAt[slot] as number));
    this.done++;
    this.next(slot);
  }

  private next(slot: number): void {
    if (this.running) {
      this.send(slot);
      return;
    }
    this.sentAt[slot] = 0;
    this.outstanding--;
  }

  private send(slot: number): void {
    const { majors, minors, lbas } = this.places;
    const turn = this.sent++;
    const place = this.inOrder ? turn % majors.length : this.random.below(majors.length);
    const which = turn % this.ways.length;
    const { link, target } = this.ways[which] as Way;
    const buffer = this.buffers[which] as TxBuffer;
    const tag = ((((this.tags[slot] as number) >>> SLOT_BITS) + 1) << SLOT_BITS) | slot;
    this.tags[slot] = tag;
    // Over the interfaces first, so that every initiator uses each of them.
    const initiator = Math.floor(turn / this.ways.length) % this.initiators;
    const { view } = buffer;
    ethernet.write(view, 0, target, FIRST_INITIATOR + initiator);
    const [major, minor] = [majors[place] as number, minors[place] as number];
    aoe.write(view, 0, 0, 0, major, minor, aoe.COMMAND_ATA, tag >>> 0);
    const sectors = READ_BYTES / ata.SECTOR;
    const lba = lbas[place] as number;
    ata.write(view, 0, ata.FLAG_EXTENDED, 0, sectors, ata.READ_EXT, lba);
    this.sentAt[slot] = clock();
    // Without room it counts as lost in a while.
    link.transmit(buffer, ethernet.SHORTEST);
  }
}
