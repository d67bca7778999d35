// What the connections of one server share, and what it counts.

import type { WatchList } from "../../link/byte_stream.ts";
import type { Memory } from "../../link/link.ts";
import type { Device } from "../protocol/device.ts";
import type { ExportFacts } from "./handshake.ts";
import { CMD_FLUSH, CMD_READ, CMD_WRITE } from "./protocol.ts";
import type { Slot } from "./slot.ts";

/** What a host marks: a connection, to which it comes back in this iteration. */
export interface Markable {
  marked: boolean;
  serve(now: number): void;
}

/** What all connections share. */
export interface ConnectionHost {
  readonly device: Device;
  readonly facts: ExportFacts;
  /** Zeroes that commands write from; nobody writes to them. */
  readonly zeroes: Memory;
  readonly watchList: WatchList;
  readonly counters: NbdCounters;
  readonly stopping: boolean;
  /** The connection has something to do: `serve` will be called in this iteration. */
  mark(connection: Markable): void;
  /** `kind` says what it is about, for all clients alike. */
  notice(kind: string, sentence: string): void;
}

export interface NbdCounters {
  connections: number;
  reads: number;
  writes: number;
  zeroes: number;
  flushes: number;
  readBytes: number;
  writtenBytes: number;
  /** Not for this export: unaligned, beyond the end, not offered. */
  refused: number;
  /** That the device ended with an error. */
  failed: number;
  /** Clients that were sent away, or went in the middle of something. */
  broken: number;
}

/** One more request that the device gets. */
export function countRequest(counters: NbdCounters, { type, length }: Slot): void {
  switch (type) {
    case CMD_READ:
      counters.reads++;
      counters.readBytes += length;
      break;
    case CMD_FLUSH:
      counters.flushes++;
      break;
    case CMD_WRITE:
      counters.writes++;
      counters.writtenBytes += length;
      break;
    default:
      counters.zeroes++;
      counters.writtenBytes += length;
  }
}
