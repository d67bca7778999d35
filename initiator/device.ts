// A device: one shelf.slot, what its target says of it, and what is asked of it.
//
//   config answers ─▶ facts, paths (path_set.ts)
//   submit ─▶ exchange (exchange.ts) ─▶ buffers (buffers.ts) ─▶ links

import {
  hasFlushExtended,
  hasLba48,
  type Identify,
  LENGTH as IDENTIFY_LENGTH,
  parse as parseIdentify,
} from "../wire/identify.ts";
import * as aoe from "../wire/aoe.ts";
import * as ata from "../wire/ata.ts";
import { formatMac, type Mac } from "../wire/mac.ts";
import { isMalformed } from "../wire/malformed.ts";
import { usage } from "../words/failure.ts";
import { Buffers } from "./buffers.ts";
import { Command, IDENTIFY, OK, READ, WRITE } from "./command.ts";
import { createCounters, type DeviceCounters } from "./counters.ts";
import { Exchange } from "./exchange.ts";
import type { Opcodes } from "./frame.ts";
import type { Host } from "./host.ts";
import { SMALL_SECTORS } from "./frame_limit.ts";
import { LargeProbes } from "./large_probes.ts";
import type { Path } from "./path.ts";
import { PathSet } from "./path_set.ts";
import type { Pool } from "./pool/pool.ts";
import type { PortState } from "./port.ts";

/** Sectors that AoE can address: LBAs are below this. */
export const MOST_SECTORS = 2 ** 48;

export class Device {
  readonly major: number;
  readonly minor: number;
  /** Handle of its deadline. */
  readonly index: number;
  /** As the target's config answers say, the count taken for 2 where it is less (P12). */
  bufferCount = 2;
  saidBufferCount = 0;
  firmware = 0;
  configString: Uint8Array = new Uint8Array(0);
  /** What its IDENTIFY sector says; null: not known yet. */
  identity: Identify | null = null;
  readonly identifySector = new Uint8Array(IDENTIFY_LENGTH);
  opcodes: Opcodes = { lba48: true, flushExtended: false };
  /** Sectors of 512 bytes; 0: not known yet. */
  sectors = 0;
  readonly counters: DeviceCounters = createCounters();
  /** Has something to send; `host.touch` knows of it. */
  ready = false;

  private readonly host: Host;
  private readonly ways: PathSet;
  private readonly buffers: Buffers;
  private readonly exchange: Exchange;
  private readonly identifyCommand = new Command();
  private readonly doubts: { path: Path; before: Path; said: Identify }[] = [];
  private scheduled = Infinity;
  private closed = false;

  constructor(host: Host, major: number, minor: number, index: number) {
    this.host = host;
    this.major = major;
    this.minor = minor;
    this.index = index;
    this.buffers = new Buffers(host.pools, host.settings, this.counters, host.ports.length, () =>
      this.touch(),
    );
    const probes = new LargeProbes(this, host.settings.rtt.first);
    this.ways = new PathSet(host, major, minor, this.buffers, this.counters, (path, limit) => {
      if (!this.closed) probes.send(path, limit);
    });
    this.exchange = new Exchange(this, host, this.ways, this.buffers);
    const command = this.identifyCommand;
    command.operation = IDENTIFY;
    const { buffer } = this.identifySector;
    command.memory = { bytes: this.identifySector, view: new DataView(buffer), address: 0 };
    command.done = (ended) => this.identified(ended);
  }

  get paths(): readonly Path[] {
    return this.ways.all;
  }
  /** By port index; null: no data was sent there. */
  get pools(): readonly (Pool | null)[] {
    return this.buffers.pools;
  }
  /** Most sectors of a command, as the target says; 0 is taken for 2 (P13). */
  get sectorCount(): number {
    return this.ways.sectorCount;
  }
  /** The smallest frame limit of the paths in use: what a request is best a multiple of. */
  get sectorsPerFrame(): number {
    return this.ways.sectorsPerFrame;
  }
  /** Commands that have not ended. */
  get pending(): number {
    return this.counters.commands - this.counters.completed;
  }
  /** Frames in the network now. */
  get inFlight(): number {
    return this.exchange.inFlight.size;
  }
  /** Frames in the network now, and those whose RTO has passed. */
  get outstanding(): number {
    return this.exchange.inFlight.size + this.exchange.waiting.size;
  }
  /** Commands of which no frame, or not all, could be made yet. */
  get queued(): number {
    return this.exchange.queued;
  }

  /**
   * Takes `command`, which is the device's until `done`. It is sent at the end of the slice, or of the
   * present answer. Throws a usage Failure for sectors beyond 2^48.
   */
  submit(command: Command): void {
    if (command.busy) throw new Error("invariant: a command is submitted once until it is done");
    if (this.closed) throw new Error(`invariant: e${this.major}.${this.minor} is open`);
    const { operation, sectors, lba } = command;
    if (operation === READ || operation === WRITE) {
      if (!(lba >= 0 && sectors >= 0 && lba + sectors <= MOST_SECTORS)) {
        throw usage(
          `Expected sectors within the 2^48 that AoE addresses, got ${sectors} from ${lba} on`,
        );
      }
    }
    command.busy = true;
    command.outcome = OK;
    command.ataStatus = 0;
    command.ataError = 0;
    command.failedLba = 0;
    command.aoeError = 0;
    command.answerLength = 0;
    command.submittedAt = this.host.now;
    command.bufferedAt = 0;
    command.bufferWait = 0;
    command.heldBack = 0;
    command.sentAt = 0;
    command.doneAt = 0;
    command.transmits = 0;
    command.issued = 0;
    command.frames = 0;
    command.heldSince = -1;
    this.exchange.submit(command);
    this.touch();
  }

  /** Ends `command` with CANCELLED; `done` is called from within. Nothing where it is not pending. */
  cancel(command: Command): void {
    if (command.busy) this.exchange.cancel(command);
  }

  /** Asks for the IDENTIFY sector, again. */
  identify(): void {
    if (!this.identifyCommand.busy && !this.closed) this.submit(this.identifyCommand);
  }

  /** There is something to send: the initiator drives the device in this slice. */
  touch(): void {
    if (this.ready) return;
    this.ready = true;
    this.host.touch(this);
  }

  drive(): void {
    this.exchange.drive();
  }

  /** A config answer from `target` by `port`. */
  configured(
    port: PortState,
    target: Mac,
    bufferCount: number,
    firmware: number,
    sectorCount: number,
    configString: Uint8Array,
  ): void {
    const { host, ways } = this;
    const known = ways.all.length > 0;
    if (bufferCount < 2 && (!known || this.saidBufferCount !== bufferCount)) {
      host.onNotice?.(
        `e${this.major}.${this.minor} announces a buffer count of ${bufferCount}, which is taken as 2`,
      );
    }
    this.saidBufferCount = bufferCount;
    this.bufferCount = Math.max(2, bufferCount);
    this.firmware = firmware;
    this.configString = configString;
    const window = Math.max(1, Math.min(this.bufferCount, host.settings.window));
    ways.resize(window);
    const offered = sectorCount === 0 ? SMALL_SECTORS : sectorCount;
    let path = ways.find(port, target);
    if (path !== null) {
      ways.offered(path, offered);
    } else {
      const before = ways.all.find((each) => each.port === port && !each.doubted);
      path = ways.add(port, target, window);
      ways.offered(path, offered);
      if (before !== undefined) this.doubt(path, before);
      host.onEvent?.(this, known ? "path" : "found");
      if (!known && host.settings.identify) this.identify();
    }
    if (path.undecided) this.doubt(path, ways.all[0] ?? path);
    path.smallHeardAt = host.now;
    ways.heard(path);
    this.touch();
  }

  /**
   * A second address on one link: another port of the target, or another target that claims its place. The two
   * differ in what they say of themselves, and until that is known no data go there.
   */
  private doubt(path: Path, before: Path): void {
    path.doubted = true;
    path.undecided = false;
    if (this.closed) return;
    const sector = new Uint8Array(IDENTIFY_LENGTH);
    const view = new DataView(sector.buffer);
    const command = new Command();
    command.operation = IDENTIFY;
    command.memory = { bytes: sector, view, address: 0 };
    command.path = path;
    command.done = ({ outcome }) => {
      const said = outcome === OK ? parseIdentify(view, 0) : null;
      if (said === null || isMalformed(said)) {
        path.undecided = true;
        return;
      }
      this.doubts.push({ path, before, said });
      this.settleDoubts();
    };
    this.submit(command);
  }

  /** As soon as both sides of a doubt are known. */
  private settleDoubts(): void {
    const { identity } = this;
    if (identity === null) return;
    const name = `e${this.major}.${this.minor}`;
    for (const { path, before, said } of this.doubts.splice(0)) {
      const [ours, theirs] = [formatMac(before.target), formatMac(path.target)];
      path.doubted = said.serial !== identity.serial || said.sectors !== identity.sectors;
      this.host.onNotice?.(
        path.doubted
          ? `${name} is claimed by two targets: ${ours} (serial ${identity.serial}, ${identity.sectors} sectors) and ${theirs} (serial ${said.serial}, ${said.sectors} sectors); only ${ours} is used`
          : `${name} answers from two addresses on one link, ${ours} and ${theirs}: taken as one target, since serial and size agree`,
      );
      this.touch();
    }
  }

  /** An answer by `port` to a frame that nobody waits for any more: it says at least what the path carries. */
  late(port: PortState, source: Mac, view: DataView, base: number, length: number): void {
    this.counters.stale++;
    if (length < ata.LENGTH || aoe.command(view, base) !== aoe.COMMAND_ATA) return;
    if (aoe.isError(view, base) || (ata.status(view, base) & ata.STATUS_FAILED) !== 0) return;
    const path = this.ways.find(port, source);
    if (path === null) return;
    const { now } = this.host;
    // A write's answer has no data, but most targets echo the count.
    if (length > ata.LENGTH + SMALL_SECTORS * ata.SECTOR) path.reads.heard(now);
    else if (ata.count(view, base) > SMALL_SECTORS) path.writes.heard(now);
  }

  /** MTU, address or carrier of `port` have changed. */
  linkChanged(port: PortState): void {
    this.ways.linkChanged(port);
    this.touch();
  }

  /** The link of `port` let go of `count` buffers. */
  reclaimed(port: PortState, count: number, now: number): void {
    const wanted = this.buffers.reclaimed(port, count, now);
    if (wanted || this.exchange.busyAt < Infinity) this.touch();
  }

  /** Tells the host when `due` must be called, where that has changed. */
  schedule(): void {
    const at = Math.min(
      Math.min(this.exchange.nextDeadline(), this.buffers.nextDeadline()),
      this.ways.nextDeadline(),
    );
    if (at === this.scheduled) return;
    this.scheduled = at;
    this.host.deviceDeadlines.set(this.index, at);
  }

  /** The device's own deadline has come. */
  due(): void {
    const { now } = this.host;
    this.scheduled = Infinity;
    this.buffers.advance(now);
    this.ways.advance(now);
    this.exchange.advance(now);
    this.touch();
  }

  private identified(command: Command): void {
    const { view } = command.memory as { view: DataView };
    const identity = command.outcome === OK ? parseIdentify(view, 0) : null;
    if (identity === null || isMalformed(identity)) {
      this.host.onEvent?.(this, "unidentified");
      return;
    }
    const lba48 = hasLba48(view, 0);
    this.opcodes = { lba48, flushExtended: lba48 && hasFlushExtended(view, 0) };
    this.identity = identity;
    this.sectors = identity.sectors;
    this.settleDoubts();
    this.host.onEvent?.(this, "identified");
  }

  /** Ends every command with CANCELLED, then gives buffers back; true: none is left. Again until then. */
  close(): boolean {
    this.closed = true;
    this.exchange.close();
    return this.buffers.close(this.host.now);
  }
}
