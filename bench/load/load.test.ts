// Loads over the memory link under the virtual clock: target, initiator, pool and load are the real
// ones, time is exact, so figures are compared with what theory says, not with a band.

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { ATA_ERROR, type Command, OK } from "../../initiator/protocol/command.ts";
import type { Store } from "../../target/stores/store.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { createRandom } from "../../words/random.ts";
import { AsRoomAllows } from "./arrivals.ts";
import { handLoad } from "../../testing/doubles/hand_load.ts";
import type { Histogram } from "../../statistics/histogram.ts";
import { littlesLaw } from "../../statistics/littles_law.ts";
import { Load } from "./load.ts";
import { parseLoad } from "./options.ts";
import { figuresOf, loadDocument } from "./load_document.ts";
import type { LoadOutcome } from "./run_load.ts";
import { STALE } from "./stamp.ts";
import { SECTORS, virtualLoad as run } from "../../testing/doubles/virtual_load.ts";
import { Workload } from "./workload.ts";
import { READ } from "../../initiator/protocol/operation.ts";

const US = 1e3;

const mean = (of: Histogram): number => of.mean() ?? Number.NaN;
const percentile = (of: Histogram, p: number): number => of.percentile(p) ?? Number.NaN;
const rateOf = (outcome: LoadOutcome): number => figuresOf(outcome).iops;

describe("closed loop", () => {
  test("nothing of the ramp is in the figures, however long it was", async () => {
    const service = "lanes:2,delay:fixed/200us";
    const texts = { iodepth: "8", runtime: "100ms" };
    const { load, series } = await run({ ...texts, rampTime: "400ms" }, { service });
    const submitted = load.depths.reduce((sum, count) => sum + count, 0);
    expect(submitted).toBeWithin(load.completed - 8, load.completed + 9);
    expect(load.read.intervals.reduce((sum, count) => sum + count, 0)).toBe(load.completed);
    const { at_ns: at, completed } = series.table();
    expect(at[0]).toBeLessThan(2e6);
    expect(at.at(-1)).toBeLessThan(102e6);
    expect(completed[0]).toBeLessThan(30);
  });

  test("a target with lanes sets the rate, and the depth the latency", async () => {
    const outcome = await run(
      { iodepth: "8", runtime: "100ms" },
      { service: "lanes:2,delay:fixed/200us" },
    );
    // Two at a time, 200 µs each: 10,000 a second; eight outstanding: 800 µs each.
    expect(rateOf(outcome)).toBeGreaterThan(9_900);
    expect(rateOf(outcome)).toBeLessThan(10_100);
    expect(percentile(outcome.load.lat, 50) / (800 * US)).toBeCloseTo(1, 1);
    expect(figuresOf(outcome)).toMatchObject({
      failures: 0,
      retransmits: 0,
      steady: true,
      littles_law_holds: true,
      kicks: 0,
    });
  });

  test("the parts of the way add up to the latency", async () => {
    const { load } = await run({ iodepth: "32", reclaim: "coalesce:64/1ms", pool: "scan-swap" });
    const { bufferWait, holdBack, linkWait, schedule, windowWait, wire } = load;
    const parts = [schedule, holdBack, windowWait, bufferWait, linkWait, wire];
    const sum = parts.reduce((total, part) => total + mean(part), 0);
    expect(sum / mean(load.lat)).toBeCloseTo(1, 3);
    // 32 outstanding, 16 admitted: half of the time goes by in front of the window.
    expect(mean(load.windowWait) / mean(load.lat)).toBeCloseTo(0.5, 1);
    expect(load.depths[5]).toBeGreaterThan(0);
  });

  test("one seed is one run, to the last byte", async () => {
    const texts = { rw: "randrw", iodepth: "16", reclaim: "coalesce:64/1ms" };
    const dump = async (seed: string): Promise<string> => {
      const given = { ...texts, randseed: seed };
      const outcome = await run(given, { service: "delay:exponential/100us" });
      const document = loadDocument(outcome, parseLoad(given), "job", 0, {});
      return JSON.stringify(document, (key, value) =>
        // CPU time and faults are the machine's.
        [
          "cpu",
          "cpu_ns",
          "cpu_quiet_ns",
          "cpu_per_command_ns",
          "usr_cpu",
          "sys_cpu",
          "ctx",
          "majf",
          "minf",
          "leak",
        ].includes(key)
          ? 0
          : value,
      );
    };
    expect(await dump("5")).toBe(await dump("5"));
    expect(await dump("5")).not.toBe(await dump("6"));
  });
});

describe("the claim of the pool (E1), exact", () => {
  const late = { iodepth: "16", reclaim: "coalesce:64/1ms" };

  test("`fixed` gets its 16 commands a kick: 160 a second", async () => {
    const outcome = await run({ ...late, pool: "fixed", runtime: "1s", rampTime: "250ms" });
    expect(outcome.load.completed).toBe(160);
    expect(figuresOf(outcome)).toMatchObject({
      kicks: 10,
      kick_commands_p50: 16,
      pool_length_peak: 0,
    });
    expect(figuresOf(outcome).dry).toBeGreaterThan(0);
  });

  test("with a kick of 1 ms, 16 a millisecond", async () => {
    const outcome = await run({ ...late, pool: "fixed", kick: "1ms", runtime: "100ms" });
    // The kick's clock starts when the last answer is in: 16 each 1 ms and a round trip of 0.2 ms.
    expect(rateOf(outcome)).toBeGreaterThan(12_000);
    expect(rateOf(outcome)).toBeLessThan(16_000);
  });

  test.each(["scan-swap", "completion"])(
    "`%s` keeps its rate with 48 extra buffers",
    async (pool) => {
      const eager = await run({ ...late, pool, reclaim: "eager" });
      const outcome = await run({ ...late, pool });
      expect(rateOf(outcome) / rateOf(eager)).toBeCloseTo(1, 2);
      expect(figuresOf(eager).pool_length_peak).toBe(0);
      // 64 held less the 16 made at the start; a slice sends up to a window before the link is asked again.
      expect(figuresOf(outcome).pool_length_peak).toBeGreaterThanOrEqual(32);
      expect(figuresOf(outcome).pool_length_peak).toBeLessThanOrEqual(64);
    },
  );

  test("on a slow target `fixed` loses nothing", async () => {
    const slow = { service: "lanes:4,delay:fixed/1ms" };
    const texts = { ...late, pool: "fixed", runtime: "60ms" };
    const eager = await run({ ...texts, reclaim: "eager" }, slow);
    const outcome = await run(texts, slow);
    expect(rateOf(outcome) / rateOf(eager)).toBeCloseTo(1, 1);
    expect(figuresOf(outcome).kicks).toBe(0);
  });
});

describe("open loop", () => {
  test("commands come at the rate asked for", async () => {
    const outcome = await run({ rateIops: "2000", runtime: "200ms" });
    expect(rateOf(outcome)).toBeCloseTo(2000, -2);
    expect(outcome.load.schedule.max).toBe(0);
    expect(outcome.load.overdue).toBe(0);
  });

  test("a target that stalls makes late what was due meanwhile", async () => {
    // 20 ms of every 100: at depth 2, what is due during the stall must wait for a place.
    const texts = { rateIops: "1000", iodepth: "2", runtime: "200ms" };
    const outcome = await run(texts, { service: "stall:100ms/20ms" });
    expect(outcome.load.lat.max).toBeGreaterThan(15e6);
    expect(outcome.load.schedule.max).toBeGreaterThan(12e6);
    // Counted from the submit alone, nearly all of them would look quick.
    const { lat, schedule } = outcome.load;
    const closed = percentile(lat, 95) - percentile(schedule, 95);
    expect(closed).toBeLessThan(percentile(lat, 95) / 2);
  });

  test("what the target can't keep up with is told", async () => {
    const outcome = await run(
      { rateIops: "20000", iodepth: "4" },
      { service: "lanes:1,delay:fixed/100us" },
    );
    expect(outcome.load.overdue).toBeGreaterThan(300);
    expect(rateOf(outcome)).toBeLessThan(10_100);
  });
});

describe("without a warm-up the first command is measured, and so is its pool", () => {
  test("closed loop: nothing is missed and nothing fails", async () => {
    const outcome = await run({ rampTime: "0s", reclaim: "coalesce:64/1ms", pool: "scan-swap" });
    const figures = figuresOf(outcome);
    expect(figures).toMatchObject({ failures: 0, littles_law_holds: true, pool_preallocated: 16 });
    // All headroom that there is was allocated in the measured time.
    expect(figures.allocations).toBe(figures.pool_length);
    expect(figures.allocations).toBeGreaterThanOrEqual(32);
    const { completed, allocations } = outcome.series.table();
    expect(completed.at(-1)).toBeGreaterThan(outcome.load.completed * 0.9);
    expect(allocations.at(-1)).toBe(figures.allocations);
  });

  test("open loop: where no command is due in time, the rate is 0 and times are no data", async () => {
    const texts = { rampTime: "0s", runtime: "1ms", rateIops: "1" };
    // The first by the clock is due at once, that of this seed's Poisson process later.
    const outcome = await run({ ...texts, rateProcess: "poisson" });
    expect(figuresOf(outcome)).toMatchObject({
      iops: 0,
      dry: 0,
      pool_preallocated: 16,
      lat_p99_ns: null,
    });
    expect(outcome.leak).toBeNull();
  });
});

describe("verify", () => {
  const texts = { rw: "randrw", bs: "2k", verify: "crc32c", iodepth: "8" };

  test("an honest target has nothing wrong, and what was written is read back", async () => {
    const outcome = await run({ ...texts, pool: "scan-swap", reclaim: "coalesce:64/1ms" });
    expect(outcome.verifier).toMatchObject({ mismatches: 0 });
    expect(outcome.verifier?.sectorsVerified).toBeGreaterThan(500);
    expect(outcome.load.readBackBlocks).toBe(outcome.verifier?.blocksWritten ?? -1);
  });

  test("a store that forgets one write in fifty is found out", async () => {
    const honest = createMemoryStore(SECTORS);
    let count = 0;
    const store: Store = {
      ...honest,
      write: (lba, sectors, memory, offset, token) =>
        ++count % 50 === 0 ? 0 : honest.write(lba, sectors, memory, offset, token),
    };
    const outcome = await run({ ...texts, runtime: "60ms", size: "64k" }, { store });
    const verdicts = outcome.verifier?.first.map(({ verdict }) => verdict) ?? [];
    expect(outcome.verifier?.mismatches).toBeGreaterThan(10);
    expect(verdicts).toContain(STALE);
    expect(figuresOf(outcome).mismatches).toBe(outcome.verifier?.mismatches ?? -1);
  });

  test("a workload that only reads writes nothing", async () => {
    const honest = createMemoryStore(SECTORS);
    let writes = 0;
    const store: Store = {
      ...honest,
      write: (lba, sectors, memory, offset, token) => {
        writes++;
        return honest.write(lba, sectors, memory, offset, token);
      },
    };
    await run({ rw: "randread", verify: "crc32c" }, { store });
    expect(writes).toBe(0);
  });
});

test("commands that fail are counted, named, and not in the figures", async () => {
  const EIO = 5;
  const store: Store = { ...createMemoryStore(SECTORS), read: () => EIO };
  const outcome = await run({ iodepth: "2" }, { store });
  expect(outcome.load.completed).toBe(0);
  expect(outcome.load.failures).toBeGreaterThan(100);
  expect(outcome.load.firstFailure).toMatch(
    /^read of 8 sectors at \d+: ATA error \(status 0x\w+, error 0x40/,
  );
});

test("what nobody checks stays where it came in: a read has memory only where it is verified", () => {
  for (const verify of [false, true]) {
    const { load, open, advance, end } = handLoad({
      iodepth: 1,
      rampTime: 0,
      runtime: 1e12,
      rw: "randrw",
      verify,
    });
    const seen = new Set<string>();
    for (let now = 1; now < 100; now++) {
      advance(now);
      const [command] = open;
      const kind = command?.operation === READ ? "read" : "write";
      seen.add(`${kind} ${command?.memory !== null}`);
      end(now, ATA_ERROR);
    }
    expect([...seen].sort()).toEqual([`read ${verify}`, "write true"]);
    expect(load.failures).toBe(99);
  }
});

test("Little's law holds where a submit is older than the answer before it, as in slices that last", () => {
  const { load, open, advance, end } = handLoad({ iodepth: 2, rampTime: 100, runtime: 1000 });
  for (let now = 0; !load.finished; now += 100) {
    // The slice began at `now`, and found the answer 30 later.
    for (let count = open.length; count > 0; count--) end(now + 30);
    advance(now);
  }
  expect(load.totalTime).toBeGreaterThan(2000);
  const law = littlesLaw(load.measuredTo - load.measuredFrom, load.totalTime, load.area);
  expect(law).toMatchObject({ error: 0, holds: true });
});

describe("steady state", () => {
  /** A device that ends every command at the next step. */
  function bench(onDone: () => void) {
    const queue: Command[] = [];
    let head = 0;
    const spec = { rw: "randrw", bs: 512, offset: 0, size: 0, rwmixread: 50 } as const;
    const workload = new Workload(spec, 1 << 20, createRandom(1));
    const bytes = new Uint8Array(16 * 512);
    const load = new Load(
      { iodepth: 16, rampTime: 0, runtime: 1e12, bs: 512 },
      workload,
      new AsRoomAllows(),
      null,
      { submit: (command) => queue.push(command) },
      { bytes, view: new DataView(bytes.buffer), address: 0 },
      0,
    );
    let now = 0;
    const step = (): void => {
      now += 50_000;
      for (let end = queue.length; head < end; head++) {
        const command = queue[head];
        if (command === undefined) continue;
        command.outcome = OK;
        command.submittedAt = now - 50_000;
        command.bufferedAt = now - 49_000;
        command.sentAt = now - 48_000;
        command.doneAt = now;
        command.transmits = 1;
        command.done(command);
        onDone();
      }
      queue.length = 0;
      head = 0;
      load.advance(now);
    };
    return { load, step };
  }

  function objects(): number {
    return Object.values(heapStats().objectTypeCounts).reduce((sum, count) => sum + count, 0);
  }

  /** Objects made by `steps` steps beyond what the counting itself makes; the least of some tries. */
  function madeBy(step: () => void, steps: number): number {
    for (let i = 0; i < 2000; i++) step();
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5; attempt++) {
      const start = objects();
      const control = objects() - start;
      const before = objects();
      for (let i = 0; i < steps; i++) step();
      least = Math.min(least, objects() - before - control);
    }
    return least;
  }

  test("allocates nothing per command; a control that does is caught", () => {
    const clean = bench(() => {});
    expect(madeBy(clean.step, 100)).toBeLessThan(200);
    expect(clean.load.completed).toBeGreaterThan(30_000);
    const kept: object[] = [];
    const wasteful = bench(() => kept.push({ at: kept.length }));
    expect(madeBy(wasteful.step, 100)).toBeGreaterThan(1000);
  });
});

test("a write that is held back for a late copy of one before it waits for that, not for the window", async () => {
  // One block in four places, one frame in fifty lost: what overlaps a write that was sent again has to wait.
  const texts = { rw: "randwrite", bs: "4k", size: "16k", iodepth: "4", runtime: "20s" };
  const { load } = await run({ ...texts, faults: "tx:drop:2%" });
  expect(load.completed).toBeGreaterThan(20);
  // A write may be feared for a second.
  expect(mean(load.holdBack)).toBeGreaterThan(10e6);
  expect(mean(load.windowWait)).toBeLessThan(1e6);
  expect(load.bufferWait.most).toBe(0);
  const { bufferWait, holdBack, linkWait, schedule, windowWait, wire } = load;
  const parts = [schedule, holdBack, windowWait, bufferWait, linkWait, wire];
  expect(parts.reduce((sum, part) => sum + mean(part), 0) / mean(load.lat)).toBeCloseTo(1, 6);
  // Reads are not.
  const reads = await run({ ...texts, rw: "randread", runtime: "200ms", faults: "tx:drop:2%" });
  expect(reads.load.holdBack.most).toBe(0);
});
