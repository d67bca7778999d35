// An AF_XDP socket that only transmits, in copy mode, which every device has, or by zero copy,
// which some drivers have: memory that it shares with the kernel in chunks, and its two rings. For
// frames that are copied in (xdp_socket.ts) and for buffers that are chunks (link/xdp.ts).
//
//   TX ring          descriptors: address u64 · length u32 · options u32; we move the producer, and
//                    `kick` has the kernel take them
//   completion ring  addresses of frames that the device released
//
// One socket may have an interface's queue. Needs CAP_NET_RAW and no BPF program, since it hears
// nothing. Source: net/xdp/xsk.c, net/xdp/xsk_queue.h.

import { errno } from "./errno.ts";
import { libc } from "./libc.ts";
import { type Mapping, mapShared } from "./memory.ts";
import { growSocketBuffer, SEND_BUFFER } from "./socket_buffer.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_XDP = 44;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const SOL_XDP = 283;
const XDP_MMAP_OFFSETS = 1;
const XDP_TX_RING = 3;
const XDP_UMEM_REG = 4;
const XDP_UMEM_FILL_RING = 5;
const XDP_UMEM_COMPLETION_RING = 6;
const XDP_COPY = 1 << 1;
const XDP_ZEROCOPY = 1 << 2;
const XDP_USE_NEED_WAKEUP = 1 << 3;
const PGOFF_TX_RING = 0x8000_0000;
const PGOFF_COMPLETION_RING = 0x1_8000_0000;
/** The kernel wants one; nothing is ever received. */
const FILL = 8;
/** struct xdp_desc. */
const DESCRIPTOR = 16;

export interface XdpShape {
  readonly chunkBytes: number;
  /** Entries of the TX ring and of the completion ring: powers of two. */
  readonly slots: number;
  readonly completions: number;
  /** Send from the chunks themselves; no such driver: no rings. */
  readonly zeroCopy?: boolean;
}

/** Of the TX ring's flags: frames are taken within a kick only. In copy mode it always stands. */
export const NEED_WAKEUP = 1;

/** Both rings as 32-bit words, and at which word what stands. */
export interface XdpRings {
  readonly words: Int32Array;
  readonly producer: number;
  readonly consumer: number;
  readonly flags: number;
  /** Of descriptor 0; each has four words: address low, address high, length, options. */
  readonly descriptors: number;
  readonly done: Int32Array;
  readonly doneProducer: number;
  readonly doneConsumer: number;
  /** Of address 0; each has two words. */
  readonly doneAddresses: number;
  /** Has the kernel take what the TX ring holds; 0 or the errno. */
  kick(): number;
  /** The memory stays the caller's. */
  close(): void;
}

/** Over `memory`, out of interface `index`; null: no such socket, no memory, queue taken. */
export function openXdpRings(
  memory: Mapping,
  { chunkBytes, slots, completions, zeroCopy = false }: XdpShape,
  index: number,
  sendBufferBytes: number,
): XdpRings | null {
  const fd = c.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) return null;
  const maps: Mapping[] = [];
  const close = () => {
    c.close(fd);
    for (const map of maps) map.unmap();
  };
  const set = (option: number, value: ArrayBufferLike) =>
    c.setsockopt(fd, SOL_XDP, option, new Uint8Array(value), value.byteLength) === 0;

  function open(): XdpRings | null {
    // Frames that a device holds count against it.
    growSocketBuffer(fd, SEND_BUFFER, sendBufferBytes);
    // struct xdp_umem_reg: address u64 @0, length u64 @8, chunk u32 @16, headroom u32, flags u32.
    const umem = new DataView(new ArrayBuffer(32));
    umem.setBigUint64(0, BigInt(memory.address), true);
    umem.setUint32(8, memory.bytes.length, true);
    umem.setUint32(16, chunkBytes, true);
    const made =
      set(XDP_UMEM_REG, umem.buffer) &&
      set(XDP_UMEM_FILL_RING, new Uint32Array([FILL]).buffer) &&
      set(XDP_UMEM_COMPLETION_RING, new Uint32Array([completions]).buffer) &&
      set(XDP_TX_RING, new Uint32Array([slots]).buffer);
    if (!made) return null;
    // struct xdp_mmap_offsets, since Linux 5.4: of rx, tx, fill and completion: producer,
    // consumer, descriptors, flags.
    const offsets = new Uint32Array(32);
    const size = new Uint32Array([offsets.byteLength]);
    if (c.getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, offsets, size) < 0) return null;
    if (size[0] !== offsets.byteLength) return null;
    const offset = (ring: number, field: number) => offsets[ring * 8 + field * 2] ?? 0;
    const ring = mapShared(fd, offset(1, 2) + slots * DESCRIPTOR, PGOFF_TX_RING);
    maps.push(ring);
    const released = mapShared(fd, offset(3, 2) + completions * 8, PGOFF_COMPLETION_RING);
    maps.push(released);
    // struct sockaddr_xdp: family u16 @0, flags u16 @2, ifindex u32 @4, queue u32 @8, shared
    // umem's fd u32 @12.
    const address = new DataView(new ArrayBuffer(16));
    address.setUint16(0, AF_XDP, true);
    address.setUint16(2, zeroCopy ? XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP : XDP_COPY, true);
    address.setUint32(4, index, true);
    if (c.bind(fd, new Uint8Array(address.buffer), 16) < 0) return null;
    return {
      words: new Int32Array(ring.bytes.buffer, 0, ring.bytes.length >> 2),
      producer: offset(1, 0) >> 2,
      consumer: offset(1, 1) >> 2,
      flags: offset(1, 3) >> 2,
      descriptors: offset(1, 2) >> 2,
      done: new Int32Array(released.bytes.buffer, 0, released.bytes.length >> 2),
      doneProducer: offset(3, 0) >> 2,
      doneConsumer: offset(3, 1) >> 2,
      doneAddresses: offset(3, 2) >> 2,
      kick: () => (c.send(fd, null, 0, MSG_DONTWAIT) < 0 ? errno() : 0),
      close,
    };
  }

  try {
    const rings = open();
    if (rings !== null) return rings;
  } catch {}
  close();
  return null;
}
