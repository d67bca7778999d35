// The raw link of an initiator as its options say: copied or pinned transmit buffers, where frames
// leave, the receive rings. For every command that opens an interface, and for the bench.

import { openPacketLink } from "../../link/packet.ts";
import type { Link } from "../../link/link.ts";
import type { RawLinkFacts } from "../../link/packet_receiver.ts";
import { openRingLink } from "../../link/ring.ts";
import { openWithLane } from "../../link/write_lane.ts";
import { parseXdpUse, type XdpUse } from "../../link/xdp_use.ts";
import { LEAST_MTU } from "../../wire/ata.ts";
import { environment, expected } from "../../words/failure.ts";
import { parseSize } from "../../words/quantity.ts";
import type { PacketOptions } from "../../link/packet_options.ts";

export type RawLink = Link & RawLinkFacts;

export interface RawLinkOptions {
  /** `ring`: transmit from memory that the kernel really holds. */
  readonly link: "packet" | "ring";
  /** Where frames leave, if not through the interface itself (the late lab of pool.md). */
  readonly transmitInterface?: string;
  /** Answers to writes come by a socket of their own. */
  readonly writeLane?: boolean;
  /** Memory of the receive ring, bytes; 4 MiB. */
  readonly receiveRing?: number;
  /** Memory of the lane's, bytes; 4 MiB. */
  readonly laneRing?: number;
  /** Whether small frames of a packet link leave by AF_XDP; `auto`. */
  readonly xdp?: XdpUse;
}

/** As commander gives them. */
export interface RawLinkTexts {
  readonly link?: string;
  readonly transmitInterface?: string;
  readonly writeLane?: boolean;
  readonly receiveRing?: string;
  readonly laneRing?: string;
  readonly xdp?: string;
}

/** What a ring of one block takes, and more than any machine gives. */
const LEAST_RING = 4096;
const MOST_RING = 1 << 30;

export function parseRawLink(texts: RawLinkTexts): RawLinkOptions {
  const link = texts.link ?? "packet";
  if (link !== "packet" && link !== "ring") throw expected("--link", "packet or ring", link);
  const { transmitInterface, receiveRing, laneRing } = texts;
  const writeLane = texts.writeLane ?? false;
  if (laneRing !== undefined && !writeLane) {
    throw expected("--lane-ring", "given beside --write-lane only", laneRing);
  }
  const xdp = texts.xdp === undefined ? undefined : parseXdpUse(texts.xdp, "--xdp");
  if (xdp === "on" && link === "ring") {
    throw expected("--xdp", "auto or off beside --link ring, which sends from its own memory", xdp);
  }
  return {
    link,
    ...(transmitInterface === undefined ? {} : { transmitInterface }),
    ...(writeLane ? { writeLane } : {}),
    ...(receiveRing === undefined ? {} : { receiveRing: parseRing(receiveRing, "--receive-ring") }),
    ...(laneRing === undefined ? {} : { laneRing: parseRing(laneRing, "--lane-ring") }),
    ...(xdp === undefined ? {} : { xdp }),
  };
}

/** Bytes of a receive ring. */
export function parseRing(text: string, what: string): number {
  const bytes = parseSize(text, what);
  if (bytes >= LEAST_RING && bytes <= MOST_RING) return bytes;
  throw expected(what, "between 4k and 1g", text);
}

/** Throws an environment failure: no such interface, no permission, an MTU that holds no sector. */
export function openRawLink(
  name: string,
  options: RawLinkOptions,
  onNotice: (sentence: string) => void,
): RawLink {
  const { transmitInterface, receiveRing, laneRing, xdp } = options;
  const where: PacketOptions = {
    interface: name,
    onNotice,
    ...(transmitInterface === undefined ? {} : { transmitInterface }),
    ...(receiveRing === undefined ? {} : { ringBytes: receiveRing }),
    ...(xdp === undefined ? {} : { xdp }),
  };
  const open = options.link === "ring" ? openRingLink : openPacketLink;
  const link = options.writeLane === true ? openWithLane(open, where, laneRing) : open(where);
  const { mtu } = link;
  if (mtu >= LEAST_MTU) return link;
  link.close();
  throw environment(
    `Interface ${name} has an MTU of ${mtu}, and a frame of one sector needs ${LEAST_MTU}`,
  );
}
