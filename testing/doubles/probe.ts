// A peer for tests: sends any bytes to a target core over memory links, under a virtual clock, and
// collects what comes back. Nothing in it knows the rules.

import { createMemorySwitch, type MemorySwitch } from "../../link/memory.ts";
import type { FrameView, Link } from "../../link/link.ts";
import { iterate } from "../../link/loop.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "../../link/virtual_clock.ts";
import { createRandom } from "../../words/random.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { type Body, type Frame, length, parse, toBytes } from "../../wire/frame.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import type * as mask from "../../wire/mask.ts";
import type * as reserve from "../../wire/reserve.ts";
import { createPortCounters } from "../../target/protocol/counters.ts";
import { Export, type ExportOptions } from "../../target/protocol/export.ts";
import { parseServiceModel, type ServiceModel } from "../../target/service/model.ts";
import { createMemoryStore, type MemoryStore } from "../../target/stores/memory.ts";
import { Target, type TargetOptions } from "../../target/protocol/target.ts";

/** The initiator's address unless a frame says otherwise, a second one, and those of the target's interfaces. */
export const PEER: Mac = 0x0200_0000_000b;
export const OTHER: Mac = 0x0200_0000_000c;
export const OURS: Mac = 0x0200_0000_000a;
export const OURS_TOO: Mac = 0x0200_0000_001a;

export const MAJOR = 7;
export const MINOR = 3;
export const SECTORS = 1000;

export interface ProbeOptions {
  /** Of the target's export e7.3; the store is SECTORS sectors of memory unless given. */
  readonly exported?: Partial<ExportOptions>;
  /** Beside e7.3. */
  readonly more?: readonly ExportOptions[];
  readonly target?: TargetOptions;
  readonly mtu?: number;
  /** Of the probe's own interface, the same unless given: more, and frames arrive that are longer than the target's MTU. */
  readonly peerMtu?: number;
  /** A service model as the command line writes it, of e7.3. */
  readonly service?: string;
  readonly seed?: number;
}

export interface Probe {
  readonly target: Target;
  /** e7.3. */
  readonly owner: Export;
  readonly store: MemoryStore;
  readonly clock: VirtualClock;
  /** Ports 0 and 1 are the target's, 2 is the probe's. */
  readonly network: MemorySwitch;
  /** What came since the last call of `take`, `ask`; a frame that does not parse fails the test. */
  take(): Frame[];
  /** Puts a frame on the wire; it is received in the target's next iteration. */
  send(frame: Frame | Uint8Array): void;
  /** Sends, lets the target iterate at this instant, and takes what came. */
  ask(frame: Frame | Uint8Array): Frame[];
  /** The one answer; throws where there is none or more than one. */
  answer(frame: Frame | Uint8Array): Frame;
  /** Lets time pass, and takes what came. */
  run(ns: number): Frame[];
  /** One iteration of the target, now. */
  iterate(): void;
}

export function createProbe(options: ProbeOptions = {}): Probe {
  const clock = createVirtualClock();
  const network = createMemorySwitch({
    clock,
    mtu: options.mtu ?? 1500,
    macs: [OURS, OURS_TOO, PEER],
    queueFrames: 4096,
  });
  const [first, second, own] = network.links as [Link, Link, Link];
  if (options.peerMtu !== undefined) network.setMtu(options.peerMtu, 2);
  const store = createMemoryStore(SECTORS);
  const target = new Target(options.target);
  const owner = new Export({
    major: MAJOR,
    minor: MINOR,
    store,
    ...(options.service === undefined ? {} : { model: model(options.service, options.seed) }),
    ...options.exported,
  });
  target.addExport(owner);
  for (const more of options.more ?? []) target.addExport(new Export(more));
  target.addPort(first, "first");
  target.addPort(second, "second");

  const buffer = own.allocate(Math.max(own.mtu, 65_536) + ethernet.LENGTH);
  if (buffer === null) throw new Error("invariant: a memory link has room for a probe");
  let came: Frame[] = [];
  const visit = ({ view, base, length: bytes }: FrameView): void => {
    const frame = parse(view, base, bytes);
    if (isMalformed(frame)) {
      throw new Error(`the target sent a malformed frame: ${JSON.stringify(frame)}`);
    }
    came.push(frame);
  };
  const probe: Probe = {
    target,
    owner,
    store,
    clock,
    network,
    take() {
      while (own.receive(visit, 1024) > 0);
      const frames = came;
      came = [];
      return frames;
    },
    send(frame) {
      const bytes = frame instanceof Uint8Array ? frame : toBytes(frame);
      buffer.bytes.set(bytes);
      own.transmit(buffer, bytes.length);
    },
    ask(frame) {
      probe.send(frame);
      return probe.run(0);
    },
    answer(frame) {
      const frames = probe.ask(frame);
      if (frames.length !== 1) throw new Error(`${frames.length} answers where one was due`);
      return frames[0] as Frame;
    },
    run(ns) {
      runVirtual([target], clock, () => false, clock.now() + ns);
      return probe.take();
    },
    iterate() {
      iterate(target, clock.now());
    },
  };
  // The announcements, which each interface also hears from the other, are not the tests' concern.
  probe.run(0);
  for (const port of target.ports) Object.assign(port.counters, createPortCounters());
  return probe;
}

export function model(text: string, seed = 1): ServiceModel {
  return parseServiceModel(text, {
    what: "--service",
    random: createRandom(seed),
    sectors: SECTORS,
  });
}

export interface Envelope {
  readonly to?: Mac;
  readonly from?: Mac;
  readonly version?: number;
  readonly flags?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly command?: number;
  readonly tag?: number;
  readonly error?: number;
}

/** A frame of ours to e7.3, padded to 60 bytes as the network would. */
export function frame(
  command: number,
  body: Body,
  envelope: Envelope = {},
  data: Uint8Array = new Uint8Array(0),
): Frame {
  const header = {
    to: OURS,
    from: PEER,
    major: MAJOR,
    minor: MINOR,
    tag: 0x1234_5678,
    ...envelope,
  };
  const bare: Frame = {
    ethernet: {
      destination: header.to,
      source: header.from,
      type: ethernet.ETHERTYPE_AOE,
    },
    aoe: {
      version: header.version ?? aoe.VERSION,
      flags: header.flags ?? 0,
      error: header.error ?? 0,
      major: header.major,
      minor: header.minor,
      command: header.command ?? command,
      tag: header.tag,
    },
    body,
    rest: data,
  };
  const missing = ethernet.SHORTEST - length(bare);
  if (missing <= 0) return bare;
  const rest = new Uint8Array(data.length + missing);
  rest.set(data);
  return { ...bare, rest };
}

export function ataFrame(fields: Partial<ata.Ata>, envelope?: Envelope, data?: Uint8Array): Frame {
  const body: ata.Ata = {
    kind: "ata",
    flags: ata.FLAG_EXTENDED,
    feature: 0,
    count: 0,
    command: ata.READ_EXT,
    lba: 0,
    reserved: 0,
    ...fields,
  };
  return frame(aoe.COMMAND_ATA, body, envelope, data);
}

export function readFrame(lba: number, count: number, envelope?: Envelope): Frame {
  return ataFrame({ lba, count }, envelope);
}

export function writeFrame(lba: number, data: Uint8Array, envelope?: Envelope): Frame {
  return ataFrame(
    {
      command: ata.WRITE_EXT,
      flags: ata.FLAG_EXTENDED | ata.FLAG_WRITE,
      lba,
      count: data.length / ata.SECTOR,
    },
    envelope,
    data,
  );
}

export function configFrame(
  command: number,
  text: string | Uint8Array = "",
  envelope?: Envelope,
): Frame {
  const string = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return frame(
    aoe.COMMAND_CONFIG,
    {
      kind: "config",
      bufferCount: 0,
      firmware: 0,
      sectorCount: 0,
      version: 1,
      command,
      stringLength: string.length,
      string,
    },
    envelope,
  );
}

/** Directives as [DCmd, MAC]. */
export function maskFrame(
  command: number,
  directives: readonly (readonly [number, Mac])[] = [],
  envelope?: Envelope,
): Frame {
  return frame(
    aoe.COMMAND_MASK,
    {
      kind: "mask",
      reserved: 0,
      command,
      error: 0,
      count: directives.length,
      directives: directives.map(([directive, mac]) => ({ reserved: 0, command: directive, mac })),
    },
    envelope,
  );
}

export function reserveFrame(
  command: number,
  macs: readonly Mac[] = [],
  envelope?: Envelope,
): Frame {
  return frame(aoe.COMMAND_RESERVE, { kind: "reserve", command, macs }, envelope);
}

/** Discovery as initiators do it. */
export function discovery(envelope: Envelope = {}): Frame {
  return configFrame(config.READ, "", {
    to: BROADCAST,
    major: aoe.ANY_MAJOR,
    minor: aoe.ANY_MINOR,
    tag: 0,
    ...envelope,
  });
}

/** `count` sectors of a pattern that tells sectors and bytes apart. */
export function pattern(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = createRandom(seed);
  const data = new Uint8Array(count * ata.SECTOR);
  for (let at = 0; at < data.length; at++) data[at] = random.next() & 0xff;
  return data;
}

export function ataOf({ body }: Frame): ata.Ata {
  if (body.kind !== "ata") throw new Error(`${body.kind} where an ATA answer was due`);
  return body;
}
export function configOf({ body }: Frame): config.Config {
  if (body.kind !== "config") throw new Error(`${body.kind} where a config answer was due`);
  return body;
}
export function maskOf({ body }: Frame): mask.Mask {
  if (body.kind !== "mask") throw new Error(`${body.kind} where a mask answer was due`);
  return body;
}
export function reserveOf({ body }: Frame): reserve.Reserve {
  if (body.kind !== "reserve") throw new Error(`${body.kind} where a reserve answer was due`);
  return body;
}
export function textOf(answer: Frame): string {
  return new TextDecoder().decode(configOf(answer).string);
}
