// The paths to one device: which one is taken, which are dead, how large a frame each carries. Which addresses
// are paths at all is settled in proofs.ts.
//
// Two targets that have one serial number are a pair for fail-over: commands go to one of them, whichever that is,
// until none of its paths is alive.
//
//   alive ── PATH_LOSSES in a row, and another is alive ──▶ left, probed each PROBE_INTERVAL
//     ▲──────────────────────── any answer by it ────────────────┘
//   PATH_LOSSES in a row, and no other is alive ──▶ the device is asked for by broadcast: its address may be another
//
// How large a frame each carries, by direction: frame_limit.ts.

import * as ata from "../../wire/ata.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import type { Buffers } from "./buffers.ts";
import type { DeviceCounters } from "./counters.ts";
import { LEAST_BUFFERS } from "./facts.ts";
import type { Frame } from "./frame.ts";
import { type FrameLimit, SMALL_SECTORS } from "./frame_limit.ts";
import type { Host } from "./host.ts";
import { Path, PATH_LOSSES } from "./path.ts";
import type { PortState } from "./port.ts";
import { WRITE } from "./operation.ts";
import { Rtt } from "./rtt.ts";
import { Window } from "./window.ts";

/** A path that was left is asked whether it is back after this, ns. */
const PROBE_INTERVAL = 250e6;
/** A read is overtaken by a window of later frames, and by so many at least. */
const OVERTAKEN = 16;
/** A device that is silent is asked for by broadcast this often at most, ns. */
const SEARCH_INTERVAL = 250e6;
/** A path silent for so long may lead elsewhere when it is heard: it is asked before a command, ns. */
export const SILENCE = 1e9;
/** What the one byte of the count can say. */
const MOST_PER_FRAME = 255;

/** What a path may have to be asked. */
export interface Askers {
  /** Sends a large frame by a path that has fallen back in that direction. */
  probeLarge(path: Path, limit: FrameLimit): void;
  /** A command wants to go by a path that is unverified. */
  prove(path: Path): void;
  /** The other target of a pair is used from now on, by `to`. */
  failedOver(from: Path, to: Path): void;
}

export class PathSet {
  readonly all: Path[] = [];
  /** It is known which disk the device is, so that a path can be unverified. */
  comparable = false;
  /** Somebody relies on it: neither disk nor target is changed for another that would do as well. */
  settled = false;
  private readonly host: Host;
  private readonly major: number;
  private readonly minor: number;
  private readonly buffers: Buffers;
  private readonly counters: DeviceCounters;
  private readonly askers: Askers;
  /** The run of the target that is in use; -1: none was proved yet. */
  private instance = -1;
  /** Place of the path that is tried first. */
  private next = 0;
  private probeAt = Infinity;
  private searchAt = -Infinity;

  constructor(
    host: Host,
    major: number,
    minor: number,
    buffers: Buffers,
    counters: DeviceCounters,
    askers: Askers,
  ) {
    this.host = host;
    this.major = major;
    this.minor = minor;
    this.buffers = buffers;
    this.counters = counters;
    this.askers = askers;
  }

  /** Most sectors of a command, as the target says for any of its interfaces. */
  get sectorCount(): number {
    let most = 0;
    for (const path of this.all) most = Math.max(most, path.sectorCount);
    return most === 0 ? SMALL_SECTORS : most;
  }

  /** The smallest frame limit of the paths in use. */
  get sectorsPerFrame(): number {
    let sectors = Infinity;
    for (const path of this.all) {
      if (path.alive) sectors = Math.min(sectors, path.sectors);
    }
    return sectors === Infinity ? SMALL_SECTORS : sectors;
  }

  find(port: PortState, target: Mac): Path | null {
    for (const path of this.all) if (path.port === port && path.target === target) return path;
    return null;
  }

  /** One that no command goes by yet; the target takes `bufferCount` frames. */
  make(port: PortState, target: Mac, bufferCount: number): Path {
    const { rtt, windowLaw } = this.host.settings;
    const window = new Window(this.windowFor(bufferCount), windowLaw);
    return new Path(port, target, new Rtt(rtt), window);
  }

  private windowFor(bufferCount: number): number {
    return Math.max(1, Math.min(Math.max(LEAST_BUFFERS, bufferCount), this.host.settings.window));
  }

  /** `path` is one of the device's from now on. */
  admit(path: Path): void {
    this.all.push(path);
    this.size(path);
  }

  /** `path` leads to another disk: what went by it goes by others. */
  remove(path: Path): void {
    this.all.splice(this.all.indexOf(path), 1);
    this.next = 0;
    path.removed = true;
    this.choose(null);
  }

  /** `path` leads to the device's disk, by `instance` of a target. */
  proved(path: Path, instance: number): void {
    path.instance = instance;
    path.unverified = false;
    path.announced = false;
    path.provedAt = this.host.now;
    this.choose(path);
    for (const each of this.all) if (each !== path) this.leaveIfDead(each);
  }

  /** Keeps to the target that is in use while a path to it is alive, else takes another, that of `preferred` first. */
  private choose(preferred: Path | null): void {
    const { all } = this;
    const kept = all.filter(({ alive, instance }) => alive && instance === this.instance);
    // At first the lowest address is taken, so that everybody comes to the same target of a pair.
    const { settled } = this;
    const lower = preferred !== null && kept.every(({ target }) => preferred.target < target);
    if (kept.length === 0 || (lower && !settled)) {
      const next = preferred ?? all.find(({ alive, unverified }) => alive && !unverified) ?? all[0];
      this.instance = next?.instance ?? 0;
    }
    for (const path of all) path.standby = path.instance !== this.instance;
  }

  /** The target says how many frames it takes. */
  resize(bufferCount: number): void {
    const window = this.windowFor(bufferCount);
    for (const path of this.all) path.window.resize(window);
  }

  /** The target says how many sectors a command by `path` may have. */
  offered(path: Path, sectorCount: number): void {
    if (sectorCount !== path.sectorCount) forget(path);
    path.sectorCount = sectorCount;
    this.size(path);
  }

  /** The target refused a command of so many sectors: it takes less than it said when it was last heard. */
  refused(path: Path, sectors: number): void {
    const fewer = sectors > SMALL_SECTORS ? SMALL_SECTORS : 1;
    this.fall(path.reads, fewer);
    this.fall(path.writes, fewer);
    this.counters.fallBacks++;
    this.ask(path);
  }

  /** The MTU of `port` has changed, so what was learned of large frames means nothing. */
  linkChanged(port: PortState): void {
    for (const path of this.all) {
      if (path.port !== port) continue;
      forget(path);
      this.size(path);
    }
  }

  private size(path: Path): void {
    const fits = ata.sectorsWithin(this.buffers.roomOf(path.port));
    const most = Math.min(path.sectorCount, fits, MOST_PER_FRAME);
    path.reads.fit(most);
    path.writes.fit(most);
  }

  /** A path with room in its window and a pool that was not dry in this drive, round robin. */
  pick(): Path | null {
    const { all } = this;
    const count = all.length;
    for (let step = 0; step < count; step++) {
      const place = this.next + step < count ? this.next + step : this.next + step - count;
      const path = all[place] as Path;
      if (path.inFlight >= path.window.size || this.buffers.isDry(path.port)) continue;
      if (path.standby || (!path.alive && this.anotherAlive(path))) continue;
      if (!this.isSure(path)) continue;
      this.next = place + 1 === count ? 0 : place + 1;
      return path;
    }
    return null;
  }

  /** `path`, where it has room for a frame that may take no other. */
  only(path: Path): Path | null {
    const hasRoom = path.inFlight < path.window.size && !this.buffers.isDry(path.port);
    return hasRoom && !path.removed && this.isSure(path) ? path : null;
  }

  /** For a frame that went by `own` before: the same while that is alive (P28 goes by source MAC); null: no room. */
  pickAgain(own: Path): Path | null {
    if (own.removed || own.standby || (!own.alive && this.anotherAlive(own))) return this.pick();
    return own.inFlight < own.window.size && this.isSure(own) ? own : null;
  }

  /** Whether a command may go by `path` without a look at what is behind it; false: it is being asked. */
  private isSure(path: Path): boolean {
    if (!path.unverified && (!this.comparable || this.host.now - path.heardAt <= SILENCE))
      return true;
    path.unverified = true;
    this.askers.prove(path);
    return false;
  }

  /** An answer to `frame` came by `path`. */
  answered(path: Path, frame: Frame): void {
    path.answers++;
    if (frame.sectors > SMALL_SECTORS) {
      // What `limitOf` and `heard` do, without their calls: 25 ns a command.
      const limit = frame.operation === WRITE ? path.writes : path.reads;
      limit.heardAt = this.host.now;
      if (limit.fellBackAt >= 0) limit.heard(this.host.now);
    } else path.smallHeardAt = this.host.now;
    if (frame.path === path) {
      // A target that answers what was sent before the silence was there all the time.
      if (!path.announced) path.unverified = false;
      path.heardAt = this.host.now;
      path.lossesInRow = 0;
      if (path.alive) return;
    }
    this.heard(path);
  }

  heard(path: Path): void {
    const { now } = this.host;
    if (this.comparable && now - path.heardAt > SILENCE) path.unverified = true;
    path.heardAt = now;
    path.lossesInRow = 0;
    if (path.alive) return;
    path.alive = true;
    path.nextProbeAt = Infinity;
    path.window.restart();
    path.rtt.reset();
    if (path.unverified) this.askers.prove(path);
  }

  /** `frame` was not answered in time. */
  lost(frame: Frame): void {
    const path = frame.path as Path;
    path.losses++;
    // Of several that were sent at once one may get lost: the path is silent only where nothing was heard since.
    if (path.heardAt <= frame.lastSentAt) path.lossesInRow++;
    path.window.lost(path.inFlight, this.host.now, 2 * overtakenBy(frame) >= path.inFlight);
    path.rtt.expired(frame.shift);
    if (frame.sectors > SMALL_SECTORS) this.largeLost(path, frame);
    this.leaveIfDead(path);
  }

  /** Whether a frame that was sent a window after `frame` has been answered, and `frame` has not. */
  isOvertaken(frame: Frame): boolean {
    return overtakenBy(frame) >= Math.max(OVERTAKEN, (frame.path as Path).inFlight);
  }

  /**
   * Whether `frame`, whose time-out of `rto` ns has passed, may still be answered: its target or a
   * host may pause. It is lost where something that was sent later, frame or query, is answered.
   */
  mayPause(frame: Frame, rto: number): boolean {
    const { now } = this.host;
    const path = frame.path as Path;
    if (overtakenBy(frame) > 0) return false;
    if (path.doubtedAt > frame.lastSentAt && path.saidAt >= path.doubtedAt) return false;
    if (now - path.doubtedAt >= rto) {
      path.doubtedAt = now;
      this.ask(path);
    }
    return true;
  }

  /** `path` did not say in time what is behind it. */
  missed(path: Path): void {
    path.lossesInRow++;
    this.leaveIfDead(path);
  }

  private leaveIfDead(path: Path): void {
    if (!path.alive || path.lossesInRow < PATH_LOSSES) return;
    if (!this.anotherAlive(path)) {
      for (const each of this.all) if (each !== path && each.alive) this.askers.prove(each);
      this.search();
      return;
    }
    path.alive = false;
    this.probe(path);
    const before = this.instance;
    this.choose(null);
    if (this.instance === before) return;
    const to = this.all.find(({ alive, standby }) => alive && !standby);
    if (to !== undefined) this.askers.failedOver(path, to);
  }

  /** Nobody answers: by which address is the device there now? */
  private search(): void {
    const { now, ports } = this.host;
    if (now < this.searchAt) return;
    this.searchAt = now + SEARCH_INTERVAL;
    for (const port of ports) this.query(port, BROADCAST);
  }

  /** Do small frames get through? If so, no more large ones by this path in that direction. */
  private largeLost(path: Path, { operation, lastSentAt }: Frame): void {
    const { now } = this.host;
    const limit = path.limitOf(operation);
    if (limit.fellBackAt >= 0 || limit.heardSince(lastSentAt)) return;
    if (limit.lost(lastSentAt, path.smallHeardAt, now)) {
      this.counters.fallBacks++;
      this.fall(limit, SMALL_SECTORS);
    } else if (path.smallAskedAt < now) {
      path.smallAskedAt = now;
      this.ask(path);
    }
  }

  private fall(limit: FrameLimit, sectors: number): void {
    limit.fall(sectors, this.host.now);
    this.probeAt = Math.min(this.probeAt, limit.probeAt);
  }

  private anotherAlive(path: Path): boolean {
    for (const each of this.all) if (each !== path && each.alive && !each.unverified) return true;
    return false;
  }

  private ask(path: Path): void {
    this.query(path.port, path.target);
  }

  private query(port: PortState, to: Mac): void {
    const { host, major, minor } = this;
    if (port.askConfig(to, major, minor, host.tags.anonymous())) this.counters.queries++;
  }

  private probe(path: Path): void {
    this.ask(path);
    path.nextProbeAt = this.host.now + PROBE_INTERVAL;
    this.probeAt = Math.min(this.probeAt, path.nextProbeAt);
  }

  nextDeadline(): number {
    return this.probeAt;
  }

  advance(now: number): void {
    if (this.probeAt > now) return;
    this.probeAt = Infinity;
    for (const path of this.all) {
      if (path.nextProbeAt <= now) this.probe(path);
      this.earnBack(path, path.reads, now);
      this.earnBack(path, path.writes, now);
      const large = Math.min(path.reads.probeAt, path.writes.probeAt);
      this.probeAt = Math.min(this.probeAt, path.nextProbeAt, large);
    }
  }

  private earnBack(path: Path, limit: FrameLimit, now: number): void {
    if (limit.probeAt > now) return;
    limit.probed(now);
    if (path.alive) this.askers.probeLarge(path, limit);
  }
}

/** How many transmits later than `frame` the latest answered one was. */
function overtakenBy({ path, sequence }: Frame): number {
  return (path as Path).heardSequence - sequence;
}

function forget(path: Path): void {
  path.reads.forget();
  path.writes.forget();
}
