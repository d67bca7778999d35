// The door to the C library. A module of this room declares the calls that it makes, in its own file:
//
//   const c = libc({ close: { args: ["i32"], returns: "i32" } });
//
// One table per module, not one for all: each symbol costs 10 to 30 µs of compiled glue at start, so a
// command pays only for what it imports. The loader maps the library itself once however often it is asked.
//
// Which types are fast (measured): "i32" and "u32" for descriptors, flags, lengths and counts, also as
// the result of a call that returns ssize_t but never more than 2 GiB; I64 for offsets and sizes (as a
// result a number, or a BigInt above 2^53); "i64" and "u64" make a BigInt each time: not on hot paths. A "ptr" argument takes an address (a number) or a typed array, at
// the same price; a small typed array may move once its `.buffer` is touched, and a bare address
// keeps nothing alive, so whatever the kernel keeps beyond the call lives in memory.ts.

import { type FFIFunction, FFIType, type Pointer, dlopen } from "bun:ffi";

/** A 64-bit integer that crosses as a JS number wherever it fits one. */
export const I64 = FFIType.i64_fast;

/** An address as a system call takes it. */
export function pointer(address: number): Pointer {
  return address as Pointer;
}

/** The declared functions of the C library, ready to call. Throws where one is missing. */
export function libc<const Table extends Record<string, FFIFunction>>(table: Table) {
  return dlopen(LIBRARY, table).symbols;
}

/** glibc's name; musl (Alpine) answers to its own. */
const LIBRARY = findLibrary();

function findLibrary(): string {
  const probe = { getpid: { args: [], returns: "i32" } } as const;
  for (const name of [
    "libc.so.6",
    `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
  ]) {
    try {
      dlopen(name, probe);
      return name;
    } catch {}
  }
  throw new Error("no C library that can be loaded: looked for libc.so.6 and musl's");
}
