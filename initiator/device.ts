// A device: one shelf.slot, the ways to it, and the commands it has in hand.
//
//   submit ─▶ queue ─▶ (window? bar? buffer?) ─▶ in flight ─▶ answered ─▶ done
//               ▲            │                      │  ▲
//               └── held ◀───┘ a late copy of an    ▼  │ room in the window
//                              overlapping write   waiting (its RTO passed)
//
// `drive` sends what may be sent. It runs after each answer, after submits, when a deadline fires,
// and after a release by the link only where the pool or `--kick on-release` wants it: that a release
// re-drives nothing else is what the strategies of pool/ are compared on.
//
// Invariants: frames out + waiting ≤ the target's buffer count, over all paths (P12), but for the pieces
// of a fall-back; a buffer is written only while nobody holds it; `done` is called once per submit and never
// from within `submit`.

import type { FrameView } from "../link/link.ts";
import { copyMemory } from "../link/copy_memory.ts";
import type { TxBuffer } from "../link/link.ts";
import * as aoe from "../wire/aoe.ts";
import * as ata from "../wire/ata.ts";
import {
  type Identify,
  LENGTH as IDENTIFY_LENGTH,
  parse as parseIdentify,
} from "../wire/identify.ts";
import type { Mac } from "../wire/mac.ts";
import { isMalformed } from "../wire/malformed.ts";
import { CONTRADICTORY, Echo, judge, TOO_SHORT } from "./answer.ts";
import {
  ATA_ERROR,
  CANCELLED,
  Command,
  CONTROL,
  FLUSH,
  IDENTIFY,
  OK,
  READ,
  TIMEOUT,
  WRITE,
} from "./command.ts";
import { CommandQueue } from "./command_queue.ts";
import {
  FREE,
  type Frame,
  FrameList,
  isExtended,
  IN_FLIGHT,
  type Opcodes,
  WAITING,
  writeRequest,
} from "./frame.ts";
import { Holdback } from "./holdback.ts";
import type { Host } from "./host.ts";
import { LARGE_LOSSES, Path, PATH_LOSSES, SMALL_SECTORS } from "./path.ts";
import type { Pool } from "./pool/pool.ts";
import type { PortState } from "./port.ts";
import { Rtt } from "./rtt.ts";
import { Window } from "./window.ts";

/** Sectors of a command are below this. */
export const MOST_SECTORS = 2 ** 48;
/** A link that had no room is asked again after this, ns, or when it lets a buffer go. */
const BUSY_RETRY = 50e3;
/** A path that was left is asked whether it is back after this, ns. */
const PROBE_INTERVAL = 250e6;
/** Bytes of Ethernet header, and of a frame without its data. */
const ETHERNET = 14;

/** Counts since the device appeared; times in ns. */
export interface DeviceCounters {
  commands: number;
  completed: number;
  ataErrors: number;
  aoeErrors: number;
  timeouts: number;
  cancelled: number;
  transmits: number;
  retransmits: number;
  /** Retransmits that had to take another buffer, since their own was pinned or is another link's. */
  retransmitBuffers: number;
  /** Retransmits put off for an overlapping write. */
  retransmitsBarred: number;
  /** Answers that came for frames given up on their command's behalf. */
  orphanAnswers: number;
  contradictory: number;
  tooShort: number;
  stale: number;
  heldBack: number;
  heldBackTime: number;
  /** `transmit` said that there is no room. */
  linkBusy: number;
  fallBacks: number;
  kicks: number;
  kickStall: number;
}

export class Device {
  readonly major: number;
  readonly minor: number;
  /** Handle of its deadline. */
  readonly index: number;
  /** As the target's config answers say, the count taken for 2 where it is less (P12). */
  bufferCount = 2;
  saidBufferCount = 0;
  firmware = 0;
  /** Most sectors of a command, 0 taken for 2 (P13). */
  sectorCount = SMALL_SECTORS;
  configString: Uint8Array = new Uint8Array(0);
  readonly paths: Path[] = [];
  /** What its IDENTIFY sector says; null: not known yet. */
  identity: Identify | null = null;
  readonly identifySector = new Uint8Array(IDENTIFY_LENGTH);
  /** Sectors of 512 bytes; 0: not known yet. */
  sectors = 0;
  readonly counters: DeviceCounters = {
    commands: 0,
    completed: 0,
    ataErrors: 0,
    aoeErrors: 0,
    timeouts: 0,
    cancelled: 0,
    transmits: 0,
    retransmits: 0,
    retransmitBuffers: 0,
    retransmitsBarred: 0,
    orphanAnswers: 0,
    contradictory: 0,
    tooShort: 0,
    stale: 0,
    heldBack: 0,
    heldBackTime: 0,
    linkBusy: 0,
    fallBacks: 0,
    kicks: 0,
    kickStall: 0,
  };
  /** By port index. */
  readonly pools: (Pool | null)[] = [];
  /** Has something to send; `host.touch` knows of it. */
  ready = false;

  private readonly host: Host;
  private readonly queue = new CommandQueue();
  private readonly held = new CommandQueue();
  private readonly inFlight = new FrameList();
  private readonly waiting = new FrameList();
  private readonly holdback: Holdback;
  private readonly echo = new Echo();
  private opcodes: Opcodes = { lba48: true, flushExtended: false };
  private readonly identifyCommand = new Command();
  private closed = false;
  private turn = 0;
  /** A bar has changed since held commands were looked at. */
  private barsChanged = false;
  /** Ports (bits) whose pool was dry in this drive. */
  private dryPorts = 0;
  private dryPool: Pool | null = null;
  /** Since when there is room in the window and no buffer, ns; -1: there is one, or no need. */
  private dryAt = -1;
  private stalledSince = 0;
  /** When an answer last came, or a command came to an idle device: silence counts from then. */
  private progressAt = 0;

  // Deadlines, ns; the earliest is the device's in host.deviceDeadlines.
  private kickAt = Infinity;
  private busyAt = Infinity;
  private heldAt = Infinity;
  private barredAt = Infinity;
  private stallAt = Infinity;
  private probeAt = Infinity;
  private scheduled = Infinity;

  constructor(host: Host, major: number, minor: number, index: number) {
    this.host = host;
    this.major = major;
    this.minor = minor;
    this.index = index;
    this.holdback = new Holdback(host.settings.packetLife);
    for (const _ of host.ports) this.pools.push(null);
    const command = this.identifyCommand;
    command.operation = IDENTIFY;
    const { buffer } = this.identifySector;
    command.memory = { bytes: this.identifySector, view: new DataView(buffer), address: 0 };
    command.done = (ended) => this.identified(ended);
  }

  /** Commands that have not ended. */
  get pending(): number {
    return this.counters.commands - this.counters.completed;
  }
  /** Frames in the network now, and those whose RTO has passed. */
  get outstanding(): number {
    return this.inFlight.size + this.waiting.size;
  }
  get queued(): number {
    return this.queue.size + this.held.size;
  }
  /** The smallest frame limit of the paths in use: what a request is best a multiple of. */
  get sectorsPerFrame(): number {
    let sectors = Infinity;
    for (const path of this.paths) if (path.alive) sectors = Math.min(sectors, path.sectors);
    return sectors === Infinity ? SMALL_SECTORS : sectors;
  }

  /** Takes `command`, which is the device's until `done`. Sends at the end of the slice, or of the present answer. */
  submit(command: Command): void {
    if (command.busy) throw new Error("invariant: a command is submitted once until it is done");
    const { operation, sectors, lba } = command;
    if (operation === READ || operation === WRITE) {
      if (!(lba >= 0 && sectors >= 0 && lba + sectors <= MOST_SECTORS)) {
        throw new RangeError(`sectors ${lba} + ${sectors} lie beyond the 2^48 that AoE addresses`);
      }
    }
    if (this.closed) throw new Error(`invariant: e${this.major}.${this.minor} is open`);
    const { now } = this.host;
    if (this.pending === 0) this.progressAt = now;
    command.busy = true;
    command.outcome = OK;
    command.ataStatus = 0;
    command.ataError = 0;
    command.failedLba = 0;
    command.aoeError = 0;
    command.answerLength = 0;
    command.submittedAt = now;
    command.bufferedAt = 0;
    command.bufferWait = 0;
    command.heldBack = 0;
    command.sentAt = 0;
    command.doneAt = 0;
    command.transmits = 0;
    command.issued = 0;
    command.frames = 0;
    command.heldSince = -1;
    this.counters.commands++;
    this.queue.push(command);
    this.touch();
  }

  /** Ends `command` with CANCELLED, from within: `done` is called. Nothing where it is not pending here. */
  cancel(command: Command): void {
    if (command.busy) this.fail(command, CANCELLED, this.host.now);
  }

  /** Asks for the IDENTIFY sector again. */
  identify(): void {
    if (!this.identifyCommand.busy && !this.closed) this.submit(this.identifyCommand);
  }

  touch(): void {
    if (this.ready) return;
    this.ready = true;
    this.host.touch(this);
  }

  // ── What the initiator tells ──────────────────────────────────────────────────────────────────

  /** A config answer from `target` by `port`. */
  configured(
    port: PortState,
    target: Mac,
    bufferCount: number,
    firmware: number,
    sectorCount: number,
    configString: Uint8Array,
  ): void {
    const { host } = this;
    if (bufferCount < 2 && (this.paths.length === 0 || this.saidBufferCount !== bufferCount)) {
      host.onNotice?.(
        `e${this.major}.${this.minor} announces a buffer count of ${bufferCount}, which is taken as 2`,
      );
    }
    const resized = this.sectorCount !== (sectorCount === 0 ? SMALL_SECTORS : sectorCount);
    this.saidBufferCount = bufferCount;
    this.bufferCount = Math.max(2, bufferCount);
    this.firmware = firmware;
    this.sectorCount = sectorCount === 0 ? SMALL_SECTORS : sectorCount;
    this.configString = configString;
    const limit = Math.max(1, Math.min(this.bufferCount, host.settings.window));
    let path = this.pathOf(port, target);
    const first = this.paths.length === 0;
    if (path === null) {
      path = new Path(
        port,
        target,
        new Rtt(host.settings.rtt),
        new Window(limit, host.settings.windowLaw),
      );
      this.paths.push(path);
      this.size(path);
      host.onEvent?.(this, first ? "found" : "path");
      if (first && host.settings.identify) this.identify();
    }
    for (const each of this.paths) {
      each.window.resize(limit);
      if (resized) each.fellBack = false;
      this.size(each);
    }
    path.smallHeardAt = host.now;
    this.heard(path);
    this.touch();
  }

  /** The link's MTU has changed: sizes follow, and what was learned of large frames is forgotten. */
  linkChanged(port: PortState): void {
    for (const path of this.paths) {
      if (path.port !== port) continue;
      path.fellBack = false;
      this.size(path);
    }
    this.touch();
  }

  private size(path: Path): void {
    if (path.fellBack) {
      path.sectors = SMALL_SECTORS;
      return;
    }
    const { mtu } = path.port.link;
    const pool = this.pools[path.port.index];
    // A pool that was made for a smaller MTU keeps its buffers.
    const room = pool == null ? mtu : Math.min(mtu, this.poolBytes - ETHERNET);
    const fits = Math.floor((room - (ata.LENGTH - ETHERNET)) / ata.SECTOR);
    path.sectors = Math.max(1, Math.min(this.sectorCount, fits, 255));
  }
  private poolBytes = 0;

  private poolOf(port: PortState): Pool {
    const pool = this.pools[port.index];
    if (pool != null) return pool;
    let mtu = 0;
    for (const each of this.host.ports) mtu = Math.max(mtu, each.link.mtu);
    if (this.poolBytes === 0) this.poolBytes = ETHERNET + mtu;
    const made = this.host.createPool(port, this.poolBytes);
    this.pools[port.index] = made;
    return made;
  }

  private pathOf(port: PortState, target: Mac): Path | null {
    for (const path of this.paths) if (path.port === port && path.target === target) return path;
    return null;
  }

  private heard(path: Path): void {
    path.heardAt = this.host.now;
    path.lossesInRow = 0;
    if (path.alive) return;
    path.alive = true;
    path.nextProbeAt = Infinity;
    path.window.restart();
    path.rtt.reset();
  }

  /** The link of `port` let go of `count` buffers. */
  reclaimed(port: PortState, count: number, now: number): void {
    const pool = this.pools[port.index];
    if (pool == null) return;
    pool.reclaimed(count, now);
    if (this.dryAt >= 0 && (pool.redrivenByReclaim || this.host.settings.kickOnRelease)) {
      this.touch();
    }
    if (this.busyAt < Infinity) this.touch();
  }

  // ── Answers ───────────────────────────────────────────────────────────────────────────────────

  /** An answer with the tag of `frame` came by `port` from `source`. */
  answered(frame: Frame, port: PortState, source: Mac, view: FrameView): void {
    const command = frame.command;
    const verdict = judge(
      frame,
      command,
      this.major,
      this.minor,
      isExtended(frame, this.opcodes),
      this.echo,
      view.view,
      view.base,
      view.length,
    );
    if (verdict === CONTRADICTORY) {
      this.counters.contradictory++;
      port.ignored.contradictory++;
      return;
    }
    if (verdict === TOO_SHORT) {
      this.counters.tooShort++;
      port.ignored.tooShort++;
      return;
    }
    // A link that tells only when it was polled may have polled before this frame's request was sent.
    const at = view.at >= frame.lastSentAt ? view.at : this.host.now;
    this.progressAt = this.host.now;
    this.credit(frame, port, source, at);
    if (command === null) {
      this.counters.orphanAnswers++;
      this.end(frame, true);
    } else if (verdict === OK) {
      this.deliver(frame, command, view);
      this.end(frame, true);
      command.frames--;
      if (command.frames === 0 && command.issued >= units(command)) this.finish(command, OK, at);
    } else {
      if (verdict === ATA_ERROR) this.counters.ataErrors++;
      else this.counters.aoeErrors++;
      this.end(frame, true);
      command.frames--;
      this.fail(command, verdict, at);
    }
    // What waits to go again may be answered by the next frame of this same slice: it waits for the end.
    if (this.waiting.size > 0) this.touch();
    else this.drive();
  }

  /** The path that the answer took has proved itself; the frame's own gives a sample (Karn). */
  private credit(frame: Frame, port: PortState, source: Mac, at: number): void {
    const own = frame.path as Path;
    const path = own.port === port && own.target === source ? own : this.pathOf(port, source);
    // From a MAC that no config answer named: taken all the same (P6), the credit is the frame's path's.
    const credited = path ?? own;
    credited.answers++;
    this.heard(credited);
    if (frame.sectors > SMALL_SECTORS) credited.largeLossesInRow = 0;
    else credited.smallHeardAt = this.host.now;
    if (frame.state === IN_FLIGHT) own.window.answered(own.inFlight, this.host.now);
    const timed =
      frame.operation === READ || frame.operation === WRITE || frame.operation === IDENTIFY;
    if (frame.transmits === 1 && timed && credited === own) own.rtt.sample(at - frame.lastSentAt);
  }

  private deliver(frame: Frame, command: Command, view: FrameView): void {
    const { memory } = command;
    if (frame.operation === READ) {
      const bytes = frame.sectors * ata.SECTOR;
      if (memory !== null) copyMemory(view, view.base + ata.LENGTH, memory, frame.offset, bytes);
    } else if (frame.operation === IDENTIFY) {
      if (memory !== null) {
        copyMemory(view, view.base + ata.LENGTH, memory, command.offset, ata.SECTOR);
      }
    } else if (frame.operation === CONTROL) {
      command.answerLength = view.length - aoe.LENGTH;
      if (memory === null) return;
      const room = memory.bytes.length - command.offset;
      const bytes = Math.min(room, command.answerLength);
      copyMemory(view, view.base + aoe.LENGTH, memory, command.offset, bytes);
    }
  }

  /** The frame is no more: buffer, tag, place in the window and deadline go back. */
  private end(frame: Frame, wasAnswered: boolean): void {
    const { host } = this;
    if (frame.bar !== null) {
      if (wasAnswered && frame.transmits === 1) this.holdback.lift(frame.bar);
      else this.holdback.end(frame.bar, frame.lastSentAt);
      this.barsChanged = true;
    } else if (frame.operation === WRITE && frame.transmits > 0 && !wasAnswered) {
      this.holdback.end(this.holdback.begin(frame.lba, frame.sectors, null), frame.lastSentAt);
      this.barsChanged = true;
    }
    if (frame.state === IN_FLIGHT) {
      this.inFlight.remove(frame);
      (frame.path as Path).inFlight--;
    } else {
      this.waiting.remove(frame);
    }
    if (frame.buffer !== null) {
      this.poolOf((frame.path as Path).port).release(frame.buffer, host.now);
    }
    if (frame.tag !== 0) host.tags.give(frame.tag);
    host.frameDeadlines.clear(frame.index);
    frame.state = FREE;
    frame.device = null;
    frame.command = null;
    frame.path = null;
    frame.buffer = null;
    frame.bar = null;
    frame.tag = 0;
    host.giveFrame(frame);
  }

  private finish(command: Command, outcome: number, at: number): void {
    if (this.holdback.size > 0) this.holdback.disown(command);
    this.counters.completed++;
    command.outcome = outcome;
    command.doneAt = at;
    command.busy = false;
    command.done(command);
  }

  /** Ends the command now, whatever its frames do: they become nobody's. */
  private fail(command: Command, outcome: number, at: number): void {
    if (command.issued < units(command) || command.heldSince >= 0) {
      if (!this.queue.remove(command)) this.held.remove(command);
      this.unhold(command);
    }
    if (command.frames > 0) {
      for (let frame = this.inFlight.first; frame !== null; frame = frame.after) {
        if (frame.command !== command) continue;
        frame.command = null;
        if (frame.operation !== WRITE) continue;
        // It may yet be carried out: nothing may overtake it.
        frame.bar ??= this.holdback.begin(frame.lba, frame.sectors, null);
      }
      let after: Frame | null;
      for (let frame = this.waiting.first; frame !== null; frame = after) {
        after = frame.after;
        if (frame.command === command) this.end(frame, false);
      }
      command.frames = 0;
    }
    if (outcome === TIMEOUT) this.counters.timeouts++;
    else if (outcome === CANCELLED) this.counters.cancelled++;
    this.touch();
    this.finish(command, outcome, at);
  }

  // ── Deadlines ─────────────────────────────────────────────────────────────────────────────────

  /** The deadline of one of this device's frames has come: its RTO, or its end. */
  expired(frame: Frame): void {
    const { now } = this.host;
    const command = frame.command;
    this.touch();
    if (command === null) {
      this.end(frame, false);
    } else if (now >= frame.since + this.timeoutOf(command)) {
      this.fail(command, TIMEOUT, now);
      // Nobody waits for it any more, and its deadline is spent.
      if (frame.state === IN_FLIGHT) this.end(frame, false);
    } else if (frame.state === IN_FLIGHT) {
      this.lost(frame, frame.path as Path);
      this.host.frameDeadlines.set(frame.index, frame.since + this.timeoutOf(command));
    } else {
      throw new Error("invariant: a waiting frame's deadline is its end");
    }
  }

  private timeoutOf(command: Command): number {
    return command.timeout > 0 ? command.timeout : this.host.settings.timeout;
  }

  private lost(frame: Frame, path: Path): void {
    const { now } = this.host;
    path.window.lost(path.inFlight, now);
    this.inFlight.remove(frame);
    path.inFlight--;
    frame.state = WAITING;
    this.waiting.push(frame);
    path.losses++;
    path.lossesInRow++;
    path.rtt.expired(frame.shift);
    if (frame.sectors > SMALL_SECTORS && !path.fellBack) this.largeLost(path);
    if (path.alive && path.lossesInRow >= PATH_LOSSES && this.anotherAlive(path)) {
      path.alive = false;
      this.probe(path);
    }
  }

  /** Large frames get lost: do small ones get through? If so, no more large ones by this path. */
  private largeLost(path: Path): void {
    const { now } = this.host;
    if (path.largeLossesInRow++ === 0) path.largeLostAt = now;
    if (path.largeLossesInRow < LARGE_LOSSES) {
      if (path.largeLossesInRow === 1) this.ask(path);
    } else if (path.smallHeardAt > path.largeLostAt) {
      path.fellBack = true;
      path.largeLossesInRow = 0;
      this.counters.fallBacks++;
      this.size(path);
    } else {
      this.ask(path);
    }
  }

  private anotherAlive(path: Path): boolean {
    for (const each of this.paths) if (each !== path && each.alive) return true;
    return false;
  }

  private ask(path: Path): void {
    path.port.askConfig(path.target, this.major, this.minor, this.host.tags.anonymous());
  }

  private probe(path: Path): void {
    this.ask(path);
    path.nextProbeAt = this.host.now + PROBE_INTERVAL;
    this.probeAt = Math.min(this.probeAt, path.nextProbeAt);
  }

  /** The device's own deadline has come. */
  due(): void {
    const { now } = this.host;
    this.scheduled = Infinity;
    if (this.kickAt <= now) {
      this.kickAt = Infinity;
      this.counters.kicks++;
      this.counters.kickStall += now - this.stalledSince;
      this.dryPool?.kicked(now, this.stalledSince);
      this.stalledSince = now;
    }
    if (this.probeAt <= now) {
      this.probeAt = Infinity;
      for (const path of this.paths) {
        if (path.alive) continue;
        if (path.nextProbeAt <= now) this.probe(path);
        else this.probeAt = Math.min(this.probeAt, path.nextProbeAt);
      }
    }
    if (this.stallAt <= now) this.endStalled(now);
    for (const pool of this.pools)
      if (pool !== null && pool.nextDeadline() <= now) pool.advance(now);
    this.touch();
  }

  /** Queued commands that have seen no answer for as long as the timeout end as a silent target's do. */
  private endStalled(now: number): void {
    this.stallAt = Infinity;
    for (;;) {
      const command = this.queue.first;
      if (command === null) return;
      const at = Math.max(command.submittedAt, this.progressAt) + this.timeoutOf(command);
      if (at > now) {
        this.stallAt = at;
        return;
      }
      this.fail(command, TIMEOUT, now);
    }
  }

  // ── Sending ───────────────────────────────────────────────────────────────────────────────────

  /** Sends what may be sent now. */
  drive(): void {
    const { now } = this.host;
    this.ready = false;
    this.busyAt = Infinity;
    this.barredAt = Infinity;
    this.dryPorts = 0;
    if (this.held.size > 0 && (this.barsChanged || this.heldAt <= now)) {
      this.queue.prepend(this.held);
    }
    this.barsChanged = false;
    if (this.waiting.size > 0) this.resend(now);
    if (this.busyAt === Infinity && this.queue.first !== null) this.issue(now);
    if (this.dryPorts === 0) {
      this.dryAt = -1;
      this.kickAt = Infinity;
    } else {
      if (this.dryAt < 0) this.dryAt = now;
      if (this.inFlight.size > 0) this.kickAt = Infinity;
      else if (this.kickAt === Infinity) {
        this.kickAt = now + this.host.settings.kick;
        this.stalledSince = now;
      }
    }
    this.heldAt = this.held.size > 0 ? this.holdback.next(now) : Infinity;
    if (this.queue.first === null) this.stallAt = Infinity;
    else if (this.stallAt === Infinity) {
      const command = this.queue.first;
      this.stallAt = Math.max(command.submittedAt, this.progressAt) + this.timeoutOf(command);
    }
    this.schedule();
  }

  private schedule(): void {
    let at = Math.min(
      this.kickAt,
      this.busyAt,
      this.heldAt,
      this.barredAt,
      this.stallAt,
      this.probeAt,
    );
    for (let index = 0; index < this.pools.length; index++) {
      const pool = this.pools[index];
      if (pool != null) at = Math.min(at, pool.nextDeadline());
    }
    if (at === this.scheduled) return;
    this.scheduled = at;
    this.host.deviceDeadlines.set(this.index, at);
  }

  /** A path with room in its window and a pool that was not dry in this drive; each in its turn. */
  private pick(): Path | null {
    const { paths } = this;
    const count = paths.length;
    for (let step = 0; step < count; step++) {
      const place = this.turn + step < count ? this.turn + step : this.turn + step - count;
      const path = paths[place] as Path;
      if (path.inFlight >= path.window.size) continue;
      if ((this.dryPorts & (1 << path.port.index)) !== 0) continue;
      if (!path.alive && this.anotherAlive(path)) continue;
      this.turn = place + 1 === count ? 0 : place + 1;
      return path;
    }
    return null;
  }

  /** A buffer for a frame on `path`, or null: then `dryPorts` says whether it is the pool's doing. */
  private acquire(path: Path, now: number): TxBuffer | null {
    const pool = this.poolOf(path.port);
    const buffer = pool.acquire(now);
    if (buffer !== null) return buffer;
    if (pool.owned < pool.frames) {
      this.dryPool = pool;
      this.dryPorts |= 1 << path.port.index;
    }
    return null;
  }

  private issue(now: number): void {
    for (;;) {
      const command = this.queue.first;
      if (command === null) return;
      if (this.outstanding >= this.bufferCount) return;
      if (units(command) === 0) {
        this.queue.shift();
        this.finish(command, OK, now);
        continue;
      }
      const path = this.pick();
      if (path === null) return;
      const transfer = command.operation === READ || command.operation === WRITE;
      const sectors = transfer ? Math.min(command.sectors - command.issued, path.sectors) : 0;
      const lba = transfer ? command.lba + command.issued : 0;
      if (command.operation === WRITE && this.holdback.size > 0) {
        if (this.holdback.until(lba, sectors, command, now) > now) {
          this.hold(command, now);
          continue;
        }
      }
      const buffer = this.acquire(path, now);
      if (buffer === null) {
        if ((this.dryPorts & (1 << path.port.index)) === 0 || this.paths.length === 1) return;
        continue;
      }
      if (command.heldSince >= 0) this.unhold(command);
      if (command.issued === 0) {
        command.bufferedAt = now;
        if (this.dryAt >= 0) command.bufferWait = now - Math.max(this.dryAt, command.submittedAt);
        this.poolOf(path.port).waited(command.bufferWait);
      }
      const frame = this.make(command, path, lba, sectors, command.issued * ata.SECTOR);
      frame.buffer = buffer;
      command.issued += transfer ? sectors : 1;
      if (command.issued >= units(command)) this.queue.shift();
      frame.tag = this.host.tags.take(frame.index, frame.operation === WRITE);
      writeRequest(frame, command, this.major, this.minor, this.opcodes);
      if (!this.transmit(frame, path, now)) return;
    }
  }

  /** A frame of `command` that waits to be sent by `path`. */
  private make(command: Command, path: Path, lba: number, sectors: number, offset: number): Frame {
    const frame = this.host.takeFrame();
    frame.state = WAITING;
    this.waiting.push(frame);
    frame.device = this;
    frame.command = command;
    frame.path = path;
    frame.operation = command.operation;
    frame.aoeCommand = command.operation === CONTROL ? command.aoeCommand : aoe.COMMAND_ATA;
    frame.lba = lba;
    frame.sectors = sectors;
    frame.offset = command.offset + offset;
    frame.transmits = 0;
    frame.shift = 0;
    frame.since = this.host.now;
    frame.lastSentAt = 0;
    command.frames++;
    this.host.frameDeadlines.set(frame.index, frame.since + this.timeoutOf(command));
    return frame;
  }

  /** Sends what is in the frame's buffer; false: no room on the link, the frame waits. */
  private transmit(frame: Frame, path: Path, now: number): boolean {
    const command = frame.command as Command;
    if (!path.port.link.transmit(frame.buffer as TxBuffer, frame.length)) {
      this.counters.linkBusy++;
      this.busyAt = now + BUSY_RETRY;
      return false;
    }
    frame.shift = Math.max(path.rtt.shift, Math.min(31, frame.transmits));
    frame.transmits++;
    frame.barred = false;
    frame.lastSentAt = now;
    this.counters.transmits++;
    path.transmits++;
    if (frame.transmits > 1) {
      this.counters.retransmits++;
      path.retransmits++;
      if (frame.operation === WRITE) {
        frame.bar ??= this.holdback.begin(frame.lba, frame.sectors, command);
      }
    }
    if (command.transmits++ === 0) command.sentAt = now;
    this.waiting.remove(frame);
    frame.state = IN_FLIGHT;
    this.inFlight.push(frame);
    path.inFlight++;
    let rto = path.rtt.rto(frame.shift);
    // What a flush or a control command takes has nothing to do with the round trip.
    if (frame.operation === FLUSH || frame.operation === CONTROL) {
      rto = Math.max(rto, this.host.settings.rtt.first);
    }
    const end = frame.since + this.timeoutOf(command);
    this.host.frameDeadlines.set(frame.index, Math.min(now + rto, end));
    return true;
  }

  /** Frames that wait go again, the oldest loss first, as windows allow. */
  private resend(now: number): void {
    let after: Frame | null;
    for (let frame = this.waiting.first; frame !== null; frame = after) {
      after = frame.after;
      // The pieces of a fall-back are more frames than were counted when they were one.
      if (frame.transmits === 0 && this.inFlight.size >= this.bufferCount) continue;
      const path = this.pathFor(frame);
      if (path === null) continue;
      if (frame.operation === WRITE && this.barred(frame, now)) {
        if (!frame.barred) this.counters.retransmitsBarred++;
        frame.barred = true;
        continue;
      }
      if (frame.sectors > path.sectors) {
        this.split(frame, path);
        // The pieces stand at the end of the list: they are met in this same walk.
        after = frame.after;
      }
      if (!this.prepare(frame, path, now)) continue;
      if (!this.transmit(frame, path, now)) return;
    }
  }

  /** Its own path while that is alive, else another; null: no room. A write goes elsewhere only then (P28 goes by source MAC). */
  private pathFor(frame: Frame): Path | null {
    const own = frame.path as Path;
    if (own.alive || !this.anotherAlive(own)) {
      return own.inFlight < own.window.size ? own : null;
    }
    return this.pick();
  }

  /** Whether a copy of this write may not be sent now: `barredAt` says when to look again. */
  private barred(frame: Frame, now: number): boolean {
    const command = frame.command as Command;
    if (this.holdback.size > 0) {
      const until = this.holdback.until(frame.lba, frame.sectors, command, now);
      if (until > now) {
        this.barredAt = Math.min(this.barredAt, until);
        return true;
      }
    }
    // A write that was sent later and overlaps: its answer first, or a late copy of ours undoes it.
    if (frame.transmits === 0) return false;
    for (let other = this.inFlight.first; other !== null; other = other.after) {
      if (other.operation !== WRITE || other.command === command) continue;
      if (frame.lba >= other.lba + other.sectors || other.lba >= frame.lba + frame.sectors)
        continue;
      if (other.lastSentAt > frame.lastSentAt) return true;
    }
    return false;
  }

  /** Makes of a frame too large for `path` one that fits and others for the rest, all unsent. */
  private split(frame: Frame, path: Path): void {
    const command = frame.command as Command;
    if (frame.operation === WRITE && frame.transmits > 0) {
      // The whole one may still travel: its own pieces pass, later writes don't.
      const bar = frame.bar ?? this.holdback.begin(frame.lba, frame.sectors, command);
      this.holdback.end(bar, frame.lastSentAt);
      frame.bar = null;
    }
    const { since } = frame;
    let lba = frame.lba + path.sectors;
    let rest = frame.sectors - path.sectors;
    let offset = frame.offset - command.offset + path.sectors * ata.SECTOR;
    while (rest > 0) {
      const sectors = Math.min(rest, path.sectors);
      const piece = this.make(command, path, lba, sectors, offset);
      piece.since = since;
      this.host.frameDeadlines.set(piece.index, since + this.timeoutOf(command));
      lba += sectors;
      rest -= sectors;
      offset += sectors * ata.SECTOR;
    }
    frame.sectors = path.sectors;
    frame.transmits = 0;
    if (frame.tag !== 0) this.host.tags.give(frame.tag);
    frame.tag = 0;
  }

  /** Sees that the frame's buffer holds its request for `path`; false: no buffer to be had. */
  private prepare(frame: Frame, path: Path, now: number): boolean {
    const fresh = frame.tag === 0 || (this.host.settings.newTags && frame.transmits > 0);
    if (frame.buffer !== null && !fresh && path === frame.path) return true;
    const own = frame.path as Path;
    if (frame.buffer === null || frame.buffer.pins > 0 || own.port !== path.port) {
      if ((this.dryPorts & (1 << path.port.index)) !== 0) return false;
      const buffer = this.acquire(path, now);
      if (buffer === null) return false;
      if (frame.buffer !== null) {
        this.poolOf(own.port).release(frame.buffer, now);
        this.counters.retransmitBuffers++;
      }
      frame.buffer = buffer;
    }
    frame.path = path;
    if (fresh) {
      if (frame.tag !== 0) this.host.tags.give(frame.tag);
      frame.tag = this.host.tags.take(frame.index, frame.operation === WRITE);
    }
    writeRequest(frame, frame.command as Command, this.major, this.minor, this.opcodes);
    return true;
  }

  // ── Holding back ──────────────────────────────────────────────────────────────────────────────

  private hold(command: Command, now: number): void {
    this.queue.shift();
    this.held.push(command);
    if (command.heldSince >= 0) return;
    command.heldSince = now;
    this.counters.heldBack++;
  }

  private unhold(command: Command): void {
    if (command.heldSince < 0) return;
    const time = this.host.now - command.heldSince;
    command.heldBack += time;
    this.counters.heldBackTime += time;
    command.heldSince = -1;
  }

  // ── IDENTIFY, the end ─────────────────────────────────────────────────────────────────────────

  private identified(command: Command): void {
    const { view } = command.memory as { view: DataView };
    const identity = command.outcome === OK ? parseIdentify(view, 0) : null;
    if (identity === null || isMalformed(identity)) {
      this.host.onEvent?.(this, "unidentified");
      return;
    }
    const lba48 = (view.getUint16(2 * 83, true) & 0x0400) !== 0;
    this.opcodes = {
      lba48,
      flushExtended: lba48 && (view.getUint16(2 * 83, true) & 0x2000) !== 0,
    };
    this.identity = identity;
    this.sectors = identity.sectors;
    this.host.onEvent?.(this, "identified");
  }

  /** Ends every command with CANCELLED, then gives buffers back; true: none is left. Again until then. */
  close(): boolean {
    this.closed = true;
    const { now } = this.host;
    for (let command = this.queue.first ?? this.held.first; command !== null;) {
      this.fail(command, CANCELLED, now);
      command = this.queue.first ?? this.held.first;
    }
    for (let frame = this.waiting.first; frame !== null; frame = this.waiting.first) {
      if (frame.command === null) this.end(frame, false);
      else this.fail(frame.command, CANCELLED, now);
    }
    for (let frame = this.inFlight.first; frame !== null; frame = this.inFlight.first) {
      if (frame.command !== null) this.fail(frame.command, CANCELLED, now);
      // The command's own frames stay in flight as orphans: now nobody waits for them.
      if (frame.state === IN_FLIGHT && frame.device === this) this.end(frame, false);
    }
    let closed = true;
    for (const pool of this.pools) if (pool !== null && !pool.close(now)) closed = false;
    return closed;
  }
}

/** What of a command frames are made of: sectors, or one for what has no extent. */
function units(command: Command): number {
  const { operation } = command;
  return operation === READ || operation === WRITE ? command.sectors : 1;
}
