// An initiator over links: drives the core for as long as somebody waits for something. While nobody does, nothing
// runs and Bun's own loop has the thread. The links may be raw sockets (session.ts) or what a test or a bench made.
//
//   perform, find, discover ── hold ──▶ drive (link/drive.ts) ──▶ the last one is done: at rest

import { drive, type DriveMode, type DriveOptions } from "../../link/drive.ts";
import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import type { Waiter } from "../../link/waiter.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { describeFault, failed, notFound, stackOf, usage } from "../../words/failure.ts";
import { shownTime } from "../../words/shown.ts";
import { createRandom } from "../../words/random.ts";
import type { Command } from "../protocol/command.ts";
import type { Device } from "../protocol/device.ts";
import { describeDevices } from "../protocol/device_list.ts";
import type { DeviceEvent } from "../protocol/facts.ts";
import { createInitiator, type Initiator } from "../protocol/initiator.ts";
import { type PoolOptions, poolOn } from "../pool/options.ts";
import type { Pool } from "../pool/pool.ts";
import { leakMessage } from "../pool/teardown.ts";
import type { RttBounds } from "../protocol/rtt.ts";
import type { WindowLaw } from "../protocol/window.ts";
import { type Driver, inOneLoop } from "./one_loop.ts";

/** For how long another target may claim the address of one that was found, before it is used, ns. */
const CLAIMS = 20e6;
/** For how long those that claim it may take to say which disk they have, ns. */
const PROOFS = 1e9;
/** How often a question that nobody has answered is put again, ns. */
const ASK_EVERY = 200e6;
/** What a link may take to release buffers at the end, ns (Linux: 3 s). */
const RELEASE_TIME = 3e9;

export interface InitiatorSettings extends PoolOptions {
  /** Check every invariant of the pool at every step, and poison what is idle. */
  readonly verifyPool?: boolean;
  /** What stands around each pool, such as a trace. */
  readonly aroundPool?: ((pool: Pool) => Pool) | undefined;
  /** Of tags and faults. */
  readonly seed: number;
  readonly timeout?: number | undefined;
  readonly packetLife?: number | undefined;
  readonly window?: number | undefined;
  readonly windowLaw?: WindowLaw | undefined;
  readonly retransmitTag?: "same" | "new" | undefined;
  readonly mode: DriveMode;
  /** Longest sleep while something is waited for, ns, if not the mode's. */
  readonly slice?: number;
  /** Bounds of the time-outs, where they are not to follow the round trip. */
  readonly rtt?: RttBounds;
  /** A sentence for the user: what was not granted, a peer's oddity. */
  readonly onNotice: (sentence: string) => void;
}

/** What a session stands on. */
export interface SessionLinks<W extends Waiter = Waiter> {
  /** As the core sees them, wrappers and all. */
  readonly links: readonly Link[];
  /** The links' descriptors are watched. */
  readonly waiter: W;
  /** A core in the same loop: the target, over a memory link. */
  readonly beside?: Core | undefined;
  /** Closes links and waiter once nothing is in hand; not given: the caller does. */
  readonly close?: () => void;
}

/** A session whatever its links are. */
export interface LinkedSession<W extends Waiter = Waiter> {
  readonly initiator: Initiator;
  readonly waiter: W;
  /** How it waits for frames. */
  readonly mode: DriveMode;
  readonly links: readonly Link[];
  /** Runs the loop until `until` says true; `driver` is part of it. */
  run(until: () => boolean, driver?: Driver): Promise<void>;
  /** Asks all who are there, again and again for `wait` ns, and each that answers for its IDENTIFY sector where `identify`. */
  discover(wait: number, identify: boolean): Promise<readonly Device[]>;
  /** The device. A notFound Failure names those that did answer within `wait` ns. */
  locate(address: Address, wait: number): Promise<Device>;
  /** The device, identified. */
  find(address: Address, wait: number): Promise<Device>;
  /** Submits and waits until it has ended; look at its outcome. */
  perform(device: Device, command: Command): Promise<Command>;
  /** Ends what is pending and closes the links; sentences about what was left behind. */
  close(): Promise<string[]>;
}

export class SessionOver<W extends Waiter> implements LinkedSession<W> {
  readonly initiator: Initiator;
  readonly waiter: W;
  readonly links: readonly Link[];
  readonly mode: DriveMode;
  private readonly core: (driver?: Driver) => Core;
  private readonly closeLinks: () => void;
  private readonly how: { readonly mode: DriveMode; readonly slice?: number };
  private readonly listeners = new Set<(device: Device, event: DeviceEvent) => void>();
  private holders = 0;
  private running: Promise<void> | null = null;
  private closed = false;
  private closing: Promise<string[]> | null = null;
  /** Rejects what is being performed, should the loop throw: nobody would ever end it. */
  private readonly rejections = new Set<(error: unknown) => void>();
  /** Loops under way: the links stay open until they have ended. */
  private readonly loops = new Set<Promise<void>>();
  private broken: unknown = null;

  constructor({ links, waiter, beside, close }: SessionLinks<W>, options: InitiatorSettings) {
    const { mode, slice } = options;
    this.mode = mode;
    this.how = slice === undefined ? { mode } : { mode, slice };
    this.links = links;
    this.waiter = waiter;
    this.closeLinks = close ?? (() => {});
    let isFaulty = false;
    this.initiator = createInitiator({
      links: this.links,
      // The first is told, all are counted.
      onFault: (error) => {
        if (isFaulty) return;
        isFaulty = true;
        options.onNotice(`A frame was dropped: ${describeFault(error)}`);
        process.stderr.write(stackOf(error));
      },
      clock: this.waiter,
      random: createRandom(options.seed).fork("tags"),
      pool: (link, frameBytes) => {
        const pool = poolOn(options, link, frameBytes, options.verifyPool);
        return options.aroundPool?.(pool) ?? pool;
      },
      kick: options.kick,
      timeout: options.timeout,
      packetLife: options.packetLife,
      window: options.window,
      rtt: options.rtt,
      windowLaw: options.windowLaw,
      retransmitTag: options.retransmitTag,
      identify: false,
    });
    this.core = (driver) => inOneLoop(this.initiator, { beside, driver, clock: waiter });
    this.initiator.begin(this.waiter.now());
    this.initiator.onNotice = options.onNotice;
    this.initiator.onEvent = (device, event) => {
      for (const listener of this.listeners) listener(device, event);
    };
  }

  run(until: () => boolean, driver?: Driver): Promise<void> {
    return this.drive({ until, core: this.core(driver) });
  }

  /** Rejects where the session is closed meanwhile. */
  private async drive(options: Partial<DriveOptions> & Pick<DriveOptions, "until">): Promise<void> {
    this.mustBeOpen();
    const { until } = options;
    const loop = drive({
      core: this.core(),
      waiter: this.waiter,
      ...this.how,
      ...options,
      until: () => this.closed || until(),
    });
    this.loops.add(loop);
    try {
      await loop;
    } finally {
      this.loops.delete(loop);
    }
    this.mustBeOpen();
  }

  private mustBeOpen(): void {
    if (this.closed) throw usage("The initiator was closed");
    if (this.broken !== null) throw this.broken;
  }

  /** The loop runs from the first hold to the last release. */
  private hold(): void {
    this.holders++;
    this.running ??= this.runWhileHeld();
  }

  private async runWhileHeld(): Promise<void> {
    // What is asked for in the same iteration of Bun's loop goes out in one of ours.
    await Promise.resolve();
    try {
      // A caller that was answered may have asked again before this resumes.
      while (this.holders > 0 && !this.closed) {
        this.initiator.begin(this.waiter.now());
        await this.drive({ until: () => this.holders === 0, settle: true });
      }
    } catch (error) {
      // Closing ends each command in its own way.
      if (!this.closed) this.break(error);
    } finally {
      this.running = null;
    }
  }

  /** The loop threw, so its state is not to be trusted: callers that wait are told, and nothing is served again. */
  private break(error: unknown): void {
    this.broken = error;
    this.holders = 0;
    for (const reject of this.rejections) reject(error);
    this.rejections.clear();
  }

  perform(device: Device, command: Command): Promise<Command> {
    return new Promise((resolve, reject) => {
      this.mustBeOpen();
      const end = (): void => {
        this.rejections.delete(reject);
        this.holders--;
      };
      command.done = (ended) => {
        end();
        resolve(ended);
      };
      this.rejections.add(reject);
      this.hold();
      // The clock stood still while nothing ran.
      this.initiator.begin(this.waiter.now());
      try {
        device.submit(command);
      } catch (error) {
        end();
        throw error;
      }
    });
  }

  /** Asks every ASK_EVERY until `enough` or `wait` ns have passed. */
  private async ask(wait: number, question: () => void, enough: () => boolean): Promise<void> {
    const start = this.waiter.now();
    let asked = -Infinity;
    await this.drive({
      slice: 10e6,
      until: () => {
        const now = this.waiter.now();
        if (enough() || now - start >= wait) return true;
        if (now - asked >= ASK_EVERY) {
          asked = now;
          question();
        }
        return false;
      },
    });
  }

  /** Asks nothing: what is out is answered meanwhile. */
  private answered(wait: number, enough: () => boolean): Promise<void> {
    return this.ask(wait, () => {}, enough);
  }

  async discover(wait: number, identify: boolean): Promise<readonly Device[]> {
    const { initiator } = this;
    const unidentified = new Set<Device>();
    const listener = (device: Device, event: DeviceEvent): void => {
      if (event === "found" && identify) {
        unidentified.add(device);
        device.identify();
      } else if (event === "identified" || event === "unidentified") unidentified.delete(device);
    };
    this.listeners.add(listener);
    for (const device of initiator.devices) {
      if (identify && device.identity === null) listener(device, "found");
    }
    await this.ask(
      wait,
      () => initiator.discover(),
      () => false,
    );
    // An address that is still being asked which disk it is has as long again, and not as long as a command.
    const known = ({ proving }: Device): boolean => proving === 0;
    await this.answered(wait, () => unidentified.size === 0 && initiator.devices.every(known));
    this.listeners.delete(listener);
    for (const device of initiator.devices) device.settle();
    return initiator.devices;
  }

  async find(address: Address, wait: number): Promise<Device> {
    const device = await this.locate(address, wait);
    if (device.identity === null) await this.identify(device);
    if (!device.settled) await this.compare(device);
    device.settle();
    return device;
  }

  async locate(address: Address, wait: number): Promise<Device> {
    const { initiator } = this;
    let foundAt = Infinity;
    await this.ask(
      wait,
      () => {
        initiator.discover(address);
        if (initiator.device(address) === undefined) initiator.discover();
      },
      () => {
        const device = initiator.device(address);
        if (device === undefined) return false;
        foundAt = Math.min(foundAt, this.waiter.now());
        if (!device.settled && this.waiter.now() - foundAt < CLAIMS) return false;
        // Every interface may lead to it, or to another disk.
        return device.paths.length + device.rivals.length >= this.links.length;
      },
    );
    const device = initiator.device(address);
    if (device === undefined) {
      const others = initiator.devices;
      const name = formatAddress(address);
      const instead =
        others.length === 0 ? "no other device did either" : `${describeDevices(others)} did`;
      throw notFound(`${name} did not answer within ${shownTime(wait)}; ${instead}`);
    }
    return device;
  }

  /** Several disks may answer: all who ask shall come to the same one, which need not be the first to say what it is. */
  private async compare(device: Device): Promise<void> {
    await this.answered(PROOFS, () => device.proving === 0);
    if (device.proving === 0) return;
    const others = `${device.proving} more ${device.proving === 1 ? "address" : "addresses"}`;
    this.initiator.onNotice?.(
      `${formatAddress(device)} is claimed by ${others}, silent for ${shownTime(PROOFS)} when asked for the disk: it is used without them`,
    );
  }

  private async identify(device: Device): Promise<void> {
    let ended = false;
    const listener = (which: Device, event: DeviceEvent): void => {
      if (which === device && (event === "identified" || event === "unidentified")) ended = true;
    };
    this.listeners.add(listener);
    this.initiator.begin(this.waiter.now());
    device.identify();
    // Who answered first need not be the target: the others are asked for as long as nobody says which disk it is.
    let early = true;
    const question = (): void => {
      if (!early) this.initiator.discover(device);
      early = false;
    };
    await this.ask(Infinity, question, () => ended);
    this.listeners.delete(listener);
    if (device.identity === null) {
      throw failed(`${formatAddress(device)} answers discovery, but not IDENTIFY`);
    }
  }

  close(): Promise<string[]> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<string[]> {
    this.closed = true;
    await Promise.allSettled([...this.loops, this.running]);
    try {
      return this.broken === null ? await this.releaseAll() : [];
    } finally {
      this.closeLinks();
    }
  }

  /** Ends every command, and waits until the links have released the buffers. */
  private async releaseAll(): Promise<string[]> {
    const { initiator, waiter } = this;
    initiator.begin(waiter.now());
    const until = waiter.now() + RELEASE_TIME;
    let clean = initiator.close();
    if (!clean) {
      await drive({
        core: this.core(),
        waiter,
        mode: "frugal",
        slice: 10e6,
        until: () => {
          clean = initiator.close();
          return clean || waiter.now() >= until;
        },
      });
    }
    if (clean) return [];
    const left: string[] = [];
    for (const device of initiator.devices) {
      for (const pool of device.pools) {
        const message = pool === null ? null : leakMessage(pool, waiter.now());
        if (message !== null) left.push(`${formatAddress(device)}: ${message}`);
      }
    }
    return left.length > 0 ? left : ["Frames of the discovery are still held by the link"];
  }
}
