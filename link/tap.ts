// Every frame of an interface, both ways, as a capture sees it: a packet socket for all protocols, promiscuous.
//
//   slot      +16 seconds · +20 nanoseconds · +24 tag · +26 the tag's EtherType        (TPACKET_V2)
//
// The kernel takes the first VLAN tag out of a frame and tells it beside; here it is put back, into a copy.

import { findInterface } from "../sys/interface.ts";
import {
  addReceiveRing,
  CAPTURED,
  KERNEL,
  LENGTH,
  MAC,
  PACKET_TYPE,
  slotFor,
  STATUS,
  USER,
} from "../sys/packet_ring.ts";
import { takeAnyOf } from "../sys/bpf.ts";
import { openPacketSocket } from "../sys/packet_socket.ts";
import { environment } from "../words/failure.ts";
import type { Packet } from "../wire/capture.ts";
import * as ethernet from "../wire/ethernet.ts";
import { LINKTYPE_ETHERNET, TAG_LENGTH, TAG_TYPES } from "../wire/link_layer.ts";
import { OUTGOING } from "./link.ts";

const SECONDS = 16;
const NANOSECONDS = 20;
const TAG = 24;
const TAG_TYPE = 26;
const TAG_VALID = 1 << 4;
const TAG_TYPE_VALID = 1 << 6;
/** Of a tag whose type the kernel does not tell. */
const TAG_TYPE_8021Q = 0x8100;

const ETH_P_ALL = 3;
const RING_BYTES = 16 << 20;
/** Slots take frames of this MTU at least. */
const LARGEST_MTU = 9100;

export interface Tap {
  readonly fds: readonly number[];
  /** Visits each frame that has come; its memory is the kernel's again after the visit. */
  take(visit: (packet: Packet) => void): void;
  /** Frames lost because there was no room, or longer than a slot, so far. */
  lost(): number;
  close(): void;
}

/** `everything`: frames of other EtherTypes too. Throws environment failures. */
export function openTap(name: string, everything: boolean): Tap {
  const found = findInterface(name);
  if (!found.ethernet) throw environment(`Interface \`${name}\` carries no Ethernet frames`);
  const socket = openPacketSocket();
  try {
    const bytes = Math.max(found.mtu, LARGEST_MTU) + ethernet.LENGTH + TAG_LENGTH;
    const ring = addReceiveRing(socket, RING_BYTES, slotFor(bytes));
    if (!everything) {
      socket.attachFilter(takeAnyOf(ethernet.TYPE, [ethernet.ETHERTYPE_AOE, ...TAG_TYPES]));
    }
    socket.hearAll(found.index);
    socket.bind(found.index, ETH_P_ALL, true);
    const { words, offsets, memory } = ring;
    const whole = new DataView(new ArrayBuffer(ring.slotBytes + TAG_LENGTH));
    let cursor = 0;
    let lost = 0;

    function packetAt(slot: number, status: number): Packet | null {
      const { view } = memory;
      const length = view.getUint32(slot + LENGTH, true);
      if (view.getUint32(slot + CAPTURED, true) < length) return null;
      const start = slot + view.getUint16(slot + MAC, true);
      const packet = {
        seconds: view.getUint32(slot + SECONDS, true),
        nanoseconds: view.getUint32(slot + NANOSECONDS, true),
        linktype: LINKTYPE_ETHERNET,
        interface: 0,
        sent: view.getUint8(slot + PACKET_TYPE) === OUTGOING,
      };
      if ((status & TAG_VALID) === 0) {
        return { ...packet, view, offset: start, captured: length, length };
      }
      const typed = (status & TAG_TYPE_VALID) !== 0;
      const type = typed ? view.getUint16(slot + TAG_TYPE, true) : TAG_TYPE_8021Q;
      const frame = new Uint8Array(view.buffer, view.byteOffset + start, length);
      const to = new Uint8Array(whole.buffer);
      to.set(frame.subarray(0, ethernet.TYPE));
      whole.setUint16(ethernet.TYPE, type);
      whole.setUint16(ethernet.LENGTH, view.getUint16(slot + TAG, true));
      to.set(frame.subarray(ethernet.TYPE), ethernet.TYPE + TAG_LENGTH);
      const tagged = length + TAG_LENGTH;
      return { ...packet, view: whole, offset: 0, captured: tagged, length: tagged };
    }

    return {
      fds: [socket.fd],
      take(visit) {
        // A round of the ring at most, so that the caller gets to print.
        for (let taken = 0; taken < offsets.length; taken++) {
          const slot = offsets[cursor] ?? 0;
          const status = Atomics.load(words, (slot + STATUS) >> 2);
          if ((status & USER) === 0) return;
          const packet = packetAt(slot, status);
          if (packet === null) lost++;
          else visit(packet);
          Atomics.store(words, (slot + STATUS) >> 2, KERNEL);
          cursor = (cursor + 1) % offsets.length;
        }
      },
      lost() {
        // A link that went down leaves an error that would end each wait at once.
        socket.takeError();
        lost += socket.takeDrops();
        return lost;
      },
      close() {
        memory.unmap();
        socket.close();
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}
