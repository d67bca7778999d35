// The raw link of an initiator as its options say: copied or pinned transmit buffers, where frames
// leave, the receive rings. For every command that opens an interface, and for the bench.

import { openPacketLink } from "../../link/packet.ts";
import type { Link } from "../../link/link.ts";
import type { RawLinkFacts } from "../../link/packet_receiver.ts";
import { openRingLink } from "../../link/ring.ts";
import { openXdpLink } from "../../link/xdp.ts";
import { openWithLane } from "../../link/write_lane.ts";
import { XDP_USES } from "../../link/xdp_use.ts";
import { LEAST_MTU } from "../../wire/ata.ts";
import { environment, expected } from "../../words/failure.ts";
import {
  choice,
  flag,
  type OptionTable,
  type OptionType,
  type OptionValues,
  word,
} from "../../words/option.ts";
import { formatSize, parseSize } from "../../words/quantity.ts";
import type { PacketOptions } from "../../link/packet_options.ts";

export type RawLink = Link & RawLinkFacts;

/** What a ring of one block takes, and more than any machine gives. */
const LEAST_RING = 4096;
const MOST_RING = 1 << 30;

/** Bytes of a receive ring. */
const ring: OptionType<number> = {
  hint: "size",
  parse(text, what) {
    const bytes = parseSize(text, what);
    if (bytes >= LEAST_RING && bytes <= MOST_RING) return bytes;
    throw expected(what, "between 4k and 1g", text);
  },
};

/** What both ends of a socket have, and a job may vary. */
export const SOCKET_OPTIONS = {
  write_lane: {
    type: flag,
    default: "off",
    help: "receive answers to writes on a separate socket, so that read answers can't displace them",
  },
  receive_ring: {
    type: ring,
    default: "",
    usual: "4m",
    help: "memory of the receive ring",
  },
  lane_ring: {
    type: ring,
    default: "",
    usual: "4m",
    help: "memory of the write lane's receive ring",
  },
  xdp: {
    type: choice(XDP_USES, "when"),
    default: "auto",
    help: "send small frames by AF_XDP; auto: only where no queue discipline or capture is bypassed",
  },
} as const satisfies OptionTable;

/** Links whose transmit buffers the kernel itself holds. */
export const PINNING_LINKS = ["ring", "xdp"] as const;

export function pinsInKernel(link: string): boolean {
  return PINNING_LINKS.some((one) => one === link);
}

export const RAW_LINK_OPTIONS = {
  link: {
    type: choice(["packet", ...PINNING_LINKS], "kind"),
    default: "packet",
    help: "ring, xdp: transmit from memory that the kernel holds until the driver releases it",
  },
  transmit_interface: {
    type: word,
    unit: "if",
    help: "interface to transmit on, if not --interface (`aoe lab --late`)",
  },
  zero_copy: {
    type: flag,
    default: "off",
    help: "let the device read the memory of --link xdp itself, where its driver can",
  },
  ...SOCKET_OPTIONS,
} as const satisfies OptionTable;

const OPENERS = { packet: openPacketLink, ring: openRingLink, xdp: openXdpLink };

type Values = OptionValues<typeof RAW_LINK_OPTIONS>;

export type RawLinkOptions = Pick<Values, "link"> & Partial<Values>;

/** Throws the usage Failure for what can't be had together. */
export function checkRawLink({ link, writeLane, laneRing, xdp, zeroCopy }: RawLinkOptions): void {
  if (laneRing !== undefined && writeLane !== true) {
    throw expected("--lane-ring", "given only with --write-lane", formatSize(laneRing));
  }
  if (zeroCopy === true && link !== "xdp")
    throw expected("--zero-copy", "given only with --link xdp", link);
  if (xdp === "on" && link !== "packet") {
    throw expected(
      "--xdp",
      `auto or off with --link ${link}, which sends from its own memory`,
      xdp,
    );
  }
}

/** Throws an environment failure: no such interface, no permission, an MTU that holds no sector. */
export function openRawLink(
  name: string,
  options: RawLinkOptions,
  onNotice: (sentence: string) => void,
): RawLink {
  const { transmitInterface, receiveRing: ringBytes, laneRing, xdp, zeroCopy } = options;
  const where: PacketOptions = {
    interface: name,
    onNotice,
    transmitInterface,
    ringBytes,
    xdp,
    zeroCopy,
  };
  const open = OPENERS[options.link];
  const link = options.writeLane === true ? openWithLane(open, where, laneRing) : open(where);
  const { mtu } = link;
  if (mtu >= LEAST_MTU) return link;
  link.close();
  throw environment(
    `Interface ${name} has an MTU of ${mtu}, and a frame of one sector needs ${LEAST_MTU}`,
  );
}
