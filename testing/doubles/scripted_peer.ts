// A target for tests: it answers as it is told, frame by frame, and remembers what it was asked.
// Everything happens under the virtual clock, so that times are exact.

import type { FrameView, Link, Memory } from "../../link/link.ts";
import type { Core, Port } from "../../link/loop.ts";
import { createMemorySwitch, type MemorySwitch } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "../../link/virtual_clock.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { emit as emitIdentify, type Identify } from "../../wire/identify.ts";
import { BROADCAST, type Mac, readMac } from "../../wire/mac.ts";
import { createRandom } from "../../words/random.ts";
import { Command } from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import type { InitiatorOptions } from "../../initiator/protocol/options.ts";
import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";

/** A request as it came in. */
export interface Seen {
  readonly at: number;
  readonly port: number;
  /** A copy of the whole frame. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly source: Mac;
  readonly aoeCommand: number;
  readonly tag: number;
  readonly opcode: number;
  readonly count: number;
  readonly lba: number;
}

/** What an answer has that differs from a good one. */
export interface Twist {
  readonly delay?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly aoeCommand?: number;
  readonly tag?: number;
  readonly flags?: number;
  readonly error?: number;
  readonly version?: number;
  readonly status?: number;
  readonly ataError?: number;
  readonly lba?: number;
  readonly count?: number;
  readonly source?: Mac;
  readonly destination?: Mac;
  /** Cuts or lengthens the frame. */
  readonly length?: number;
  readonly port?: number;
}

export interface ScriptedOptions {
  readonly links?: number;
  readonly mtu?: number;
  readonly latency?: number;
  readonly bufferCount?: number;
  readonly sectorCount?: number;
  readonly sectors?: number;
  readonly reclaim?: string;
  readonly strategy?: StrategyName;
  readonly preallocated?: number;
  readonly cap?: number;
  readonly options?: Partial<InitiatorOptions>;
}

export const OUR_MAC = 0x0200_0000_0100;
export const PEER_MAC = 0x0200_0000_0200;
export const MAJOR = 7;
export const MINOR = 3;

interface Parcel {
  readonly at: number;
  readonly port: number;
  readonly bytes: Uint8Array;
}

export class Scripted implements Core {
  readonly clock: VirtualClock;
  readonly fabric: MemorySwitch;
  readonly initiator: Initiator;
  readonly seen: Seen[] = [];
  /** What is done with a request to the device; nothing done is silence. Config and IDENTIFY are answered anyhow. */
  script: (request: Seen) => void = (request) => this.answer(request);
  /** The device's content. */
  readonly image: Uint8Array;
  bufferCount: number;
  sectorCount: number;
  /** False: a dead target. */
  alive = true;
  /** Its address, in place of PEER_MAC + port: what is sent to another one is not for it. */
  mac: Mac | null = null;
  readonly ports: readonly Port[];
  /** As its IDENTIFY sector says, and by the number of a port what it says there in place of it. */
  serial = "scripted";
  model = "scripted peer";
  writeCache = true;
  sectors: number;
  readonly saysBy: Partial<Identify>[] = [];
  private readonly parcels: Parcel[] = [];
  private now = 0;

  constructor(options: ScriptedOptions = {}) {
    const links = options.links ?? 1;
    this.clock = createVirtualClock();
    this.bufferCount = options.bufferCount ?? 16;
    this.sectorCount = options.sectorCount ?? 2;
    this.sectors = options.sectors ?? 1024;
    this.image = new Uint8Array(this.sectors * 512);
    const random = createRandom(42);
    for (let at = 0; at < this.image.length; at++) this.image[at] = random.next();
    const macs: Mac[] = [];
    for (let index = 0; index < links; index++) macs.push(OUR_MAC + index, PEER_MAC + index);
    // One switch a link: what is sent on one is not seen on another.
    const switches = Array.from({ length: links }, (_, index) =>
      createMemorySwitch({
        clock: this.clock,
        latency: options.latency ?? 0,
        mtu: options.mtu ?? 1500,
        macs: [OUR_MAC + index, PEER_MAC + index],
      }),
    );
    this.fabric = switches[0] as MemorySwitch;
    this.switches = switches;
    this.ports = switches.map((each, index) => {
      const link = each.links[1] as Link;
      return { link, visit: (frame) => this.visit(frame, index), reclaimed() {} } satisfies Port;
    });
    const ours = switches.map((each) => {
      const model = parseReclaim(options.reclaim ?? "eager", "--reclaim");
      return createReclaim(each.links[0] as Link, model, this.clock);
    });
    this.initiator = createInitiator({
      links: ours,
      random: createRandom(1),
      clock: this.clock,
      pool: (link, frameBytes) =>
        createPool({
          link,
          frameBytes,
          strategy: options.strategy ?? "completion",
          preallocated: options.preallocated ?? 16,
          cap: options.cap ?? 64,
          verify: true,
        }),
      rediscover: Infinity,
      ...options.options,
    });
  }
  readonly switches: readonly MemorySwitch[];

  /** Runs until `until`, or until `limit` ns more have passed. */
  run(until: () => boolean, limit = 1e12): boolean {
    return runVirtual([this.initiator, this], this.clock, until, this.clock.now() + limit);
  }

  runFor(ns: number): void {
    this.run(() => false, ns);
  }

  /** Discovers and identifies the device, then forgets what was asked for it. */
  find(): Device {
    this.initiator.discover();
    this.run(() => {
      const device = this.initiator.device({ major: MAJOR, minor: MINOR });
      return device !== undefined && device.identity !== null && device.proving === 0;
    });
    this.seen.length = 0;
    return this.initiator.device({ major: MAJOR, minor: MINOR }) as Device;
  }

  /** ATA requests seen, as `[at, opcode, lba, count]`. */
  get asked(): [number, number, number, number][] {
    return this.seen
      .filter(({ aoeCommand }) => aoeCommand === aoe.COMMAND_ATA)
      .map(({ at, opcode, lba, count }) => [at, opcode, lba, count]);
  }

  begin(now: number): void {
    this.now = now;
  }

  advance(now: number): void {
    this.parcels.sort((a, b) => a.at - b.at);
    while (this.parcels.length > 0 && (this.parcels[0] as Parcel).at <= now) {
      this.put(this.parcels.shift() as Parcel);
    }
  }

  nextDeadline(): number {
    return Math.min(Infinity, ...this.parcels.map(({ at }) => at));
  }

  /** What was sent last, which a test may damage before it leaves. */
  get lastParcel(): { readonly bytes: Uint8Array } {
    return this.parcels.at(-1) as Parcel;
  }

  /** A frame of the test's own, in `delay` ns. */
  send(bytes: Uint8Array, delay = 0, port = 0): void {
    this.parcels.push({ at: this.now + delay, port, bytes });
  }

  private put({ bytes, port }: Parcel): void {
    const { link } = this.ports[port] as Port;
    const buffer = link.allocate(Math.max(60, bytes.length));
    if (buffer === null) throw new Error("invariant: the peer has memory");
    buffer.bytes.set(bytes);
    link.transmit(buffer, bytes.length);
    link.free(buffer);
  }

  private visit(frame: FrameView, port: number): void {
    if (!this.alive) return;
    const { base } = frame;
    const to = readMac(frame.view, base);
    if (this.mac !== null && to !== this.mac && to !== BROADCAST) return;
    const bytes = frame.bytes.slice(base, base + frame.length);
    const view = new DataView(bytes.buffer);
    const request: Seen = {
      at: this.now,
      port,
      bytes,
      view,
      source: ethernet.source(view, 0),
      aoeCommand: aoe.command(view, 0),
      tag: aoe.tag(view, 0),
      opcode: ata.command(view, 0),
      count: ata.count(view, 0),
      lba: ata.lba48(view, 0),
    };
    this.seen.push(request);
    if (request.aoeCommand === aoe.COMMAND_CONFIG) this.answerConfig(request);
    else if (request.aoeCommand === aoe.COMMAND_ATA && request.opcode === ata.IDENTIFY) {
      this.answer(request);
    } else this.script(request);
  }

  /** Says unasked, to all, that the device is there (P11). */
  announce(port = 0): void {
    const bytes = new Uint8Array(60);
    const view = new DataView(bytes.buffer);
    ethernet.write(view, 0, BROADCAST, this.mac ?? PEER_MAC + port);
    aoe.write(view, 0, aoe.FLAG_RESPONSE, 0, MAJOR, MINOR, aoe.COMMAND_CONFIG, 0);
    config.write(view, 0, this.bufferCount, 0x4019, this.sectorCount, config.READ, 0);
    this.send(bytes, 0, port);
  }

  answerConfig(request: Seen, twist: Twist = {}): void {
    const bytes = new Uint8Array(60);
    const view = new DataView(bytes.buffer);
    this.head(view, request, twist);
    config.write(view, 0, this.bufferCount, 0x4019, this.sectorCount, config.READ, 3);
    bytes.set([0x6c, 0x61, 0x62], config.LENGTH);
    this.send(bytes, twist.delay, twist.port ?? request.port);
  }

  /** A good answer to an ATA request, which is carried out now; or one with a twist. */
  answer(request: Seen, twist: Twist = {}): void {
    const { opcode, lba, count } = request;
    const reads = opcode === ata.READ_EXT || opcode === ata.READ;
    const writes = opcode === ata.WRITE_EXT || opcode === ata.WRITE;
    const failed = twist.status !== undefined && (twist.status & ata.STATUS_FAILED) !== 0;
    if (writes && !failed) {
      this.image.set(request.bytes.subarray(ata.LENGTH, ata.LENGTH + count * 512), lba * 512);
    }
    const data =
      failed || twist.flags !== undefined
        ? 0
        : reads
          ? count * 512
          : opcode === ata.IDENTIFY
            ? 512
            : 0;
    const natural = Math.max(60, ata.LENGTH + data);
    const bytes = new Uint8Array(Math.max(natural, twist.length ?? 0));
    const view = new DataView(bytes.buffer);
    this.head(view, request, twist);
    ata.write(
      view,
      0,
      request.view.getUint8(ata.FLAGS),
      twist.ataError ?? 0,
      twist.count ?? count,
      twist.status ?? ata.STATUS_DRDY,
      twist.lba ?? lba,
    );
    if (data > 0 && reads) {
      bytes.set(this.image.subarray(lba * 512, lba * 512 + data), ata.LENGTH);
    } else if (data > 0) {
      emitIdentify(
        {
          serial: this.serial,
          firmware: "1",
          model: this.model,
          sectors: this.sectors,
          writeCache: this.writeCache,
          smart: false,
          physicalSectorBytes: 512,
          rpm: 0,
          instance: 0,
          ...this.saysBy[request.port],
        },
        view,
        ata.LENGTH,
      );
    }
    const cut = twist.length === undefined ? bytes : bytes.slice(0, twist.length);
    this.send(cut, twist.delay, twist.port ?? request.port);
  }

  private head(view: DataView, request: Seen, twist: Twist): void {
    const source = twist.source ?? this.mac ?? PEER_MAC + (twist.port ?? request.port);
    ethernet.write(view, 0, twist.destination ?? request.source, source);
    aoe.write(
      view,
      0,
      twist.flags ?? aoe.FLAG_RESPONSE,
      twist.error ?? 0,
      twist.major ?? MAJOR,
      twist.minor ?? MINOR,
      twist.aoeCommand ?? request.aoeCommand,
      twist.tag ?? request.tag,
    );
    if (twist.version !== undefined) {
      view.setUint8(aoe.VERSION_FLAGS, (twist.version << 4) | (twist.flags ?? aoe.FLAG_RESPONSE));
    }
  }
}

/** A command with memory of its own for `sectors`. */
export function makeCommand(operation: number, lba: number, sectors: number): Command {
  const command = new Command();
  command.operation = operation;
  command.lba = lba;
  command.sectors = sectors;
  command.memory = makeMemory(sectors * 512);
  return command;
}

export function makeMemory(bytes: number): Memory {
  const array = new Uint8Array(bytes);
  return { bytes: array, view: new DataView(array.buffer), address: 0 };
}
