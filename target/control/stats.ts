// `stats` as pieces of one JSON line: ten thousand exports are megabytes, and the loop that tells them
// serves frames between one piece and the next.

import type { HistogramSnapshot } from "../../statistics/histogram.ts";
import type { Export } from "../protocol/export.ts";
import { formatAddress } from "../../words/address.ts";
import type { TargetPort } from "../protocol/port.ts";
import { formatMac } from "../../wire/mac.ts";
import {
  EXPORT_FIGURES,
  figuresOf,
  HISTOGRAM,
  INTERFACE_FIGURES,
  TARGET_FIGURES,
} from "./figures.ts";
import type { Running } from "./running.ts";

/** Exports in one piece. */
const PIECE = 8;

/** How a target ended. */
export interface Closing {
  /** Requests that were left without an answer. */
  readonly unanswered: number;
  /** What may not be durable, a sentence each. */
  readonly not_durable: readonly string[];
}

const SCHEMA_VERSION = 1;

/** An answer of the control socket; with `closing`, the document of `--stats-at-end`. */
export function* statsPieces(
  running: Running,
  only: Export | null,
  closing: Closing | null = null,
): Generator<string> {
  const { target } = running;
  const head = {
    ...(closing === null ? { ok: true } : { schema_version: SCHEMA_VERSION, closing }),
    target: {
      ...figuresOf(TARGET_FIGURES, target),
      uptime_ns: running.now() - running.startedAt,
      pid: process.pid,
      file_io: running.fileIo(),
      missing_interfaces: running.missingInterfaces(),
    },
    interfaces: target.ports.map(describePort),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"exports":[`;
  const exports = only === null ? [...target.exports] : [only];
  for (let at = 0; at < exports.length; at += PIECE) {
    const piece = exports
      .slice(at, at + PIECE)
      .map((owner) => JSON.stringify(describeExport(owner)));
    yield `${at === 0 ? "" : ","}${piece.join(",")}`;
  }
  yield "]}\n";
}

function describeExport(owner: Export): Record<string, unknown> {
  const { times } = owner;
  return {
    export: formatAddress(owner),
    service_model: owner.model.text,
    ...figuresOf(EXPORT_FIGURES, owner),
    [HISTOGRAM.key]: times === null ? null : timesOf(times.snapshot()),
  };
}

/** What is answered in the iteration of the loop in which it came takes 0 there, which nobody has measured: null. */
function timesOf(times: HistogramSnapshot): Record<string, unknown> {
  const { count, sum_ns, buckets_ns, ...measured } = times;
  const told = Object.entries(measured).map(([key, ns]) => [key, ns === 0 ? null : ns] as const);
  return { count, sum_ns, ...Object.fromEntries(told), buckets_ns };
}

function describePort(port: TargetPort): Record<string, unknown> {
  return {
    interface: port.name,
    mac: formatMac(port.link.mac),
    ...figuresOf(INTERFACE_FIGURES, port),
  };
}
