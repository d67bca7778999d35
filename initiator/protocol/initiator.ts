// The initiator's core: frames and deadlines in, frames out (link/loop.ts).
//
//   link ─▶ port ─▶ answer? ─▶ tag ─▶ frame ─▶ device
//                      └─▶ config answer ─▶ device by shelf.slot, made when it is new
//
// No I/O, no clock, no randomness of its own. Bad frames are counted and dropped, never thrown
// (PortState.ignored).

import type { FrameView, Link } from "../../link/link.ts";
import { TO_BROADCAST, TO_HOST, TO_MULTICAST } from "../../link/link.ts";
import type { Core, Port } from "../../link/loop.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { BROADCAST, formatMac, isGroup } from "../../wire/mac.ts";
import { copyOut } from "../../wire/bytes.ts";
import { Device, type DeviceKeeper } from "./device.ts";
import type { DeviceEvent } from "./facts.ts";
import { type Frame, NO_DEVICE } from "./frame.ts";
import { Host } from "./host.ts";
import type { InitiatorOptions } from "./options.ts";
import type { PortState } from "./port.ts";
import { STALE, UNKNOWN } from "./tags.ts";

/** A question that found no room on its link is put again after this, ns. */
const ASK_AGAIN = 10e6;
/** The tag of what nobody has asked for (P11). */
const ANNOUNCED = 0;
/** Past its deadlines by more than this, the process was stopped, ns. Loops sleep for less than a quarter of it. */
const DEAF = 1e9;
/** Addresses are 16 million; an address that answers for more than these is no target. */
const MOST_DEVICES = 65_536;

export interface Initiator extends Core {
  /** The time of the current iteration, ns. */
  readonly now: number;
  readonly ports: readonly (Port & { readonly state: PortState })[];
  /** All that have answered, in the order in which they appeared. */
  readonly devices: readonly Device[];
  device(address: Address): Device | undefined;
  /** Asks at the next `advance` who is there, or whether `address` is; by all links. */
  discover(address?: Address): void;
  onEvent: ((device: Device, event: DeviceEvent) => void) | null;
  /** A sentence for the user about a peer's oddity. */
  onNotice: ((sentence: string) => void) | null;
  /** Ends every command; true: every buffer is back. Call it again, with reclaims between, until then or give up. */
  close(): boolean;
}

export function createInitiator(options: InitiatorOptions): Initiator {
  return new InitiatorCore(options);
}

class InitiatorPort implements Port {
  readonly link: Link;
  readonly state: PortState;
  readonly visit: (frame: FrameView) => void;
  private readonly core: InitiatorCore;

  constructor(core: InitiatorCore, state: PortState) {
    this.core = core;
    this.state = state;
    this.link = state.link;
    this.visit = (frame) => core.receive(state, frame);
    state.link.onChange = () => core.linkChanged(state);
  }

  reclaimed(count: number, now: number): void {
    this.core.reclaimed(this.state, count, now);
  }
}

/** A question to be put: who is there. */
interface Question {
  port: PortState;
  major: number;
  minor: number;
}

class InitiatorCore implements Initiator, DeviceKeeper {
  readonly ports: readonly InitiatorPort[];
  readonly devices: Device[] = [];
  /** By index: those that were replaced, too. */
  private readonly everyDevice: Device[] = [];
  private readonly host: Host;
  /** By major · 256 + minor. */
  private readonly byAddress = new Map<number, Device>();
  private questions: Question[] = [];
  private askAt = Infinity;
  private discoverAt = Infinity;
  /** Buffers go back: nothing new is begun, whatever comes in. */
  private closing = false;
  private readonly onFault: InitiatorOptions["onFault"];
  onEvent: Initiator["onEvent"] = null;

  constructor(options: InitiatorOptions) {
    this.onFault = options.onFault;
    this.host = new Host(options);
    this.ports = this.host.ports.map((state) => new InitiatorPort(this, state));
  }

  get now(): number {
    return this.host.now;
  }
  get onNotice(): ((sentence: string) => void) | null {
    return this.host.onNotice;
  }
  set onNotice(handler: ((sentence: string) => void) | null) {
    this.host.onNotice = handler;
  }

  device(address: Address): Device | undefined {
    return this.byAddress.get(keyOf(address));
  }

  discover(address: Address = { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR }): void {
    for (const port of this.host.ports) this.questions.push({ port, ...address });
    this.askAt = -Infinity;
  }

  begin(now: number): void {
    const { host } = this;
    if (now - host.now > DEAF) this.wakeUp(now);
    host.begin(now);
  }

  /**
   * Nobody called for long past a deadline: the process was stopped. What was out could not be answered, and nothing
   * could go again, so that the time counts for no time-out.
   */
  private wakeUp(now: number): void {
    const { host } = this;
    const late = now - Math.min(host.frameDeadlines.next(), host.deviceDeadlines.next());
    if (late <= DEAF) return;
    for (const frame of host.frames) {
      if (frame.device !== NO_DEVICE) this.deviceOf(frame).frames.postpone(frame, late);
    }
    for (const device of this.devices) device.wokeUp(now);
  }

  advance(now: number): void {
    const { host } = this;
    if (this.discoverAt <= now) this.discover();
    if (this.askAt <= now) this.ask(now);
    if (host.pools.nextDeadline() <= now) host.pools.advance(now);
    for (let index = host.frameDeadlines.pop(now); index >= 0;) {
      const frame = host.frames[index] as Frame;
      this.deviceOf(frame).expired(frame);
      index = host.frameDeadlines.pop(now);
    }
    for (let index = host.deviceDeadlines.pop(now); index >= 0;) {
      (this.everyDevice[index] as Device).due();
      index = host.deviceDeadlines.pop(now);
    }
    // `done` may make others ready: they are sent in this same iteration.
    for (let index = 0; index < host.readyCount; index++) {
      const device = this.everyDevice[host.ready[index] as number] as Device;
      if (!device.ready) continue;
      host.look();
      device.drive();
      host.worked();
    }
    host.readyCount = 0;
  }

  nextDeadline(): number {
    const { host } = this;
    if (host.readyCount > 0) return host.now;
    const frames = host.frameDeadlines.next();
    const devices = Math.min(host.deviceDeadlines.next(), host.pools.nextDeadline());
    const asked = Math.min(this.askAt === -Infinity ? host.now : this.askAt, this.discoverAt);
    return Math.min(Math.min(frames, devices), asked);
  }

  receive(port: PortState, frame: FrameView): void {
    try {
      this.take(port, frame);
    } catch (error) {
      // What the frame answers is asked again, or ends in its time.
      if (this.onFault === undefined) throw error;
      port.ignored.faults++;
      this.onFault(error);
    }
  }

  private take(port: PortState, frame: FrameView): void {
    this.host.arrived(frame.at);
    const { view, base, length } = frame;
    const { ignored } = port;
    if (length < aoe.LENGTH) {
      ignored.tooShort++;
      return;
    }
    const { addressed } = frame;
    if (
      (addressed !== TO_HOST && addressed !== TO_BROADCAST && addressed !== TO_MULTICAST) ||
      ethernet.type(view, base) !== ethernet.ETHERTYPE_AOE
    ) {
      ignored.notForUs++;
      return;
    }
    if (aoe.version(view, base) !== aoe.VERSION) {
      ignored.notForUs++;
      this.hint(port, frame);
      return;
    }
    if (!aoe.isResponse(view, base)) {
      ignored.requests++;
      return;
    }
    const source = ethernet.source(view, base);
    // Zero is everyone's on the loopback, ours too.
    if (source === 0 ? port.link.mac !== 0 : isGroup(source)) {
      ignored.badSource++;
      this.tellBadSource(view, base, source);
      return;
    }
    if (aoe.command(view, base) === aoe.COMMAND_CONFIG) this.config(port, frame, source);
    const slot = this.host.tags.find(aoe.tag(view, base));
    if (slot === UNKNOWN) {
      if (aoe.command(view, base) !== aoe.COMMAND_CONFIG) ignored.unknownTag++;
    } else if (slot === STALE) {
      ignored.stale++;
      const device = this.byAddress.get(aoe.major(view, base) * 256 + aoe.minor(view, base));
      device?.late(port, source, frame);
    } else {
      const asked = this.host.frames[slot] as Frame;
      if (asked.asker !== null) {
        asked.asker.answered(port, source, frame);
        return;
      }
      this.deviceOf(asked).answered(asked, port, source, frame);
    }
  }

  private deviceOf({ device }: Frame): Device {
    const found = this.everyDevice[device];
    if (found === undefined)
      throw new Error("invariant: a frame with a tag or a deadline has a device");
    return found;
  }

  replaced(device: Device): void {
    this.byAddress.delete(keyOf(device));
    this.devices.splice(this.devices.indexOf(device), 1);
    device.retire();
  }

  /** No answer goes to such an address (P32), so the target must be told of it. */
  private tellBadSource(view: DataView, base: number, source: number): void {
    const name = formatAddress({ major: aoe.major(view, base), minor: aoe.minor(view, base) });
    const what = source === 0 ? "no address" : "the address of a group";
    this.host.told.tell(
      `bad source ${name}`,
      `${name} answers from ${formatMac(source)}, ${what}: such answers are dropped, so it can't be used`,
    );
  }

  /** Answers to our questions, to others', and announcements: all say who is there (P6, P11). */
  private config(port: PortState, frame: FrameView, source: number): void {
    const { view, base, length } = frame;
    if (this.closing || aoe.isError(view, base)) return;
    const major = aoe.major(view, base);
    const minor = aoe.minor(view, base);
    if (length < config.LENGTH) {
      port.ignored.tooShort++;
      return;
    }
    // Not addresses that a device may have (P20).
    if (major === aoe.ANY_MAJOR || minor === aoe.ANY_MINOR) {
      port.ignored.contradictory++;
      return;
    }
    const said = config.stringLength(view, base);
    const room = Math.min(length - config.LENGTH, config.LONGEST_STRING);
    if (said > room) {
      port.ignored.tooShort++;
      return;
    }
    const address = { major, minor };
    let device = this.device(address);
    if (device === undefined) {
      if (this.everyDevice.length >= MOST_DEVICES) return;
      device = new Device(this, this.host, major, minor, this.everyDevice.length);
      this.everyDevice.push(device);
      this.devices.push(device);
      this.byAddress.set(keyOf(address), device);
    }
    device.configured(
      port,
      source,
      {
        bufferCount: config.bufferCount(view, base),
        firmware: config.firmware(view, base),
        sectorCount: config.sectorCount(view, base),
        configString: copyOut(view, base + config.LENGTH, said),
      },
      aoe.tag(view, base) === ANNOUNCED,
    );
  }

  /** vblade's announcements have version 0. As such they are dropped, but that something began there is heard. */
  private hint(port: PortState, { view, base }: FrameView): void {
    if (!aoe.isResponse(view, base) || aoe.tag(view, base) !== ANNOUNCED) return;
    if (aoe.command(view, base) !== aoe.COMMAND_CONFIG) return;
    const address = { major: aoe.major(view, base), minor: aoe.minor(view, base) };
    this.device(address)?.hinted(port, ethernet.source(view, base));
  }

  reclaimed(port: PortState, count: number, now: number): void {
    this.host.pools.shared[port.index]?.reclaimed(count, now);
    const { everyDevice } = this;
    for (let index = 0; index < everyDevice.length; index++) {
      const device = everyDevice[index] as Device;
      device.reclaimed(port, count, now);
      if (device.gone) device.retire();
    }
  }

  linkChanged(port: PortState): void {
    if (this.closing) return;
    for (const device of this.devices) device.linkChanged(port);
    this.questions.push({ port, major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR });
    this.askAt = -Infinity;
  }

  private ask(now: number): void {
    const { host } = this;
    this.questions = this.questions.filter(
      ({ port, major, minor }) => !port.askConfig(BROADCAST, major, minor, host.tags.anonymous()),
    );
    this.askAt = this.questions.length > 0 ? now + ASK_AGAIN : Infinity;
    this.discoverAt = now + host.settings.rediscover;
  }

  close(): boolean {
    this.closing = true;
    let closed = true;
    for (const device of this.everyDevice) if (!device.close()) closed = false;
    if (!this.host.pools.close(this.host.now)) closed = false;
    for (const port of this.host.ports) if (!port.close()) closed = false;
    this.askAt = Infinity;
    this.discoverAt = Infinity;
    return closed;
  }
}

function keyOf({ major, minor }: Address): number {
  return major * 256 + minor;
}
