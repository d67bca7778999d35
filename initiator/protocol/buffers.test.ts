// What follows when a device's pool is dry: since when it waits for its kick, and for how long it has, by hand.

import { describe, expect, test } from "bun:test";
import { Buffers, Pools } from "./buffers.ts";
import { createCounters } from "./counters.ts";
import { type InitiatorOptions, settle } from "./options.ts";
import { createPool } from "../pool/buffer_pool.ts";
import { HandLink } from "../../link/hand.ts";
import { PortState } from "./port.ts";

type Given = Pick<InitiatorOptions, "kick"> & { readonly strategy?: "fixed" | "completion" };

/** A device with a pool of one buffer, which the link holds. */
function dry({ strategy = "fixed", kick = 100 }: Given = {}) {
  const link = new HandLink();
  const port = new PortState(link, 0);
  const pools = new Pools([port], (on, frameBytes) =>
    createPool({ strategy, link: on, frameBytes, preallocated: 1, cap: 0 }),
  );
  const settings = settle({ kick } as InitiatorOptions);
  const counters = createCounters();
  const buffers = new Buffers(pools, settings, counters, 1, () => {});
  const pool = buffers.poolOf(port, true);
  /** A drive that wants a buffer, with so many frames out. */
  const drive = (inFlight: number, now: number): boolean => {
    buffers.begin();
    const buffer = buffers.acquire(pool, port, now);
    if (buffer !== null) link.transmit(buffer, 60);
    if (buffer !== null) pool.release(buffer, now);
    buffers.settle(inFlight, now);
    return buffer !== null;
  };
  const { metrics } = pool;
  return { buffers, counters, drive, link, metrics, pool, port };
}

describe("a device whose pool is dry", () => {
  test("waits for its kick from when nothing is outstanding any more", () => {
    const { buffers, counters, drive, metrics } = dry();
    expect(drive(1, 10)).toBe(true);
    // Dry, but an answer is on its way.
    expect(drive(1, 20)).toBe(false);
    expect([metrics.stalledSince, buffers.nextDeadline()]).toEqual([-1, Infinity]);
    drive(0, 30);
    expect([metrics.stalledSince, buffers.nextDeadline()]).toEqual([30, 130]);
    // Asked again meanwhile it waits since then.
    drive(0, 70);
    expect([metrics.stalledSince, buffers.nextDeadline()]).toEqual([30, 130]);
    buffers.advance(129);
    expect(counters.kicks).toBe(0);
    buffers.advance(130);
    expect(counters).toMatchObject({ kicks: 1, kickStall: 100 });
    expect(metrics).toMatchObject({ kicks: 1, kickStall: 100, stalledSince: -1, kickedAt: 130 });
    // The kick has found nothing: it waits for the next.
    drive(0, 130);
    buffers.advance(230);
    expect([metrics.kicks, metrics.kickStall]).toEqual([2, 200]);
  });

  test("waits no longer where something else ends it: that was no wait for a kick", () => {
    for (const end of ["a buffer", "no need", "an answer to come"] as const) {
      const { buffers, drive, link, metrics, pool, port } = dry();
      drive(1, 10);
      drive(0, 30);
      if (end === "a buffer") {
        link.releaseAll();
        buffers.reclaimed(port, link.reclaim(), 40);
        expect(drive(1, 50)).toBe(true);
      } else if (end === "no need") {
        buffers.begin();
        buffers.settle(0, 50);
      } else {
        drive(1, 50);
      }
      expect([end, metrics.stalledSince, buffers.nextDeadline()]).toEqual([end, -1, Infinity]);
      expect([end, pool.snapshot(90).kick_stall_ns]).toEqual([end, 0]);
    }
  });

  test("waits for no kick where a release wakes it: the kick is there all the same", () => {
    const { buffers, drive, metrics } = dry({ strategy: "completion" });
    drive(1, 10);
    drive(0, 30);
    expect([metrics.stalledSince, buffers.nextDeadline()]).toEqual([-1, 130]);
    buffers.advance(130);
    expect(metrics).toMatchObject({ kicks: 1, kickStall: 100 });
    const woken = dry({ kick: "on-release" });
    woken.drive(1, 10);
    woken.drive(0, 30);
    expect([woken.metrics.stalledSince, woken.buffers.nextDeadline()]).toEqual([-1, Infinity]);
    woken.link.releaseAll();
    expect(woken.buffers.reclaimed(woken.port, woken.link.reclaim(), 40)).toBe(true);
  });
});
