// The initiator as a library: what `import { openInitiator } from "aoe"` gives.
//
//   await using initiator = await openInitiator({ interface: "eth1" });
//   const device = await initiator.device("e7.3");
//   await device.write(0, bytes);
//
// Data go between frames and the caller's memory without a copy between. The device owns that memory until the promise
// settles, and the caller from then on, whatever the network still holds. While something is
// asked, frames are driven on this thread and the program's own timers and sockets are served every
// few milliseconds at the latest; while nothing is, nothing runs.
//
// Errors are Failures: one sentence and an exit code. What a target refused, or did not answer, is a
// DeviceError with the registers that it sent; what an AbortSignal ended rejects with the signal's reason.
//
// One public interface, to be read from top to bottom in one place: hence its length.

import type { DriveMode } from "../link/drive.ts";
import type { Memory } from "../link/link.ts";
import * as ata from "../wire/ata.ts";
import * as config from "../wire/config.ts";
import {
  type Identify,
  LENGTH as IDENTIFY_LENGTH,
  parse as parseIdentify,
} from "../wire/identify.ts";
import { formatMac, type Mac, parseMac } from "../wire/mac.ts";
import { isMalformed } from "../wire/malformed.ts";
import * as mask from "../wire/mask.ts";
import * as reserve from "../wire/reserve.ts";
import { formatAddress, parseAddress } from "../words/address.ts";
import { expected, failed, Failure, usage } from "../words/failure.ts";
import { MS } from "../words/quantity.ts";
import { CANCELLED, Command } from "./protocol/command.ts";
import { configure, editMasks, reserveFor } from "./protocol/control.ts";
import { DeviceError, type ErrorKind, mustBeOk } from "./protocol/describe.ts";
import type { Device } from "./protocol/device.ts";
import { sortDevices } from "./protocol/device_list.ts";
import type { StrategyName } from "./pool/buffer_pool.ts";
import { openSession, type Session } from "./session/session.ts";
import { durationOf, sessionOptions } from "./session/session_table.ts";
import { type DeviceStats, deviceStats, type LinkStats, linkStats } from "./session/stats.ts";
import { FLUSH, IDENTIFY, READ, WRITE } from "./protocol/operation.ts";

export { DeviceError, Failure };
export type { DeviceStats, ErrorKind, Identify, LinkStats, StrategyName };

/** The options of the command line, by their names there. Durations are texts, such as `50us` or `2s`. */
export interface OpenOptions {
  /** Where to send; several for multipath. */
  readonly interface: string | readonly string[];
  /** `ring`, `xdp`: transmit from memory that the kernel really holds. `packet`. */
  readonly link?: "packet" | "ring" | "xdp";
  readonly transmitInterface?: string;
  /** Answers to writes come by a socket of their own. */
  readonly writeLane?: boolean;
  readonly pool?: StrategyName;
  readonly poolPrealloc?: number;
  readonly poolCap?: number;
  /** When a dry pool is asked again: a duration, or `on-release`. */
  readonly kick?: string;
  /** Without an answer a request ends after this; `10s`. */
  readonly timeout?: string;
  readonly packetLife?: string;
  /** Most frames in the network, below the target's buffer count. */
  readonly window?: number;
  /** How to wait for frames; `low-latency` spins for up to 50 µs before it sleeps. */
  readonly mode?: DriveMode;
  /** A sentence now and then: what was not granted, a peer's oddity. Without it nothing is said. */
  readonly onNotice?: (sentence: string) => void;
}

export interface RequestOptions {
  /** Ends the request; nothing of it is sent again. A write may have happened all the same. */
  readonly signal?: AbortSignal;
  /** In place of the initiator's. */
  readonly timeout?: string;
}

export interface WaitOptions {
  /** How long to wait for answers; `1s`. */
  readonly wait?: string;
}

export interface AoeInitiator extends AsyncDisposable {
  /** All devices that answer within `wait`, identified, by address. */
  discover(options?: WaitOptions): Promise<AoeDevice[]>;
  /** The device of an address such as `e7.3`. Rejects with exit code 6 where it does not answer, naming those that did. */
  device(address: string, options?: WaitOptions): Promise<AoeDevice>;
  /** Frames received, sent, lost and refused, by interface. */
  stats(): LinkStats[];
  /** Ends what is pending and closes the interfaces; sentences about what was left behind. */
  close(): Promise<string[]>;
}

export interface AoeDevice {
  /** Such as `e7.3`. */
  readonly address: string;
  /** Of 512 bytes. */
  readonly sectors: number;
  readonly bytes: number;
  /** Most frames that the target holds at once. */
  readonly bufferCount: number;
  /** What one frame carries: requests are best multiples of it. */
  readonly sectorsPerFrame: number;
  /** As its IDENTIFY sector said when it was found. */
  readonly identity: Identify;
  /** The target's addresses that lead to it. */
  readonly macs: readonly string[];

  /** So many sectors from `lba` on, in fresh memory. */
  read(lba: number, sectors: number, options?: RequestOptions): Promise<Uint8Array>;
  /** Fills `into`, a multiple of 512 bytes, from sector `lba` on; returns it. */
  read<T extends Uint8Array>(lba: number, into: T, options?: RequestOptions): Promise<T>;
  /** Writes all of `from`, a multiple of 512 bytes, to sector `lba` and those behind it. */
  write(lba: number, from: Uint8Array, options?: RequestOptions): Promise<void>;
  /** Makes every write that was answered durable. */
  flush(options?: RequestOptions): Promise<void>;
  /** Asks again. */
  identify(options?: RequestOptions): Promise<Identify>;
  readonly config: ConfigString;
  readonly reserve: Reservation;
  readonly masks: MaskList;
  stats(): DeviceStats;
}

/** The string, of at most 1024 bytes, that a target keeps with a device. */
export interface ConfigString {
  read(options?: RequestOptions): Promise<Uint8Array>;
  /** Whether the string is `text`, or begins with it. A target answers no by silence, so a no takes `timeout`, 1 s. */
  test(text: string | Uint8Array, options?: RequestOptions): Promise<boolean>;
  testPrefix(text: string | Uint8Array, options?: RequestOptions): Promise<boolean>;
  /** Sets it where it is empty or the same; else a DeviceError with aoeError 4. */
  set(text: string | Uint8Array, options?: RequestOptions): Promise<void>;
  forceSet(text: string | Uint8Array, options?: RequestOptions): Promise<void>;
}

/** Which initiators may use the device; none listed: all. MACs as `02:00:00:00:00:a0`. */
export interface Reservation {
  read(options?: RequestOptions): Promise<string[]>;
  /** For `macs`, or for ourselves. A DeviceError with aoeError 6 where others hold it. */
  set(macs?: readonly string[], options?: RequestOptions): Promise<string[]>;
  forceSet(macs?: readonly string[], options?: RequestOptions): Promise<string[]>;
  release(options?: RequestOptions): Promise<void>;
}

/** To whom the target answers at all; none listed: to all. */
export interface MaskList {
  read(options?: RequestOptions): Promise<string[]>;
  /** The whole list afterwards. */
  add(macs: readonly string[], options?: RequestOptions): Promise<string[]>;
  remove(macs: readonly string[], options?: RequestOptions): Promise<string[]>;
}

/** Within which the program's own timers and sockets are served, ns. */
const SLICE = 2 * MS;

/** Opens the interfaces. Rejects with a Failure: no such interface, no permission (exit code 5), a bad option (2). */
export async function openInitiator(options: OpenOptions): Promise<AoeInitiator> {
  // Programs without types call it too.
  if (typeof options !== "object" || options === null) {
    throw expected("options", 'an object such as { interface: "eth1" }', options);
  }
  const { poolPrealloc, poolCap, window, onNotice, ...texts } = options;
  const interfaces =
    typeof options.interface === "string" ? [options.interface] : options.interface;
  const session = openSession({
    ...sessionOptions(
      {
        ...texts,
        interface: interfaces,
        poolPrealloc: poolPrealloc?.toString(),
        poolCap: poolCap?.toString(),
        ...(window === undefined ? {} : { window: `${window}` }),
      },
      {
        wrappers: [],
        wallClock: () => performance.timeOrigin + performance.now(),
        onNotice: onNotice ?? (() => {}),
      },
    ),
    slice: SLICE,
  });
  return new Opened(session);
}

class Opened implements AoeInitiator {
  private readonly session: Session;
  private closed = false;

  constructor(session: Session) {
    this.session = session;
  }

  async discover(options: WaitOptions = {}): Promise<AoeDevice[]> {
    this.mustBeOpen();
    const devices = await this.session.discover(waitOf(options), true);
    return sortDevices(devices)
      .filter(({ identity }) => identity !== null)
      .map((device) => new Found(this, this.session, device));
  }

  async device(address: string, options: WaitOptions = {}): Promise<AoeDevice> {
    this.mustBeOpen();
    const wanted = parseAddress(address, "device");
    return new Found(this, this.session, await this.session.find(wanted, waitOf(options)));
  }

  stats(): LinkStats[] {
    return linkStats(this.session.initiator);
  }

  mustBeOpen(): void {
    if (this.closed) throw usage("The initiator was closed");
  }

  async close(): Promise<string[]> {
    this.closed = true;
    return this.session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function waitOf(options: WaitOptions): number {
  return durationOf(options.wait, "wait", 1000 * MS);
}

class Found implements AoeDevice {
  readonly config: ConfigString;
  readonly reserve: Reservation;
  readonly masks: MaskList;
  private readonly initiator: Opened;
  private readonly session: Session;
  private readonly device: Device;

  constructor(initiator: Opened, session: Session, device: Device) {
    this.initiator = initiator;
    this.session = session;
    this.device = device;
    const by =
      (options: RequestOptions = {}) =>
      (_: Device, command: Command) =>
        this.perform(command, options);
    const set = async (ccmd: number, text: string | Uint8Array, options?: RequestOptions) => {
      await configure(by(options), device, ccmd, bytesOf(text));
    };
    const test = async (ccmd: number, text: string | Uint8Array, options: RequestOptions = {}) => {
      const timeout = durationOf(options.timeout, "timeout", 1000 * MS);
      const { timeout: _, ...rest } = options;
      return (await configure(by(rest), device, ccmd, bytesOf(text), timeout)) !== null;
    };
    this.config = {
      read: async (options) => {
        const answer = await configure(by(options), device, config.READ, new Uint8Array(0));
        return answer?.string ?? new Uint8Array(0);
      },
      test: (text, options) => test(config.TEST, text, options),
      testPrefix: (text, options) => test(config.TEST_PREFIX, text, options),
      set: (text, options) => set(config.SET, text, options),
      forceSet: (text, options) => set(config.FORCE_SET, text, options),
    };
    const hold = async (rcmd: number, macs: readonly Mac[], options?: RequestOptions) =>
      (await reserveFor(by(options), device, rcmd, macs)).map(formatMac);
    this.reserve = {
      read: (options) => hold(reserve.READ, [], options),
      set: (macs, options) => hold(reserve.SET, this.members(macs), options),
      forceSet: (macs, options) => hold(reserve.FORCE_SET, this.members(macs), options),
      release: async (options) => {
        await hold(reserve.SET, [], options);
      },
    };
    const edit = async (dcmd: number, macs: readonly string[], options?: RequestOptions) => {
      const directives = macs.map((text) => ({ command: dcmd, mac: macOf(text) }));
      return (await editMasks(by(options), device, directives)).map(formatMac);
    };
    this.masks = {
      read: (options) => edit(mask.DIRECTIVE_NONE, [], options),
      add: (macs, options) => edit(mask.DIRECTIVE_ADD, macs, options),
      remove: (macs, options) => edit(mask.DIRECTIVE_DELETE, macs, options),
    };
  }

  get address(): string {
    return formatAddress(this.device);
  }
  get sectors(): number {
    return this.device.sectors;
  }
  get bytes(): number {
    return this.device.sectors * ata.SECTOR;
  }
  get bufferCount(): number {
    return this.device.bufferCount;
  }
  get sectorsPerFrame(): number {
    return this.device.sectorsPerFrame;
  }
  get identity(): Identify {
    return this.device.identity as Identify;
  }
  get macs(): readonly string[] {
    return this.device.paths.map(({ target }) => formatMac(target));
  }

  read(lba: number, sectors: number, options?: RequestOptions): Promise<Uint8Array>;
  read<T extends Uint8Array>(lba: number, into: T, options?: RequestOptions): Promise<T>;
  async read(
    lba: number,
    what: number | Uint8Array,
    options: RequestOptions = {},
  ): Promise<Uint8Array> {
    const into = typeof what === "number" ? freshSectors(what) : what;
    await this.move(READ, lba, into, options);
    return into;
  }

  write(lba: number, from: Uint8Array, options: RequestOptions = {}): Promise<void> {
    return this.move(WRITE, lba, from, options);
  }

  private async move(
    operation: number,
    lba: number,
    bytes: Uint8Array,
    options: RequestOptions,
  ): Promise<void> {
    if (!Number.isSafeInteger(lba) || lba < 0) throw expected("lba", "an integer >= 0", lba);
    if (!(bytes instanceof Uint8Array)) {
      throw expected("data", "a Uint8Array", Object.prototype.toString.call(bytes));
    }
    if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.detached) {
      throw usage("Expected the memory for the data to be there, got a detached one");
    }
    if (bytes.length % ata.SECTOR !== 0) {
      throw expected("length", `a multiple of ${ata.SECTOR} bytes`, bytes.length);
    }
    const command = new Command();
    command.operation = operation;
    command.lba = lba;
    command.sectors = bytes.length / ata.SECTOR;
    command.memory = memoryOf(bytes);
    mustBeOk(this.device, await this.perform(command, options));
  }

  async flush(options: RequestOptions = {}): Promise<void> {
    const command = new Command();
    command.operation = FLUSH;
    mustBeOk(this.device, await this.perform(command, options));
  }

  async identify(options: RequestOptions = {}): Promise<Identify> {
    const memory = memoryOf(new Uint8Array(IDENTIFY_LENGTH));
    const command = new Command();
    command.operation = IDENTIFY;
    command.memory = memory;
    mustBeOk(this.device, await this.perform(command, options));
    const identity = parseIdentify(memory.view, 0);
    if (isMalformed(identity)) throw failed(`${this.address} sent a malformed IDENTIFY sector`);
    return identity;
  }

  stats(): DeviceStats {
    return deviceStats(this.device, this.session.waiter.now());
  }

  private async perform(command: Command, options: RequestOptions): Promise<Command> {
    const { signal, timeout } = options;
    signal?.throwIfAborted();
    this.initiator.mustBeOpen();
    if (timeout !== undefined) command.timeout = durationOf(timeout, "timeout", 0);
    const abort = (): void => this.device.cancel(command);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await this.session.perform(this.device, command);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    if (command.outcome === CANCELLED) signal?.throwIfAborted();
    return command;
  }

  /** Ourselves where no one is named. */
  private members(macs: readonly string[] | undefined): readonly Mac[] {
    if (macs !== undefined && macs.length > 0) return macs.map(macOf);
    return this.session.links.map(({ mac }) => mac);
  }
}

/** Of a length of its own: an array over a buffer that can shrink would follow that in part. */
function memoryOf({ buffer, byteOffset, byteLength }: Uint8Array): Memory {
  return {
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
    view: new DataView(buffer, byteOffset, byteLength),
    address: 0,
  };
}

function freshSectors(sectors: number): Uint8Array {
  if (!Number.isSafeInteger(sectors) || sectors < 0) {
    throw expected("sectors", "an integer >= 0", sectors);
  }
  try {
    return new Uint8Array(sectors * ata.SECTOR);
  } catch {
    throw expected("sectors", "what memory can hold", sectors);
  }
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

function macOf(text: string): Mac {
  const mac = parseMac(text);
  if (mac === null) throw expected("mac", "an address such as 02:00:00:00:00:a0", text);
  return mac;
}
