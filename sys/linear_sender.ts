// A raw socket for frames of more than a page, of which the kernel makes one piece.
//
//   send(2) on a packet socket     copies what exceeds a page into pages fresh from the page allocator
//   with PACKET_VNET_HDR           the frame follows a struct virtio_net_hdr, whose hdr_len says how much of it is to
//                                  stand in one piece: all of it, from the slab allocator, whose memory is warm
//
// Measured over a veth, ns a frame: 4132 bytes 3364 by send and 2860 so, 8228 bytes 4722 and 3974; smaller ones gain
// nothing and cost 1 to 3 % more. Source: net/packet/af_packet.c, packet_snd and packet_alloc_skb.
//
// It hears nothing: with that option a receive ring would carry such headers, too.

import { errno } from "./errno.ts";
import { libc } from "./libc.ts";
import { mapMemory } from "./memory.ts";
import { createMessage } from "./message.ts";
import { openPacketSocket, type PacketSocket, SOL_PACKET } from "./packet_socket.ts";

const c = libc({ sendmsg: { args: ["i32", "ptr", "i32"], returns: "i32" } });

const PACKET_VNET_HDR = 15;
const MSG_DONTWAIT = 0x40;

/** Shorter frames stand in one piece anyway: a page, less what the kernel keeps in front of them. */
export const LEAST_LINEAR = 4032;
/** Longer ones would need more pages in a row than a busy kernel has at hand. */
export const MOST_LINEAR = 16_000;

export interface LinearSender {
  readonly fd: number;
  /** Transmits `length` bytes at `address`; 0 or the errno. The kernel copies. */
  send(address: number, length: number): number;
  /** Transmits one frame from two places; 0 or the errno, EFAULT where the second can't be read. */
  sendBoth(first: number, length: number, second: number, secondLength: number): number;
  /** From now on frames leave by interface `index`. */
  move(index: number): void;
  close(): void;
}

/** struct virtio_net_hdr, ten bytes, all zero but hdr_len @2, in the machine's own order. */
const HEADER_BYTES = 10;
const header = mapMemory(HEADER_BYTES);
const halves = new Uint16Array(header.bytes.buffer, 0, HEADER_BYTES / 2);
const HEADER_LENGTH = 1;
/** The header, and a frame in one part or two; one per thread. */
const message = createMessage(3);
message.put(0, header.address, HEADER_BYTES);

/**
 * For frames that leave by interface `index`; null where there can be none (no descriptor, no such option before
 * Linux 2.6.27): every frame can go by an ordinary socket.
 */
export function openLinearSender(index: number, sendBufferBytes: number): LinearSender | null {
  const socket = open(index, sendBufferBytes);
  if (socket === null) return null;
  const { fd } = socket;

  function go(parts: number, length: number): number {
    message.size(parts);
    halves[HEADER_LENGTH] = length;
    return c.sendmsg(fd, message.address, MSG_DONTWAIT) < 0 ? errno() : 0;
  }

  return {
    fd,
    send(address, length) {
      message.put(1, address, length);
      return go(2, length);
    },
    sendBoth(first, length, second, secondLength) {
      message.put(1, first, length);
      message.put(2, second, secondLength);
      return go(3, length + secondLength);
    },
    move: (to) => socket.bind(to, 0),
    close: socket.close,
  };
}

function open(index: number, sendBufferBytes: number): PacketSocket | null {
  let socket: PacketSocket | null = null;
  try {
    socket = openPacketSocket();
    socket.setOption(SOL_PACKET, PACKET_VNET_HDR, new Uint8Array(new Int32Array([1]).buffer));
    socket.growSendBuffer(sendBufferBytes);
    socket.bind(index, 0);
    return socket;
  } catch {
    socket?.close();
    return null;
  }
}
