// CRC-32C (Castagnoli), the checksum of fio's `verify=crc32c`, four bytes a step from four tables.
// Bun.hash has CRC-32 (IEEE) alone. RFC 3720, B.4 has test vectors.

const POLYNOMIAL = 0x82f63b78;

const TABLES = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let slice = 1; slice < 4; slice++) {
      const before = tables[(slice - 1) * 256 + byte] ?? 0;
      tables[slice * 256 + byte] = ((tables[before & 0xff] ?? 0) ^ (before >>> 8)) >>> 0;
    }
  }
  return tables;
}

function at(index: number): number {
  return TABLES[index] ?? 0;
}

/** Of `length` bytes from `offset` on; 0 … 2^32 − 1. */
export function crc32c(view: DataView, offset: number, length: number): number {
  let crc = 0xffffffff;
  let place = offset;
  const end = offset + length;
  for (; place + 4 <= end; place += 4) {
    crc ^= view.getUint32(place, true);
    crc =
      at(768 + (crc & 0xff)) ^
      at(512 + ((crc >>> 8) & 0xff)) ^
      at(256 + ((crc >>> 16) & 0xff)) ^
      at(crc >>> 24);
  }
  for (; place < end; place++) crc = at((crc ^ view.getUint8(place)) & 0xff) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
