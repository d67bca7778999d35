// A trace against the figures of the same run, over the memory link under the virtual clock: every
// command, buffer and kick of the measured time stands in it once, in its place.

import { describe, expect, test } from "bun:test";
import { createMemoryPair } from "../../../link/memory.ts";
import { createVirtualClock } from "../../../link/virtual_clock.ts";
import { Export } from "../../../target/protocol/export.ts";
import { parseServiceModel } from "../../../target/service/model.ts";
import { createMemoryStore } from "../../../target/stores/memory.ts";
import { Target } from "../../../target/protocol/target.ts";
import { createRandom } from "../../../words/random.ts";
import { parseLoad, type LoadTexts } from "../options.ts";
import { figuresOf } from "../load_document.ts";
import { type LoadOutcome, runLoad } from "../run_load.ts";
import { Trace } from "./trace.ts";
import { shortfall, type TraceDocument, traceDocument, type TraceEvent } from "./trace_file.ts";

const SECTORS = 4096;

async function run(texts: LoadTexts, trace?: Trace, service = ""): Promise<LoadOutcome> {
  const waiter = createVirtualClock(1e9);
  const [near, far] = createMemoryPair({ clock: waiter, latency: 20e3, mtu: 9000 });
  const target = new Target();
  const model = parseServiceModel(service, {
    what: "service",
    random: createRandom(1),
    sectors: SECTORS,
  });
  const store = createMemoryStore(SECTORS);
  target.addExport(new Export({ major: 7, minor: 3, store, bufferCount: 16, model }));
  target.addPort(far, "far");
  return runLoad({
    link: near,
    waiter,
    beside: target,
    address: { major: 7, minor: 3 },
    patience: 1e9,
    options: parseLoad({ warmUp: "1ms", rampTime: "5ms", runtime: "12ms", ...texts }),
    mode: "frugal",
    say: () => {},
    ...(trace === undefined ? {} : { trace }),
  });
}

const LATE: LoadTexts = { reclaim: "coalesce:64/1ms", kick: "3ms", poolPrealloc: "16" };

async function tracedRun(texts: LoadTexts, service?: string) {
  const trace = new Trace(20_000);
  const outcome = await run(texts, trace, service);
  // As from a file.
  const document = JSON.parse(JSON.stringify(traceDocument(trace, {}))) as TraceDocument;
  return { outcome, trace, document, events: document.traceEvents };
}

const named = (events: readonly TraceEvent[], name: string): TraceEvent[] =>
  events.filter((event) => event.name === name);
const total = (events: readonly TraceEvent[]): number =>
  events.reduce((sum, event) => sum + (event.dur ?? 0), 0);
const endOf = (event: TraceEvent): number => event.ts + (event.dur ?? 0);

/** Slices of one row either lie one after the other or one inside the other. */
function checkNesting(events: readonly TraceEvent[]): number {
  const open = new Map<string, TraceEvent[]>();
  let deepest = 0;
  for (const event of events) {
    if (event.ph !== "X") continue;
    const row = `${event.pid} ${event.tid}`;
    const stack = open.get(row) ?? [];
    open.set(row, stack);
    while (stack.length > 0 && endOf(stack.at(-1) as TraceEvent) <= event.ts + 1e-6) stack.pop();
    const around = stack.at(-1);
    if (around !== undefined) expect(endOf(event)).toBeLessThanOrEqual(endOf(around) + 1e-6);
    stack.push(event);
    deepest = Math.max(deepest, stack.length);
  }
  return deepest;
}

describe("a trace", () => {
  for (const pool of ["fixed", "scan-swap", "lifo-swap", "per-send", "completion"] as const) {
    test(`of ${pool} holds what its metrics count`, async () => {
      const { outcome, events } = await tracedRun({ ...LATE, pool });
      const { pool: snapshot } = outcome;
      const measured = (key: "acquires" | "kicks" | "kick_stall_ns"): number =>
        snapshot[key] - (snapshot.at_warm?.[key] ?? 0);
      expect(named(events, "owned").length).toBe(measured("acquires"));
      expect(named(events, "owned").length).toBeGreaterThan(15);
      expect(named(events, "kick").length).toBe(measured("kicks"));
      // A stall may have begun before the measured time did; the slice is cut there.
      const stalled = total(named(events, "dry, nothing outstanding")) * 1e3;
      expect(stalled).toBeLessThanOrEqual(measured("kick_stall_ns") + 1);
      expect(stalled).toBeGreaterThanOrEqual(measured("kick_stall_ns") - 3e6);
      // Those that were held when the measured time began or ended stand in one of the two counts.
      const held = named(events, "held by the link").length;
      expect(Math.abs(held - snapshot.pin_ns.count)).toBeLessThanOrEqual(snapshot.pinned_only_peak);
      expect(held).toBeGreaterThan(15);
      const levels = named(events, "buffers").map((event) => event.args as { held: number });
      expect(Math.max(...levels.map(({ held }) => held))).toBeLessThanOrEqual(
        snapshot.pinned_only_peak,
      );
    });
  }

  test("of a pool that runs dry shows its kicks", async () => {
    const { outcome, events } = await tracedRun({ ...LATE, pool: "fixed", runtime: "200ms" });
    expect(named(events, "kick").length).toBe(figuresOf(outcome).kicks);
    expect(named(events, "kick").length).toBeGreaterThan(15);
  });

  test("holds every command that was submitted in the measured time, with the parts of its way", async () => {
    const { outcome, events } = await tracedRun(
      { ...LATE, pool: "scan-swap", iodepth: "24" },
      "lanes:2,delay:fixed/30us",
    );
    const reads = named(events, "read");
    // Those under way when the measured time began end in it and began before, and the other way round.
    expect(Math.abs(reads.length - outcome.load.completed)).toBeLessThanOrEqual(24);
    expect(new Set(reads.map(({ tid }) => tid)).size).toBe(24);
    const parts = [
      "hold-back",
      "window wait",
      "buffer wait",
      "link wait",
      "target and wire",
    ].flatMap((name) => named(events, name));
    expect(total(parts)).toBeCloseTo(total(reads), 2);
    expect(total(named(events, "window wait"))).toBeGreaterThan(0);
  });

  test("stands in order, nests, and has no time before its start", async () => {
    const { events } = await tracedRun({ ...LATE, pool: "scan-swap" });
    let last = 0;
    for (const event of events) {
      expect(event.ts).toBeGreaterThanOrEqual(last);
      if (event.ph === "X") expect(event.dur).toBeGreaterThanOrEqual(0);
      last = event.ts;
    }
    expect(checkNesting(events)).toBe(2);
  });

  test("the check of nesting finds slices that cross", () => {
    const slice = { name: "a", ph: "X", pid: 1, tid: 1 } as const;
    expect(() =>
      checkNesting([
        { ...slice, ts: 0, dur: 10 },
        { ...slice, ts: 5, dur: 10 },
      ]),
    ).toThrow();
  });

  test("changes nothing: the run is the same without it", async () => {
    const plain = await run({ ...LATE, pool: "scan-swap" });
    const { outcome } = await tracedRun({ ...LATE, pool: "scan-swap" });
    expect(outcome.pool).toEqual(plain.pool);
    expect(figuresOf(outcome)).toEqual({
      ...figuresOf(plain),
      cpu_per_command_ns: figuresOf(outcome).cpu_per_command_ns,
    });
  });

  test("keeps no more than its limit, and says so", async () => {
    const trace = new Trace(100);
    const outcome = await run({ ...LATE, pool: "scan-swap" }, trace);
    const document = traceDocument(trace, { device: "e7.3" });
    expect(named(document.traceEvents, "read").length).toBe(100);
    expect(document.otherData).toMatchObject({ device: "e7.3", commands: 100 });
    const leftOut = Number(document.otherData["commands_left_out"]);
    expect(Math.abs(100 + leftOut - outcome.load.completed)).toBeLessThanOrEqual(16);
    expect(named(document.traceEvents, "owned").length).toBeLessThanOrEqual(300);
    expect(shortfall(trace)).toBe(
      `The trace holds the first 100 of ${100 + leftOut} commands; \`--trace-limit\` sets how many.`,
    );
  });
});
