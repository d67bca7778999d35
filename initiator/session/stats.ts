// What a device and its links have seen, as plain JSON: units in the key names, drops beside retransmits,
// since a loss looks like slowness otherwise.

import { formatMac } from "../../wire/mac.ts";
import { formatAddress } from "../../words/address.ts";
import { shownTime } from "../../words/shown.ts";
import type { DeviceCounters } from "../protocol/counters.ts";
import type { Device } from "../protocol/device.ts";
import type { FrameLimit } from "../protocol/frame_limit.ts";
import type { Initiator } from "../protocol/initiator.ts";
import type { IgnoredFrames } from "../protocol/port.ts";
import type { PoolSnapshot } from "../pool/snapshot.ts";

export interface PathStats {
  readonly link: number;
  readonly mac: string;
  readonly alive: boolean;
  /** Another target of a pair is in use. */
  readonly standby: boolean;
  readonly sectors: number;
  readonly fell_back: boolean;
  /** For how long large read answers, and large writes, have been thought lost by this path; null: they are not. */
  readonly large_reads_lost_for_ns: number | null;
  readonly large_writes_lost_for_ns: number | null;
  readonly window: number;
  readonly window_threshold: number;
  readonly in_flight: number;
  readonly rtt_ns: number;
  readonly rtt_deviation_ns: number;
  readonly rto_ns: number;
  readonly transmits: number;
  readonly retransmits: number;
  readonly losses: number;
  readonly answers: number;
}

export interface LinkStats {
  readonly mac: string;
  readonly mtu: number;
  readonly received: number;
  readonly transmitted: number;
  readonly receive_drops: number;
  /** What of these came, or was lost, by the socket for write answers; null: there is none. */
  readonly write_lane: { readonly received: number; readonly receive_drops: number } | null;
  readonly transmit_busy: number;
  readonly transmit_errors: number;
  readonly ignored: IgnoredFrames;
  readonly unasked: number;
}

export interface DeviceStats {
  readonly device: string;
  readonly buffer_count: number;
  readonly pending: number;
  readonly queued: number;
  readonly outstanding: number;
  readonly counters: DeviceCounters;
  readonly paths: readonly PathStats[];
  /** MACs that answer for the device and lead to another disk. */
  readonly rivals: readonly string[];
  /** By link; null: nothing was sent to the device there. */
  readonly pools: readonly (PoolSnapshot | null)[];
}

export function deviceStats(device: Device, now: number): DeviceStats {
  return {
    device: formatAddress(device),
    buffer_count: device.bufferCount,
    pending: device.pending,
    queued: device.queued,
    outstanding: device.outstanding,
    counters: { ...device.counters },
    paths: device.paths.map((path) => ({
      link: path.port.index,
      mac: formatMac(path.target),
      alive: path.alive,
      standby: path.standby,
      sectors: path.sectors,
      fell_back: path.reads.fellBackAt >= 0 || path.writes.fellBackAt >= 0,
      large_reads_lost_for_ns: lostFor(path.reads, now),
      large_writes_lost_for_ns: lostFor(path.writes, now),
      window: path.window.size,
      window_threshold: path.window.threshold,
      in_flight: path.inFlight,
      rtt_ns: Math.round(path.rtt.smoothed),
      rtt_deviation_ns: Math.round(path.rtt.deviation),
      rto_ns: path.rtt.rto(),
      transmits: path.transmits,
      retransmits: path.retransmits,
      losses: path.losses,
      answers: path.answers,
    })),
    rivals: device.rivals.map(({ path }) => formatMac(path.target)),
    pools: device.pools.map((pool) => (pool === null ? null : pool.snapshot(now))),
  };
}

function lostFor({ fellBackAt }: FrameLimit, now: number): number | null {
  return fellBackAt < 0 ? null : Math.round(now - fellBackAt);
}

export function linkStats(initiator: Initiator): LinkStats[] {
  return initiator.ports.map(({ link, state }) => {
    const { counters } = link;
    return {
      mac: formatMac(link.mac),
      mtu: link.mtu,
      received: counters.received,
      transmitted: counters.transmitted,
      receive_drops: counters.receiveDrops,
      write_lane:
        counters.lane === undefined
          ? null
          : { received: counters.lane.received, receive_drops: counters.lane.receiveDrops },
      transmit_copied: counters.copied ?? null,
      transmit_busy: counters.transmitBusy,
      transmit_errors: counters.transmitErrors,
      ignored: { ...state.ignored },
      unasked: state.unasked,
    };
  });
}

/** What went wrong on the way, in a few words; "" where nothing did. */
export function describeTrouble(device: Device, initiator: Initiator): string {
  const { retransmits, heldBack } = device.counters;
  const parts: string[] = [];
  if (retransmits > 0) parts.push(counted(retransmits, "retransmit"));
  let drops = 0;
  for (const { link } of initiator.ports) drops += link.counters.receiveDrops;
  if (drops > 0) parts.push(`${counted(drops, "frame")} dropped by a full receive queue`);
  if (heldBack > 0) parts.push(`${counted(heldBack, "write")} held back`);
  const large = describeLarge(device, initiator.now);
  if (large !== "") parts.push(large);
  return parts.join(", ");
}

function describeLarge({ counters, paths }: Device, now: number): string {
  if (counters.fallBacks === 0) return "";
  let since = now;
  for (const { reads, writes } of paths) {
    for (const { fellBackAt } of [reads, writes]) {
      if (fellBackAt >= 0) since = Math.min(since, fellBackAt);
    }
  }
  return since < now
    ? `large frames have been lost on the way for ${shownTime(Math.round(now - since))}, small ones are used`
    : "large frames got lost on the way for a while, small ones were used";
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
