// The pool of a load's device, which comes with the first command that is sent: until then nothing is counted, and
// where no command was due by the end of the measured time a pool that nobody has asked says what there is to say.

import type { Device } from "../../initiator/protocol/device.ts";
import { Level } from "../../initiator/pool/level.ts";
import { poolOn } from "../../initiator/pool/options.ts";
import type { Pool } from "../../initiator/pool/pool.ts";
import type { Link } from "../../link/link.ts";
import { usage } from "../../sys/usage.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Load } from "./load.ts";
import type { LoadOptions } from "./options.ts";
import type { SeriesSource } from "./series.ts";
import type { PoolSnapshot } from "../../initiator/pool/snapshot.ts";

/** What a pool that is not there yet has counted. */
const UNBORN: SeriesSource["metrics"] = {
  dry: 0,
  kicks: 0,
  kickStall: 0,
  kickedAt: 0,
  stalledSince: -1,
  allocations: 0,
  poolLength: 0,
  pinnedOnly: 0,
  occupancy: new Level(0),
  held: new Level(0),
  extra: new Level(0),
};

/** null: no command has been sent yet. */
export function poolOf(device: Device): Pool | null {
  return device.pools[0] ?? null;
}

/** What a pool says that nobody has asked for a buffer: no command was due by the end of the measured time. */
export function unused(options: LoadOptions, link: Link, now: number): PoolSnapshot {
  const pool = poolOn(options, link, ethernet.LENGTH + link.mtu);
  const snapshot = pool.snapshot(now);
  pool.close(now);
  return snapshot;
}

/** What the pool, the device and the load say while they run. */
export function sourceOf(load: Load, device: Device): SeriesSource {
  const spent = usage();
  return {
    get metrics() {
      return poolOf(device)?.metrics ?? UNBORN;
    },
    get owned() {
      return poolOf(device)?.owned ?? 0;
    },
    get completed() {
      return load.completed;
    },
    get outstanding() {
      return load.outstanding;
    },
    get retransmits() {
      return device.counters.retransmits;
    },
    get window() {
      return device.paths[0]?.window.size ?? 0;
    },
    get cpu() {
      usage(spent);
      return spent.user + spent.system;
    },
  };
}
