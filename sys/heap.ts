// The C library's heap, as the kernel's allocator stands in for it: what an allocation for every transmit costs
// outside JavaScript's own heap.

import { toArrayBuffer } from "bun:ffi";

import { environment } from "../words/failure.ts";
import { I64, libc, pointer } from "./libc.ts";

const c = libc({
  malloc: { args: [I64], returns: "ptr" },
  free: { args: ["ptr"], returns: "void" },
});

export interface HeapMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
}

/** `size` bytes of whatever content, to be given to `releaseHeap` once. */
export function allocateHeap(size: number): HeapMemory {
  const address = Number(c.malloc(size) ?? 0);
  if (address === 0) throw environment(`The C library has no ${size} bytes left`);
  const buffer = toArrayBuffer(pointer(address), 0, size);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer), address };
}

/** No view of the memory may be touched afterwards. */
export function releaseHeap(memory: HeapMemory): void {
  c.free(pointer(memory.address));
}
