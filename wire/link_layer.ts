//   Ethernet   | destination | source | type |
//   802.1Q     | destination | source | 8100 | tag | type |                 priority tags: id 0
//   QinQ       | destination | source | 88a8 | tag | 8100 | tag | type |
//   SLL        | how | device | address length | address … | type |          `tcpdump -i any`, link type 113
//   SLL2       | type | 0 | interface | device | how | length | address … |  the same, link type 276
//
// What stands before the AoE header in a capture. The kernel's cooked headers (SLL, SLL2) have the sender's
// address and how the frame came or went, and no destination. A tag is 3 bits of priority, one that says the frame
// may be dropped, and 12 bits of VLAN id.

import * as ethernet from "./ethernet.ts";
import { BROADCAST, type Mac, readMac } from "./mac.ts";
import { type Malformed, malformed } from "./malformed.ts";

export const LINKTYPE_ETHERNET = 1;
const LINKTYPE_SLL = 113;
const LINKTYPE_SLL2 = 276;

const SLL_LENGTH = 16;
const SLL2_LENGTH = 20;
/** Bytes of a tag with the EtherType before it. */
export const TAG_LENGTH = 4;
/** 802.1Q, 802.1ad, and what switches used before the latter. */
export const TAG_TYPES: readonly number[] = [0x8100, 0x88a8, 0x9100];

/** How a cooked frame came or went: linux/if_packet.h. */
const TO_ALL = 1;
const OUTGOING = 4;

/** An IEEE 802.1Q tag. */
export interface Tag {
  /** The EtherType that says that a tag follows. */
  readonly protocol: number;
  readonly id: number;
  readonly priority: number;
  readonly dropEligible: boolean;
}

export interface Outer {
  /** null: a cooked capture does not keep it. */
  readonly destination: Mac | null;
  readonly source: Mac | null;
  /** EtherType, behind the tags. */
  readonly type: number;
  readonly tags: readonly Tag[];
  /** Whether the capturing host sent it; null: the capture does not tell. */
  readonly sent: boolean | null;
  /** Of a cooked frame: the index of its interface on the capturing host; null: the capture does not tell. */
  readonly interface: number | null;
  /** Bytes of all of this: where the AoE header begins. */
  readonly length: number;
}

export function isKnown(linktype: number): boolean {
  return linktype === LINKTYPE_ETHERNET || linktype === LINKTYPE_SLL || linktype === LINKTYPE_SLL2;
}

/** The headers of the frame of `length` bytes at `base`, whose link type is known. */
export function parse(
  linktype: number,
  view: DataView,
  base: number,
  length: number,
): Outer | Malformed {
  if (linktype === LINKTYPE_ETHERNET) {
    if (length < ethernet.LENGTH) return short("ethernet", ethernet.LENGTH, length);
    const addresses = {
      destination: ethernet.destination(view, base),
      source: ethernet.source(view, base),
      sent: null,
      interface: null,
    };
    return tagged(addresses, ethernet.type(view, base), ethernet.LENGTH, view, base, length);
  }
  if (linktype === LINKTYPE_SLL) {
    if (length < SLL_LENGTH) return short("sll", SLL_LENGTH, length);
    const cooked = cookedAddresses(
      view.getUint16(base),
      view.getUint16(base + 4),
      view,
      base + 6,
      null,
    );
    return tagged(cooked, view.getUint16(base + 14), SLL_LENGTH, view, base, length);
  }
  if (length < SLL2_LENGTH) return short("sll2", SLL2_LENGTH, length);
  const cooked = cookedAddresses(
    view.getUint8(base + 10),
    view.getUint8(base + 11),
    view,
    base + 12,
    view.getUint32(base + 4),
  );
  return tagged(cooked, view.getUint16(base), SLL2_LENGTH, view, base, length);
}

type Addresses = Pick<Outer, "destination" | "interface" | "sent" | "source">;

function cookedAddresses(
  how: number,
  addressLength: number,
  view: DataView,
  address: number,
  index: number | null,
): Addresses {
  return {
    destination: how === TO_ALL ? BROADCAST : null,
    source: addressLength === 6 ? readMac(view, address) : null,
    sent: how === OUTGOING,
    interface: index,
  };
}

/** Takes the tags off, as many as there are. */
function tagged(
  addresses: Addresses,
  first: number,
  from: number,
  view: DataView,
  base: number,
  length: number,
): Outer | Malformed {
  const tags: Tag[] = [];
  let type = first;
  let at = from;
  for (; TAG_TYPES.includes(type); at += TAG_LENGTH) {
    if (length < at + TAG_LENGTH) return short("vlan", at + TAG_LENGTH, length);
    const tag = view.getUint16(base + at);
    const dropEligible = (tag & 0x1000) !== 0;
    tags.push({ protocol: type, id: tag & 0xfff, priority: tag >> 13, dropEligible });
    type = view.getUint16(base + at + 2);
  }
  return { ...addresses, type, tags, length: at };
}

function short(layer: string, needed: number, length: number): Malformed {
  return malformed(layer, "header", length, `at least ${needed} bytes`, `${length}`);
}
