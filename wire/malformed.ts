// Why bytes are not a frame (or a capture, or an IDENTIFY sector): a value, never an exception, since
// bytes from a network are input like any other.

/** One rule that the bytes break; the first that a parser meets. */
export interface Malformed {
  /** Whose rule: `ethernet`, `aoe`, `ata`, `config`, `mask`, `reserve`, `identify`, `pcap`, `pcapng`. */
  readonly layer: string;
  readonly field: string;
  /** Bytes from the start of the frame (of the file for captures, of the sector for IDENTIFY). */
  readonly offset: number;
  readonly expected: string;
  readonly received: string;
}

export function malformed(
  layer: string,
  field: string,
  offset: number,
  expected: string,
  received: string,
): Malformed {
  return { layer, field, offset, expected, received };
}

/** What a layer says whose fixed header needs `needed` bytes of a frame that has `length` (P30). */
export function tooShort(layer: string, needed: number, length: number): Malformed {
  return malformed(layer, "header", length, `at least ${needed} bytes`, `${length}`);
}

export function isMalformed(value: object): value is Malformed {
  return "expected" in value && "received" in value;
}

/** `config.string length at 30: expected at most 1024 bytes, got 2000`. */
export function formatMalformed(why: Malformed): string {
  return `${why.layer} ${why.field} at ${why.offset}: expected ${why.expected}, got ${why.received}`;
}
