// What a target tells about itself: every figure once, with its key in `stats`, its metric for Prometheus, and its
// meaning. `stats`, `--metrics`, `top` and docs/target.md (by a test) are made from these tables.

import { sentByPath } from "../../link/link.ts";
import type { Export } from "../protocol/export.ts";
import type { TargetPort } from "../protocol/port.ts";
import type { Target } from "../protocol/target.ts";

export interface Figure<Of> {
  /** In `stats`. */
  readonly key: string;
  /** Behind aoe_export_, aoe_interface_ or aoe_target_; in Prometheus' base units. */
  readonly metric: string;
  readonly type: "counter" | "gauge";
  readonly about: string;
  /** What makes the metric's unit of the figure's: ns to seconds. */
  readonly scale?: number;
  read(of: Of): number;
}

const SECONDS = 1e-9;

export const EXPORT_FIGURES: readonly Figure<Export>[] = [
  {
    key: "reads",
    metric: "reads_total",
    type: "counter",
    about: "READ commands",
    read: ({ counters }) => counters.reads,
  },
  {
    key: "writes",
    metric: "writes_total",
    type: "counter",
    about: "WRITE commands",
    read: ({ counters }) => counters.writes,
  },
  {
    key: "flushes",
    metric: "flushes_total",
    type: "counter",
    about: "FLUSH CACHE commands",
    read: ({ counters }) => counters.flushes,
  },
  {
    key: "other_ata",
    metric: "other_ata_total",
    type: "counter",
    about: "IDENTIFY, CHECK POWER, SMART and unsupported ATA commands",
    read: ({ counters }) => counters.otherAta,
  },
  {
    key: "control",
    metric: "control_total",
    type: "counter",
    about: "config, mask and reserve commands",
    read: ({ counters }) => counters.control,
  },
  {
    key: "read_bytes",
    metric: "read_bytes_total",
    type: "counter",
    about: "bytes that READ commands asked for",
    read: ({ counters }) => counters.readBytes,
  },
  {
    key: "written_bytes",
    metric: "written_bytes_total",
    type: "counter",
    about: "bytes that WRITE commands brought",
    read: ({ counters }) => counters.writtenBytes,
  },
  {
    key: "read_ns",
    metric: "read_seconds_total",
    type: "counter",
    about: "time from arrival to answer, summed over reads",
    scale: SECONDS,
    read: ({ counters }) => counters.readNs,
  },
  {
    key: "write_ns",
    metric: "write_seconds_total",
    type: "counter",
    about: "the same over writes",
    scale: SECONDS,
    read: ({ counters }) => counters.writeNs,
  },
  {
    key: "other_ns",
    metric: "other_seconds_total",
    type: "counter",
    about: "the same over all other ATA commands",
    scale: SECONDS,
    read: ({ counters }) => counters.otherNs,
  },
  {
    key: "in_service",
    metric: "in_service",
    type: "gauge",
    about: "requests in progress now",
    read: ({ counters }) => counters.inService,
  },
  {
    key: "most_in_service",
    metric: "in_service_max",
    type: "gauge",
    about: "the most requests ever in progress at a time",
    read: ({ counters }) => counters.mostInService,
  },
  {
    key: "queue_length",
    metric: "queue_length_total",
    type: "counter",
    about:
      "sum, over all ATA commands, of the requests in progress when one arrives, itself included; divided by the number of commands it is the mean queue length",
    read: ({ counters }) => counters.queueLength,
  },
  {
    key: "queue_stall",
    metric: "queue_stall_total",
    type: "counter",
    about: "ATA commands that were not answered at once, because of a service model or the store",
    read: ({ counters }) => counters.deferred,
  },
  {
    key: "queue_over",
    metric: "queue_over_total",
    type: "counter",
    about: "requests dropped because their initiator had used up the buffer count (P12)",
    read: ({ counters }) => counters.over,
  },
  {
    key: "ata_errors",
    metric: "ata_errors_total",
    type: "counter",
    about: "answers with an ATA error",
    read: ({ counters }) => counters.ataErrors,
  },
  {
    key: "aoe_errors",
    metric: "aoe_errors_total",
    type: "counter",
    about: "answers with the AoE error flag",
    read: ({ counters }) => counters.aoeErrors,
  },
  {
    key: "reserved",
    metric: "reserved_total",
    type: "counter",
    about: "ATA commands refused because another initiator holds the reservation (P16)",
    read: ({ counters }) => counters.reserved,
  },
  {
    key: "model_dropped",
    metric: "model_dropped_total",
    type: "counter",
    about: "commands that the service model dropped",
    read: ({ counters }) => counters.modelDropped,
  },
  {
    key: "store_errors",
    metric: "store_errors_total",
    type: "counter",
    about: "failures of the image or device",
    read: ({ counters }) => counters.storeErrors,
  },
  {
    key: "last_errno",
    metric: "last_errno",
    type: "gauge",
    about: "error number (errno) of the last such failure",
    read: ({ counters }) => counters.lastErrno,
  },
  {
    key: "failed",
    metric: "failed",
    type: "gauge",
    about:
      "1 once a flush has failed: writes and flushes are refused until the export is reopened (P25)",
    read: ({ failed }) => (failed ? 1 : 0),
  },
  {
    key: "sectors",
    metric: "sectors",
    type: "gauge",
    about: "size in sectors of 512 bytes",
    read: ({ store }) => store.sectors,
  },
  {
    key: "buffer_count",
    // Not `buffer_count`: Prometheus keeps the ending `_count` for histograms and summaries.
    metric: "buffers",
    type: "gauge",
    about: "requests accepted from each initiator at a time",
    read: ({ bufferCount }) => bufferCount,
  },
];

function frames(
  key: string,
  about: string,
  read: (port: TargetPort) => number,
  metric = `${key}_total`,
): Figure<TargetPort> {
  return { key, metric, type: "counter", about, read };
}

export const INTERFACE_FIGURES: readonly Figure<TargetPort>[] = [
  frames("rx", "frames received", ({ counters }) => counters.received, "rx_frames_total"),
  frames("rx_bytes", "bytes received", ({ counters }) => counters.receivedBytes),
  frames(
    "tx",
    "frames sent: answers and announcements",
    ({ counters }) => counters.answered + counters.announced,
    "tx_frames_total",
  ),
  frames(
    "tx_by_xdp",
    "of the frames sent, those that left by AF_XDP",
    ({ link }) => sentByPath(link.counters).xdp,
  ),
  frames(
    "tx_linear",
    "of the frames sent, those of more than a page that left in one piece",
    ({ link }) => sentByPath(link.counters).linear,
  ),
  frames("tx_bytes", "bytes sent", ({ counters }) => counters.sentBytes),
  frames("answered", "answers sent", ({ counters }) => counters.answered),
  frames("announced", "announcements sent (P11)", ({ counters }) => counters.announced),
  frames(
    "rx_buffers_full",
    "frames lost because the receive ring was full",
    ({ link }) => link.counters.receiveDrops,
  ),
  frames(
    "tx_buffers_full",
    "answers that had to wait because the send buffer was full",
    ({ counters }) => counters.transmitBusy,
  ),
  frames(
    "tx_errors",
    "frames that were lost because the kernel refused them: too long, no carrier, or no room for 100 ms",
    ({ link }) => link.counters.transmitErrors,
  ),
  frames(
    "dropped",
    "requests to us that were dropped: beyond a bound, masked, malformed, or a wildcard write",
    ({ counters: c }) =>
      c.overBufferCount +
      c.overGlobalBound +
      c.masked +
      c.short +
      c.badSource +
      c.wildcardWrites +
      c.mtuTooSmall,
  ),
  frames(
    "ignored",
    "frames for other addresses or other hosts, and answers, which only a target that captures receives",
    ({ counters: c }) => c.responses + c.otherAddress + c.otherHost + c.foreign + c.unmatchedTests,
  ),
  frames("broadcast", "broadcast frames received", ({ counters }) => counters.broadcasts),
  frames(
    "over_buffer_count",
    "requests beyond the buffer count (P12)",
    ({ counters }) => counters.overBufferCount,
  ),
  frames(
    "over_bound",
    "requests beyond the limit of the whole target, `max_requests` (P12)",
    ({ counters }) => counters.overGlobalBound,
  ),
  frames(
    "masked",
    "requests of senders that are not on the mask list (P17)",
    ({ counters }) => counters.masked,
  ),
  frames("short", "frames too short for their command (P30)", ({ counters }) => counters.short),
  frames(
    "bad_source",
    "frames from a group address or zero (P32)",
    ({ counters }) => counters.badSource,
  ),
  frames(
    "bad_version",
    "requests of another AoE version (P7)",
    ({ counters }) => counters.badVersion,
  ),
  frames(
    "unknown_command",
    "requests with an unknown or vendor command (P8)",
    ({ counters }) => counters.unknownCommand,
  ),
  frames(
    "wildcard_writes",
    "writes and sets to a wildcard address (P33)",
    ({ counters }) => counters.wildcardWrites,
  ),
  frames(
    "duplicates_dropped",
    "copies of a request still in service (P28)",
    ({ counters }) => counters.duplicatesDropped,
  ),
  frames(
    "duplicates_answered",
    "copies answered with the stored result (P28)",
    ({ counters }) => counters.duplicatesAnswered,
  ),
  frames(
    "duplicates_evicted",
    "stored results that were discarded early (P28)",
    ({ counters }) => counters.duplicatesEvicted,
  ),
  frames(
    "faults",
    "requests dropped because of a fault in this program; the log describes the first",
    ({ counters }) => counters.faults,
  ),
  {
    key: "mtu",
    metric: "mtu_bytes",
    type: "gauge",
    about: "MTU now",
    read: ({ link }) => link.mtu,
  },
  {
    key: "most_sectors",
    metric: "most_sectors",
    type: "gauge",
    about: "most sectors of one command at that MTU (P13)",
    read: ({ mostSectors }) => mostSectors,
  },
  {
    key: "backlog",
    metric: "backlog",
    type: "gauge",
    about: "answers that wait for buffer space now",
    read: ({ backlog }) => backlog.length,
  },
];

export const TARGET_FIGURES: readonly Figure<Target>[] = [
  {
    key: "exports",
    metric: "exports",
    type: "gauge",
    about: "exports served",
    read: ({ exports }) => exports.length,
  },
  {
    key: "interfaces",
    metric: "interfaces",
    type: "gauge",
    about: "interfaces open",
    read: ({ ports }) => ports.length,
  },
  {
    key: "in_hand",
    metric: "in_hand",
    type: "gauge",
    about: "requests in progress over all exports",
    read: ({ inHand }) => inHand,
  },
];

/** The service-time histogram of an export that has had ATA commands, in `stats` and as a metric. */
export const HISTOGRAM = {
  key: "service",
  metric: "service_seconds",
  about: "time from arrival to answer of ATA commands",
} as const;

/** Each figure by its key. */
export function figuresOf<Of>(figures: readonly Figure<Of>[], of: Of): Record<string, number> {
  const told: Record<string, number> = {};
  for (const { key, read } of figures) told[key] = read(of);
  return told;
}
