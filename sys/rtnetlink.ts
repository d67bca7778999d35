// Questions to the kernel's rtnetlink, as `ip` and `tc` ask them.
//
//   request   nlmsghdr, 16 bytes: length u32 · type u16 · flags u16 · sequence u32 · port u32
//             a body of the type's own, of which the interface is i32 @4
//   answers   the same, each with attributes behind its body: length u16 · type u16 · value, aligned to 4

import { libc, pointer } from "./libc.ts";
import { type Mapping, mapMemory } from "./memory.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const NETLINK_ROUTE = 0;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const HEADER = 16;
const INTERFACE = 4;
const ATTRIBUTE = 4;
/** Of an attribute's type, the bits that say how it is nested. */
const TYPE = 0x3fff;
/** More than the kernel puts into one datagram. */
const BYTES = 65_536;

export interface Question {
  readonly type: number;
  /** Of its answers. */
  readonly answer: number;
  /** Bytes of the body of both. */
  readonly body: number;
  /** About one interface; left out: all. */
  readonly index?: number;
}

/** A message that the kernel sent. */
export interface Answer {
  readonly index: number;
  /** The value of an attribute, nested ones by their path; null: there is none. */
  value(...path: readonly number[]): DataView | null;
}

/** Asks, and hands each answer on until `visit` says true; whether the kernel told all that was asked. */
export function askRoute(question: Question, visit: (answer: Answer) => boolean): boolean {
  const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return false;
  let memory: Mapping | null = null;
  try {
    memory = mapMemory(BYTES);
    return converse(fd, memory, question, visit);
  } catch {
    // No memory for the question.
    return false;
  } finally {
    c.close(fd);
    memory?.unmap();
  }
}

function converse(
  fd: number,
  { view, address }: Mapping,
  { type, answer, body, index }: Question,
  visit: (answer: Answer) => boolean,
): boolean {
  const at = pointer(address);
  view.setUint32(0, HEADER + body, true);
  view.setUint16(4, type, true);
  view.setUint16(6, index === undefined ? NLM_F_REQUEST | NLM_F_DUMP : NLM_F_REQUEST, true);
  view.setInt32(HEADER + INTERFACE, index ?? 0, true);
  if (c.send(fd, at, HEADER + body, MSG_DONTWAIT) < 0) return false;
  for (;;) {
    const length = c.recv(fd, at, BYTES, MSG_DONTWAIT);
    if (length < HEADER) return false;
    let end = 0;
    for (let message = 0; message + HEADER <= length; message = end) {
      end = message + Math.max(HEADER, aligned(view.getUint32(message, true)));
      // The end of a list, or an error: neither says more.
      if (view.getUint16(message + 4, true) !== answer) return index === undefined;
      const attributes = new DataView(
        view.buffer,
        message + HEADER + body,
        Math.max(0, end - message - HEADER - body),
      );
      const told = {
        index: view.getInt32(message + HEADER + INTERFACE, true),
        value: (...path: readonly number[]) => valueAt(attributes, path),
      };
      if (visit(told) || index !== undefined) return true;
    }
  }
}

function valueAt(attributes: DataView, path: readonly number[]): DataView | null {
  let within: DataView | null = attributes;
  for (const type of path) {
    if (within === null) return null;
    within = find(within, type);
  }
  return within;
}

function find(within: DataView, wanted: number): DataView | null {
  for (let at = 0; at + ATTRIBUTE <= within.byteLength;) {
    const length = Math.max(ATTRIBUTE, within.getUint16(at, true));
    if (at + length > within.byteLength) return null;
    if ((within.getUint16(at + 2, true) & TYPE) === wanted) {
      return new DataView(within.buffer, within.byteOffset + at + ATTRIBUTE, length - ATTRIBUTE);
    }
    at += aligned(length);
  }
  return null;
}

/** A string, ended by a zero. */
export function textOf(value: DataView | null): string {
  let text = "";
  for (let at = 0; value !== null && at < value.byteLength; at++) {
    const byte = value.getUint8(at);
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
