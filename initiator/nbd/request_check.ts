// Whether a request is one that this export takes, before anything is done about it. A refusal is a
// constant: error number and sentence, so that saying no costs nothing.

import type { ExportFacts } from "./handshake.ts";
import {
  CMD_CACHE,
  CMD_FLAG_DF,
  CMD_FLAG_FUA,
  CMD_FLAG_NO_HOLE,
  CMD_FLUSH,
  CMD_READ,
  CMD_TRIM,
  CMD_WRITE,
  CMD_WRITE_ZEROES,
  FLAG_READ_ONLY,
  NBD_EINVAL,
  NBD_ENOMEM,
  NBD_ENOSPC,
  NBD_EPERM,
  NBD_ESHUTDOWN,
  SEND_FLUSH,
} from "./protocol.ts";

export interface Refusal {
  readonly error: number;
  /** UTF-8, for clients that take structured replies. */
  readonly message: Uint8Array;
}

function refusal(error: number, message: string): Refusal {
  return { error, message: new TextEncoder().encode(message) };
}

export const SHUTDOWN: Refusal = refusal(NBD_ESHUTDOWN, "the server ends");
const UNALIGNED: Refusal = refusal(
  NBD_EINVAL,
  "offset and length must be multiples of the 512 bytes that AoE moves at least",
);
const TOO_LONG: Refusal = refusal(NBD_EINVAL, "more data than one request may carry");
const READ_BEYOND: Refusal = refusal(NBD_EINVAL, "beyond the end of the device");
const WRITE_BEYOND: Refusal = refusal(NBD_ENOSPC, "beyond the end of the device");
const READ_ONLY: Refusal = refusal(NBD_EPERM, "the export is read-only");
const BAD_FLAGS: Refusal = refusal(NBD_EINVAL, "a flag that was not offered");
const BAD_FLUSH: Refusal = refusal(NBD_EINVAL, "a flush has neither offset nor length");
const NO_FLUSH: Refusal = refusal(NBD_EINVAL, "the target does not flush");
const NO_TRIM: Refusal = refusal(NBD_EINVAL, "AoE has no trim, so none was offered");
const NO_CACHE: Refusal = refusal(NBD_EINVAL, "cache was not offered");
export const OUT_OF_MEMORY: Refusal = refusal(NBD_ENOMEM, "no memory for this request");
const UNKNOWN: Refusal = refusal(NBD_EINVAL, "a request that this server does not know");

/** null: it may be carried out. `structured`: what the client negotiated. */
export function checkRequest(
  facts: ExportFacts,
  structured: boolean,
  type: number,
  flags: number,
  offset: number,
  length: number,
): Refusal | null {
  const canFlush = (facts.flags & SEND_FLUSH) !== 0;
  let allowed = canFlush ? CMD_FLAG_FUA : 0;
  if (type === CMD_READ && structured) allowed |= CMD_FLAG_DF;
  if (type === CMD_WRITE_ZEROES) allowed |= CMD_FLAG_NO_HOLE;
  switch (type) {
    case CMD_READ:
      if ((flags & ~allowed) !== 0) return BAD_FLAGS;
      if (length > facts.most) return TOO_LONG;
      if (offset + length > facts.size) return READ_BEYOND;
      return isAligned(facts, offset, length) ? null : UNALIGNED;
    case CMD_WRITE:
    case CMD_WRITE_ZEROES:
      if ((facts.flags & FLAG_READ_ONLY) !== 0) return READ_ONLY;
      if ((flags & ~allowed) !== 0) return BAD_FLAGS;
      // Zeroes carry no data.
      if (type === CMD_WRITE && length > facts.most) return TOO_LONG;
      if (offset + length > facts.size) return WRITE_BEYOND;
      return isAligned(facts, offset, length) ? null : UNALIGNED;
    case CMD_FLUSH:
      if (!canFlush) return NO_FLUSH;
      if ((flags & ~allowed) !== 0) return BAD_FLAGS;
      return offset === 0 && length === 0 ? null : BAD_FLUSH;
    case CMD_TRIM:
      return NO_TRIM;
    case CMD_CACHE:
      return NO_CACHE;
    default:
      return UNKNOWN;
  }
}

function isAligned(facts: ExportFacts, offset: number, length: number): boolean {
  return offset % facts.least === 0 && length % facts.least === 0;
}
