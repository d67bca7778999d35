// A raw Ethernet socket: AF_PACKET, SOCK_RAW, made deaf (protocol 0) and bound last, so that no frame of
// another interface or protocol slips in between, and a ring or a filter is in place before the first.
//
// Every call here returns at once. What the kernel refuses on transmit comes back as an errno, since
// a link decides which of those mean "later" and which "lost".

import { environment } from "../words/failure.ts";
import { EACCES, EPERM, errno, refused } from "./errno.ts";
import type { BpfInstruction } from "./bpf.ts";
import { libc, pointer } from "./libc.ts";
import { type Mapping, mapMemory } from "./memory.ts";
import { createMessage } from "./message.ts";
import { growSocketBuffer, RECEIVE_BUFFER, SEND_BUFFER } from "./socket_buffer.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u32", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_ATTACH_FILTER = 26;
export const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_PROMISC = 1;
const PACKET_STATISTICS = 6;
const PACKET_IGNORE_OUTGOING = 23;
const SIOCOUTQ = 0x5411;
/** sockaddr_ll: family u16 @0, protocol u16 big-endian @2, ifindex i32 @4, up to 20 bytes. */
const ADDRESS_BYTES = 20;

export interface PacketSocket {
  readonly fd: number;
  /** What the kernel grants, in its own reckoning (it doubles what was asked and charges truesize). */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** Asks for `bytes`, with the privilege to exceed the system's limit where there is one; returns what was granted. */
  growReceiveBuffer(bytes: number): number;
  growSendBuffer(bytes: number): number;
  /** Only frames for which `program` returns non-zero are received. */
  attachFilter(program: readonly BpfInstruction[]): void;
  setOption(level: number, option: number, value: Uint8Array): void;
  /** Makes interface `index` promiscuous for as long as this socket is open. */
  hearAll(index: number): void;
  /**
   * From now on frames of EtherType `protocol` on interface `index` come in; protocol 0: transmit only. `outgoing`:
   * those too that this host sends there, which sockets for all protocols are shown.
   */
  bind(index: number, protocol: number, outgoing?: boolean): void;
  /** Transmits `length` bytes at `address`; 0 or the errno. The kernel copies. */
  send(address: number, length: number): number;
  /** Transmits one frame from two places; 0 or the errno, EFAULT where the second can't be read. The kernel copies. */
  sendBoth(first: number, length: number, second: number, secondLength: number): number;
  /** Tells a transmit ring to go; 0 or the errno. */
  kick(): number;
  /** One frame into `address`, bytes taken, or −errno. For a socket without a ring. */
  receive(address: number, capacity: number): number;
  /** Takes the pending error (ENETDOWN once per link-down); 0: none. Left pending it makes a wait return at once for ever. */
  takeError(): number;
  /** Frames lost because there was no room since the last call. */
  takeDrops(): number;
  /** Bytes charged to the socket that the device has not released yet. */
  queuedBytes(): number;
  close(): void;
}

/** What calls pass by address, and never beyond the call: a value @0 (up to 20 bytes), its length @32. */
const scratch = mapMemory(64);
const value = pointer(scratch.address);
const valueLength = pointer(scratch.address + 32);

/** One per thread. */
const message = createMessage(2);

/** A socket that hears nothing yet. Throws an environment failure where this user may not have one. */
export function openPacketSocket(): PacketSocket {
  const fd = c.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    const code = errno();
    if (code === EPERM || code === EACCES) {
      throw environment(
        "No permission for raw Ethernet: it takes CAP_NET_RAW, so run as root, grant it by `setcap cap_net_raw+ep` to bun, or use `aoe lab`, which needs neither",
      );
    }
    throw refused("can't open a raw Ethernet socket", code);
  }
  function get(level: number, option: number, bytes: number): boolean {
    scratch.view.setUint32(32, bytes, true);
    return c.getsockopt(fd, level, option, value, valueLength) === 0;
  }

  function getNumber(option: number): number {
    if (!get(SOL_SOCKET, option, 4)) throw refused("can't read a socket option");
    return scratch.view.getInt32(0, true);
  }

  function grow(buffer: typeof SEND_BUFFER | typeof RECEIVE_BUFFER, bytes: number): number {
    growSocketBuffer(fd, buffer, bytes);
    return getNumber(buffer.plain);
  }

  function setOption(level: number, option: number, bytes: Uint8Array): void {
    if (c.setsockopt(fd, level, option, bytes, bytes.length) < 0) {
      throw refused(`can't set packet socket option ${option}`);
    }
  }

  return {
    fd,
    get receiveBufferBytes() {
      return getNumber(RECEIVE_BUFFER.plain);
    },
    get sendBufferBytes() {
      return getNumber(SEND_BUFFER.plain);
    },
    growReceiveBuffer: (bytes) => grow(RECEIVE_BUFFER, bytes),
    growSendBuffer: (bytes) => grow(SEND_BUFFER, bytes),
    attachFilter(program) {
      attachFilter(fd, program);
    },
    setOption,
    hearAll(index) {
      // struct packet_mreq: ifindex i32 @0, type u16 @4, address length u16 @6, address @8.
      const request = new DataView(new ArrayBuffer(16));
      request.setInt32(0, index, true);
      request.setUint16(4, PACKET_MR_PROMISC, true);
      setOption(SOL_PACKET, PACKET_ADD_MEMBERSHIP, new Uint8Array(request.buffer));
    },
    bind(index, protocol, outgoing = false) {
      // Older kernels (before 4.20) lack it; a link skips its own frames by their packet type too.
      scratch.view.setInt32(0, outgoing ? 0 : 1, true);
      c.setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, value, 4);
      scratch.bytes.fill(0, 0, ADDRESS_BYTES);
      scratch.view.setUint16(0, AF_PACKET, true);
      scratch.view.setUint16(2, protocol);
      scratch.view.setInt32(4, index, true);
      if (c.bind(fd, value, ADDRESS_BYTES) < 0) throw refused(`can't bind to interface ${index}`);
    },
    send(address, length) {
      return c.send(fd, pointer(address), length, MSG_DONTWAIT) < 0 ? errno() : 0;
    },
    sendBoth(first, length, second, secondLength) {
      message.put(0, first, length);
      message.put(1, second, secondLength);
      return c.sendmsg(fd, message.address, MSG_DONTWAIT) < 0 ? errno() : 0;
    },
    kick() {
      return c.send(fd, null, 0, MSG_DONTWAIT) < 0 ? errno() : 0;
    },
    receive(address, capacity) {
      const taken = c.recv(fd, pointer(address), capacity, MSG_DONTWAIT);
      return taken < 0 ? -errno() : taken;
    },
    takeError: () => getNumber(SO_ERROR),
    takeDrops() {
      // struct tpacket_stats: packets u32, drops u32; reading it sets both to zero.
      return get(SOL_PACKET, PACKET_STATISTICS, 8) ? scratch.view.getUint32(4, true) : 0;
    },
    queuedBytes() {
      return c.ioctl(fd, SIOCOUTQ, value) < 0 ? 0 : scratch.view.getInt32(0, true);
    },
    close() {
      c.close(fd);
    },
  };
}

function attachFilter(fd: number, program: readonly BpfInstruction[]): void {
  // struct sock_fprog: length u16 @0, instructions pointer @8; the instructions, 8 bytes each, @16.
  const memory: Mapping = mapMemory(16 + program.length * 8);
  const { view } = memory;
  view.setUint16(0, program.length, true);
  view.setBigUint64(8, BigInt(memory.address + 16), true);
  program.forEach(({ code, jt, jf, k }, index) => {
    const at = 16 + index * 8;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  });
  const failed = c.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, pointer(memory.address), 16) < 0;
  const code = errno();
  memory.unmap();
  if (failed) throw refused("the kernel refused the packet filter", code);
}
