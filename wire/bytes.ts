// Byte strings in and out of a DataView. `copy` allocates nothing and serves hot paths;
// `copyOut` makes the bytes that a record keeps.

/** Copies `length` bytes between two memories; they may overlap only where both are the same view and `to` ≤ `from`. */
export function copy(
  source: DataView,
  from: number,
  target: DataView,
  to: number,
  length: number,
): void {
  let done = 0;
  for (; done + 4 <= length; done += 4) target.setUint32(to + done, source.getUint32(from + done));
  for (; done < length; done++) target.setUint8(to + done, source.getUint8(from + done));
}

/** A copy of `length` bytes at `offset`. */
export function copyOut(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
}

/** Writes all of `bytes` at `offset`. */
export function copyIn(bytes: Uint8Array, view: DataView, offset: number): void {
  new Uint8Array(view.buffer, view.byteOffset + offset, bytes.length).set(bytes);
}
