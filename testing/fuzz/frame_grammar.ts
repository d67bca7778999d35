// Frames for a target, as text: built by the grammar of the protocol with a bias to its edges, then
// mutated now and then. One frame a line, in hex, in the order in which they are sent.
//
//   send HEX       one frame from the peer's link
//   wait NS        time passes
//   port 1 up|down, mtu N, busy on|off      what happens to the cable

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { toBytes } from "../../wire/frame.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import {
  ataFrame,
  configFrame,
  type Envelope,
  frame,
  MAJOR,
  maskFrame,
  MINOR,
  OTHER,
  OURS,
  OURS_TOO,
  PEER,
  pattern,
  reserveFrame,
  SECTORS,
} from "../doubles/probe.ts";
import type { Random } from "../../words/random.ts";
import { mutateBytes } from "./mutate.ts";
import { pick } from "./surface.ts";

/** Header of a mask frame with Ethernet's; the directive that adds. */
const MASK_LENGTH = 28;
const ADD = 1;
const FIRST_OF_MANY = 0x0200_0001_0000;
/** The longest frame, and the most sectors that it carries. */
export const MOST_BYTES = 65_536 + ethernet.LENGTH;
const MOST_DATA = Math.floor((MOST_BYTES - ata.LENGTH) / ata.SECTOR);

const OPCODES: readonly [number, ...number[]] = [
  ata.READ,
  ata.READ_EXT,
  ata.READ_EXT,
  ata.WRITE,
  ata.WRITE_EXT,
  ata.WRITE_EXT,
  ata.IDENTIFY,
  ata.FLUSH,
  ata.FLUSH_EXT,
  ata.CHECK_POWER,
  ata.SMART,
];

/** Hosts that talk to the target; few, so that lists let some of them through. */
function host(random: Random): Mac {
  return pick(random, [PEER, PEER, PEER, OTHER, 0x0200_0000_0101, 0x0200_0000_0102]);
}

function envelope(random: Random): Envelope {
  const rare = random.below(24);
  return {
    to: pick(random, [OURS, OURS, OURS, OURS, BROADCAST, OURS_TOO, 0x0200_0000_0fff]),
    from: rare === 0 ? pick(random, [0, BROADCAST, 0x0100_5e00_0001]) : host(random),
    // Few tags: a frame that is like an earlier one is a copy of it (P28).
    tag: pick(random, [random.below(4), random.next()]),
    flags: rare === 1 ? random.below(16) : 0,
    version: rare === 2 ? random.below(16) : 1,
    error: rare === 3 ? random.below(8) : 0,
    major: rare === 4 ? pick(random, [aoe.ANY_MAJOR, MAJOR + 1, random.below(65_536)]) : MAJOR,
    minor: rare === 5 ? pick(random, [aoe.ANY_MINOR, MINOR + 1, random.below(256)]) : MINOR,
  };
}

function lba(random: Random): number {
  return pick(random, [
    random.below(SECTORS),
    random.below(16),
    SECTORS - 1 - random.below(3),
    SECTORS,
    random.below(SECTORS) + ata.LBA_MODE,
    random.below(SECTORS) + 2 ** 32,
    2 ** 48 - 1,
    random.next() * 2 ** 16,
  ]);
}

/** Any byte, but mostly one of the few that mean something. */
function command(random: Random, known: number): number {
  return random.below(8) === 0 ? random.below(256) : random.below(known);
}

function oneFrame(random: Random): Uint8Array<ArrayBuffer> {
  const around = envelope(random);
  const built = toBytes(body(random, around)) as Uint8Array<ArrayBuffer>;
  if (random.below(3) > 0) return built;
  const bytes = mutateBytes(built, random, 4);
  // What a link carries at all has an Ethernet header.
  if (bytes.length < ethernet.LENGTH || bytes.length > MOST_BYTES) return built;
  if (random.below(12) > 0) return bytes;
  const longer = new Uint8Array(
    pick(random, [MOST_BYTES, bytes.length + random.below(MOST_BYTES - bytes.length + 1)]),
  ).fill(random.below(256));
  longer.set(bytes);
  return longer;
}

function body(random: Random, around: Envelope): ReturnType<typeof frame> {
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const opcode = random.below(12) === 0 ? random.below(256) : pick(random, OPCODES);
      const count = pick(random, [0, 1, 1, 2, 2, 3, 17, 18, 255, random.below(256)]);
      const flags = pick(random, [0, 0x40, 0x41, 0x01, random.below(256)]);
      const feature = pick(random, [0, 0xda, 0xd8, random.below(256)]);
      const at = opcode === ata.SMART ? 0xc2_4f00 : lba(random);
      const most = pick(random, [17, 17, 17, MOST_DATA]);
      const data = ata.isWrite(opcode) ? pattern(Math.min(count, most), random.next()) : undefined;
      return ataFrame({ command: opcode, flags, feature, count, lba: at }, around, data);
    }
    case 4:
    case 5: {
      const text = pick(random, ["", "a", "ab", "abc", "x".repeat(random.below(1100))]);
      return configFrame(command(random, 5) & 0xf, text, around);
    }
    case 6:
    case 7: {
      const directives = Array.from(
        { length: pick(random, [0, 1, 1, 2, 3, random.below(256)]) },
        () => [random.below(random.below(8) === 0 ? 256 : 3), host(random)] as const,
      );
      return maskFrame(command(random, 2), directives, around);
    }
    case 8: {
      const macs = Array.from({ length: pick(random, [0, 0, 1, 2, random.below(256)]) }, () =>
        host(random),
      );
      return reserveFrame(command(random, 3), macs, around);
    }
    default:
      return frame(
        random.below(256),
        { kind: "vendor" },
        around,
        new Uint8Array(random.below(100)).fill(random.below(256)),
      );
  }
}

type Built = ReturnType<typeof frame>;

/** A mask list filled to its last place or to one before or beyond it, and one more host after that (P17). */
function fillMasks(random: Random, around: number): Built[] {
  const most = Math.min(255, Math.floor((around + ethernet.LENGTH - MASK_LENGTH) / 8));
  const from = (tag: number): Envelope => ({ to: OURS, from: PEER, tag });
  const add = (mac: Mac) => [ADD, mac] as const;
  // The sender is on it, or his next frame would meet silence.
  const first = most - 1 + random.below(2);
  const macs = Array.from({ length: first }, (_, at) => (at === 0 ? PEER : FIRST_OF_MANY + at));
  const more = [OTHER, 0x0200_0000_0101].slice(0, 1 + random.below(2));
  return [
    maskFrame(1, macs.map(add), from(random.next())),
    maskFrame(1, more.map(add), from(random.next())),
  ];
}

/** A mask edit of which all directives but the last are good: what its answer repeats may be longer than a frame (P17). */
function longEdit(random: Random): Built[] {
  const good = Array.from({ length: random.below(255) }, () => [0, 0] as const);
  return [maskFrame(1, [...good, [9, PEER]], { to: OURS, from: PEER, tag: random.next() })];
}

/** A write, another over it, and the first one's copy when P28's window is about over. */
function copyAtTheEdge(random: Random): (Built | number)[] {
  const at = random.below(SECTORS - 1);
  const write = () =>
    ataFrame(
      { command: ata.WRITE_EXT, flags: 0x41, feature: 0, count: 1, lba: at },
      { to: OURS, from: PEER, tag: random.next() },
      pattern(1, random.next()),
    );
  const first = write();
  return [first, write(), pick(random, [1_999_999_999, 2e9, 2e9, 2_000_000_001]), first];
}

const MTUS: readonly [number, ...number[]] = [1500, 1500, 9000, 600];
/** What a TAP may have. */
const MOST_MTU = 65_521;

/** An interface's: the usual ones, the bounds, or any between. */
export function mtu(random: Random): number {
  return pick(random, [
    pick(random, MTUS),
    pick(random, MTUS),
    pick(random, MTUS),
    pick(random, [
      ata.LEAST_MTU,
      MOST_MTU,
      65_536,
      ata.LEAST_MTU + random.below(MOST_MTU - ata.LEAST_MTU),
    ]),
  ]);
}

/** A session of up to `most` frames. `cable`: things happen to the network too. */
export function makeSession(random: Random, most: number, cable: boolean): string {
  const around = mtu(random);
  const lines: string[] = [`mtu ${around}`];
  const sent: string[] = [];
  for (let left = 1 + random.below(most); left > 0; left--) {
    const kind = random.below(40);
    if (kind === 0) {
      lines.push(`wait ${pick(random, [1e3, 1e6, 1_999_999_999, 2e9, 2_000_000_001, 5e9])}`);
    } else if (kind === 1 && cable) {
      lines.push(pick(random, ["busy on", "busy off", "port down", "port up"]));
    } else if (kind < 6 && sent.length > 0) {
      // A late copy.
      lines.push(`send ${sent[random.below(sent.length)]}`);
    } else if (kind === 6 && !cable) {
      const kind = random.below(4);
      const steps =
        kind === 0
          ? fillMasks(random, around)
          : kind === 1
            ? longEdit(random)
            : copyAtTheEdge(random);
      for (const step of steps) {
        if (typeof step === "number") lines.push(`wait ${step}`);
        else lines.push(`send ${Buffer.from(toBytes(step)).toString("hex")}`);
      }
    } else {
      const hex = Buffer.from(oneFrame(random)).toString("hex");
      sent.push(hex);
      lines.push(`send ${hex}`);
    }
  }
  return lines.join("\n");
}
