// A device: one disk at a shelf.slot, what its target says of it, and what is asked of it.
//
//   config answers ─▶ facts (facts.ts), paths (path_set.ts), new addresses (proofs.ts)
//   submit ─▶ exchange (exchange.ts) ─▶ buffers (buffers.ts) ─▶ links

import type { FrameView } from "../../link/link.ts";
import * as ata from "../../wire/ata.ts";
import type { Identify } from "../../wire/identify.ts";
import { formatMac, type Mac } from "../../wire/mac.ts";
import { formatAddress } from "../../words/address.ts";
import { usage } from "../../words/failure.ts";
import { Buffers } from "./buffers.ts";
import { begin, CANCELLED, type Command, OTHER_DISK } from "./command.ts";
import { createCounters, type DeviceCounters } from "./counters.ts";
import * as disk from "./disk.ts";
import { Exchange } from "./exchange.ts";
import { FirstIdentify } from "./first_identify.ts";
import { type DeviceEvent, Facts, LEAST_BUFFERS } from "./facts.ts";
import type { Frame } from "./frame.ts";
import type { Host } from "./host.ts";
import { SMALL_SECTORS } from "./frame_limit.ts";
import { LargeProbes } from "./large_probes.ts";
import type { Path, Said } from "./path.ts";
import { Outstanding } from "./outstanding.ts";
import { PathSet } from "./path_set.ts";
import type { Pool } from "../pool/pool.ts";
import type { PortState } from "./port.ts";
import { Proofs, type Rival } from "./proofs.ts";
import { receiveAnswer, receiveLate } from "./receive.ts";
import { IDENTIFY, READ, WRITE } from "./operation.ts";

/** How often commands of a device that is another disk now are ended, ns. */
const GONE_EVERY = 1e6;

/** What keeps the devices. */
export interface DeviceKeeper {
  onEvent: ((device: Device, event: DeviceEvent) => void) | null;
  /** `device` is no longer what its address stands for. */
  replaced(device: Device): void;
}

export class Device extends Facts {
  /** Handle of its deadline. */
  readonly index: number;
  readonly counters: DeviceCounters = createCounters();
  /** Has something to send; `host.touch` knows of it. */
  ready = false;
  /** Another disk answers at its address: every command ends with OTHER_DISK. */
  gone = false;
  readonly frames: Outstanding;

  private readonly keeper: DeviceKeeper;
  private readonly host: Host;
  private readonly pathSet: PathSet;
  private readonly buffers: Buffers;
  private readonly exchange: Exchange;
  private readonly proofs: Proofs;
  private readonly firstIdentify = new FirstIdentify(
    (command) => this.submit(command),
    (identity, sector) => this.identified(identity, sector),
  );
  private scheduled = Infinity;
  private closed = false;

  constructor(keeper: DeviceKeeper, host: Host, major: number, minor: number, index: number) {
    super(major, minor);
    this.keeper = keeper;
    this.host = host;
    this.index = index;
    const { ports, pools, settings } = host;
    const touch = (): void => this.touch();
    const buffers = new Buffers(pools, settings, this.counters, ports.length, touch);
    const probes = new LargeProbes(this, settings.rtt.first, (command) => this.submit(command));
    this.buffers = buffers;
    this.pathSet = new PathSet(host, major, minor, buffers, this.counters, {
      probeLarge: (path, limit) => {
        if (!this.closed) probes.send(path, limit);
      },
      prove: (path) => this.proofs.wanted(path),
      failedOver: (from, to) =>
        this.tell(
          "taken over",
          disk.describeTakeover(formatMac(from.target), formatMac(to.target)),
        ),
    });
    this.proofs = new Proofs(this, host, this.pathSet);
    this.frames = new Outstanding(this, index, host, this.pathSet, buffers, this.counters);
    this.exchange = new Exchange(this.frames, touch);
  }

  get paths(): readonly Path[] {
    return this.pathSet.all;
  }
  /** The latest addresses that answer for it and lead to another disk. */
  get rivals(): readonly Rival[] {
    return this.proofs.rivals;
  }
  /** Addresses that are being asked for it. */
  get proving(): number {
    return this.proofs.size;
  }
  /** By port index; null: no data was sent there. */
  get pools(): readonly (Pool | null)[] {
    return this.buffers.pools;
  }
  /** Most sectors of a command, as the target says; 0 is taken for 2 (P13). */
  get sectorCount(): number {
    return this.pathSet.sectorCount;
  }
  /** The smallest frame limit of the paths in use: what a request is best a multiple of. */
  get sectorsPerFrame(): number {
    return this.pathSet.sectorsPerFrame;
  }
  /** Commands that have not ended. */
  get pending(): number {
    return this.counters.commands - this.counters.completed;
  }
  /** Frames in the network now. */
  get inFlight(): number {
    return this.frames.inFlight.size;
  }
  /** Frames in the network now, and those whose RTO has passed. */
  get outstanding(): number {
    return this.frames.inFlight.size + this.frames.waiting.size;
  }
  /** Commands of which no frame, or not all, could be made yet. */
  get queued(): number {
    return this.exchange.queued;
  }

  /**
   * Takes `command`, which is the device's until `done`. It is sent at the end of the iteration, or of the
   * current answer. Throws a usage Failure for sectors beyond 2^48.
   */
  submit(command: Command): void {
    if (command.busy) throw new Error("invariant: a command is submitted once until it is done");
    if (this.closed) throw new Error(`invariant: e${this.major}.${this.minor} is open`);
    const { operation, sectors, lba } = command;
    if (operation === READ || operation === WRITE) {
      if (!(lba >= 0 && sectors >= 0 && lba + sectors <= ata.MOST_SECTORS)) {
        throw usage(
          `Expected sectors within the 2^48 that AoE addresses, got ${sectors} from ${lba} on`,
        );
      }
    }
    if (operation !== IDENTIFY) this.settle();
    begin(command, this.host.now);
    this.exchange.submit(command);
    this.touch();
  }

  /** Somebody relies from now on on it being the disk that it is. */
  settle(): void {
    this.pathSet.settled = true;
  }
  get settled(): boolean {
    return this.pathSet.settled;
  }

  /** Ends `command` with CANCELLED; `done` is called from within. Nothing where it is not pending. */
  cancel(command: Command): void {
    if (command.busy) this.exchange.cancel(command);
  }

  /** The process was stopped until `now`: the silence of queued commands counts from here. */
  wokeUp(now: number): void {
    this.exchange.progressAt = now;
  }

  /** Asks for the IDENTIFY sector where it is not known yet. */
  identify(): void {
    if (this.identity === null && !this.closed) this.firstIdentify.ask();
  }

  /** There is something to send: the initiator drives the device in this iteration. */
  touch(): void {
    if (this.ready) return;
    this.ready = true;
    this.host.touch(this.index);
  }

  /** Sends what may be sent now. */
  drive(): void {
    this.ready = false;
    if (!this.gone) this.exchange.drive();
    this.schedule();
  }

  /** What came by `port` from `source` has the tag of `frame`, which is the device's. */
  answered(frame: Frame, port: PortState, source: Mac, view: FrameView): void {
    const { exchange, frames } = this;
    const own = frame.path as Path;
    const isOwn = own.port === port && own.target === source;
    const path = isOwn ? own : this.pathSet.find(port, source);
    if (path === null) {
      this.proofs.foreign(port, source);
      return;
    }
    if (!receiveAnswer(exchange, frame, path, view)) return;
    // What waits to go again may be answered by the next frame of this same iteration: it waits for the end. So does
    // what there is to do where nothing is to be sent.
    if (frames.waiting.size > 0 || exchange.queued === 0) {
      this.touch();
    } else {
      this.host.look();
      this.drive();
    }
  }

  /** The deadline of `frame`, which is the device's, has come. */
  expired(frame: Frame): void {
    this.exchange.expired(frame);
  }

  /** A config answer from `target` by `port`; `announced`: nobody had asked for it. */
  configured(port: PortState, target: Mac, said: Said, announced: boolean): void {
    const { host, pathSet } = this;
    let path = pathSet.find(port, target);
    if (path === null) {
      if (this.closed) return;
      if (pathSet.all.length > 0) {
        this.proofs.claim(port, target, said, announced);
        // Which disk is it to be compared with?
        this.identify();
        this.touch();
        return;
      }
      path = pathSet.make(port, target, said.bufferCount);
      pathSet.admit(path);
      this.learn(path, said);
      this.keeper.onEvent?.(this, "found");
      if (host.settings.identify) this.identify();
    } else {
      this.learn(path, said);
    }
    path.spoke(host.now);
    pathSet.heard(path);
    if (announced) this.proofs.announced(path);
    this.touch();
  }

  /** A frame of an unknown version announces something, by an address that the device may have. */
  hinted(port: PortState, target: Mac): void {
    const path = this.pathSet.find(port, target);
    if (path === null) return;
    this.proofs.announced(path);
    this.touch();
  }

  /** Takes over what the target says of itself by `path`. */
  private learn(path: Path, said: Said): void {
    const { pathSet } = this;
    const { bufferCount, sectorCount } = said;
    path.said = said;
    if (bufferCount < LEAST_BUFFERS && this.saidBufferCount !== bufferCount) {
      const what = `a buffer count of ${bufferCount}`;
      this.tell("buffer count", `announces ${what}, which is taken as ${LEAST_BUFFERS}`);
    }
    this.takeConfig(said);
    pathSet.resize(bufferCount);
    pathSet.offered(path, sectorCount === 0 ? SMALL_SECTORS : sectorCount);
  }

  // What proofs.ts finds out.

  adopt(identity: Identify, sector: DataView): void {
    this.take(identity, sector);
    this.proofs.known();
    this.keeper.onEvent?.(this, "identified");
  }

  confirm(identity: Identify, sector: DataView, resized: boolean): void {
    const before = this.sectors;
    this.take(identity, sector);
    if (!resized) return;
    const sizes = `${identity.sectors} sectors now, and had ${before}`;
    this.tell(`resized to ${identity.sectors}`, `has ${sizes}: it was resized`);
    this.keeper.onEvent?.(this, "resized");
  }

  joined(path: Path, said: Said): void {
    this.learn(path, said);
    const { all } = this.pathSet;
    const active = all.find(({ standby }) => !standby) ?? path;
    const beside = all.find((each) => each.port === path.port && each !== path);
    const mac = formatMac(path.target);
    if (path.standby) this.tell("pair", disk.describePair(formatMac(active.target), mac));
    else if (beside !== undefined)
      this.tell("twice", disk.describeTwice(formatMac(beside.target), mac));
    this.keeper.onEvent?.(this, "path");
  }

  contested({ path, identity }: Rival): void {
    const ours = this.identity;
    const [first] = this.pathSet.all;
    if (ours === null || first === undefined) return;
    const [one, two] = [formatMac(first.target), formatMac(path.target)];
    this.tell("claimed", disk.describeClaim(one, ours, two, identity));
    this.keeper.onEvent?.(this, "contested");
  }

  replaced(identity: Identify): void {
    const ours = this.identity as Identify;
    this.gone = true;
    this.scheduled = Infinity;
    this.proofs.close();
    this.tell("replaced", disk.describeReplaced(ours, identity));
    this.keeper.replaced(this);
    this.exchange.endAll(OTHER_DISK);
    this.keeper.onEvent?.(this, "replaced");
  }

  /** A sentence that begins with the device's address. */
  private tell(kind: string, what: string): void {
    const name = formatAddress(this);
    this.host.told.tell(`${name} ${kind}`, `${name} ${what}`);
  }

  private take(identity: Identify, sector: DataView): void {
    this.takeIdentify(identity, sector);
    this.pathSet.comparable = true;
  }

  /** An answer by `port` to a frame that nobody waits for any more. */
  late(port: PortState, source: Mac, frame: FrameView): void {
    this.counters.stale++;
    const path = this.pathSet.find(port, source);
    if (path !== null) receiveLate(path, frame, this.host.now);
  }

  /** MTU, address or carrier of `port` have changed. */
  linkChanged(port: PortState): void {
    this.pathSet.linkChanged(port);
    this.touch();
  }

  /** The link of `port` released `count` buffers. */
  reclaimed(port: PortState, count: number, now: number): void {
    const wanted = this.buffers.reclaimed(port, count, now) || this.frames.busyAt < Infinity;
    if (this.exchange.released() || wanted) this.touch();
  }

  /** Tells the host when `due` must be called, where that has changed. */
  private schedule(): void {
    let at: number;
    if (this.gone) {
      // A caller that asks again as soon as it is answered must not keep the loop busy.
      if (this.scheduled < Infinity) return;
      at = this.exchange.queued > 0 ? this.host.now + GONE_EVERY : Infinity;
    } else {
      at = Math.min(
        Math.min(this.exchange.nextDeadline(), this.buffers.nextDeadline()),
        Math.min(this.pathSet.nextDeadline(), this.proofs.nextDeadline()),
      );
    }
    if (at === this.scheduled) return;
    this.scheduled = at;
    this.host.deviceDeadlines.set(this.index, at);
  }

  /** The device's own deadline has come. */
  due(): void {
    const { now } = this.host;
    this.scheduled = Infinity;
    this.buffers.advance(now);
    if (this.gone) {
      this.exchange.endAll(OTHER_DISK);
    } else {
      this.proofs.advance(now);
      this.pathSet.advance(now);
      this.exchange.advance(now);
    }
    this.touch();
  }

  private identified(identity: Identify | null, sector: DataView): void {
    // Another address was quicker, and this one is compared with it.
    if (this.identity !== null || this.gone) return;
    if (identity === null) {
      this.keeper.onEvent?.(this, "unidentified");
      return;
    }
    const [first] = this.pathSet.all;
    if (first !== undefined) this.pathSet.proved(first, identity.instance);
    this.adopt(identity, sector);
  }

  /** Ends every command with CANCELLED, then gives buffers back; true: none is left. Again until then. */
  close(): boolean {
    this.closed = true;
    this.proofs.close();
    this.exchange.endAll(CANCELLED);
    return this.buffers.close(this.host.now);
  }

  /** Of one that is replaced: gives back what buffers it can. */
  retire(): boolean {
    return this.buffers.close(this.host.now);
  }
}
