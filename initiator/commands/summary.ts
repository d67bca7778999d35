// The end of a transfer: one line for people on stderr, or one document on stdout.

import { formatAddress } from "../../words/address.ts";
import { shownBytes } from "../../words/shown.ts";
import type { Device } from "../protocol/device.ts";
import type { Session } from "../session/session.ts";
import { describeTrouble, deviceStats, linkStats } from "../session/stats.ts";
import { printableJson } from "../../words/printable.ts";

export interface Transferred {
  readonly verb: string;
  readonly bytes: number;
  readonly elapsed: number;
  readonly sha256?: string;
}

export function summarize(
  session: Session,
  device: Device,
  done: Transferred,
  json: boolean,
): void {
  const { bytes, elapsed, sha256, verb } = done;
  const seconds = elapsed / 1e9;
  if (json) {
    const document = {
      device: formatAddress(device),
      bytes,
      elapsed_ns: Math.round(elapsed),
      bytes_per_second: Math.round(bytes / seconds),
      ...(sha256 === undefined ? {} : { sha256 }),
      stats: deviceStats(device, session.waiter.now()),
      links: linkStats(session.initiator),
    };
    process.stdout.write(`${printableJson(document)}\n`);
    return;
  }
  const trouble = describeTrouble(device, session.initiator);
  const rate = `${shownBytes(bytes)} in ${seconds.toFixed(2)} s (${shownBytes(bytes / seconds)}/s)`;
  process.stderr.write(`${verb} ${rate}${trouble === "" ? "" : `; ${trouble}`}\n`);
  if (sha256 !== undefined) process.stderr.write(`sha256 ${sha256}\n`);
}
