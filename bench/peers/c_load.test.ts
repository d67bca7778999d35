// The load in C from our side: its words, what it says, and when it was the limit. It runs in
// peers.long.test.ts.

import { describe, expect, test } from "bun:test";
import { cLoadWords, readCLoad } from "./c_load.ts";
import { isLoadTheLimit } from "./load_limit.ts";

describe("the words of its command line", () => {
  const task = {
    programs: "/c",
    shelf: "7",
    slot: "3",
    interfaces: ["a0", "a1"],
    bytes: 1024,
    rw: "read",
    seed: 5,
  } as const;

  test("are options, place, shape, then the stages in microseconds", () => {
    const stages = [
      { kind: "warm", depth: 16, ns: 3e9 },
      { kind: "measure", depth: 64, ns: 1500, from: 20, count: 2 },
    ] as const;
    expect(cLoadWords({ ...task, stages }).join(" ")).toBe(
      "/c/load -r 5 7 3 a0,a1 1024 read warm:16:3000000 measure:64:2:20:2",
    );
  });

  test("name what is asked for only", () => {
    const more = { frugal: true, initiators: 8, places: "/p", watched: 77 };
    expect(cLoadWords({ ...task, ...more, stages: [] }).join(" ")).toBe(
      "/c/load -r 5 -f -i 8 -p /p -w 77 7 3 a0,a1 1024 read",
    );
  });
});

describe("what it says", () => {
  const found = {
    commands: 10,
    elapsed_ns: 1e6,
    busy_ns: 5e5,
    lat_p50_ns: 1,
    lat_p99_ns: 2,
    lat_p999_ns: 3,
    cpu_ns: 1e6,
    target_cpu_ns: null,
    target_resident_bytes: null,
    retransmits: 0,
    receive_drops: 0,
    send_calls: 4,
  };

  test("is read whole", () => {
    const said = { way: "sendmmsg", stages: [found, found] };
    expect(readCLoad(JSON.stringify(said))).toEqual(said);
  });

  test.each([
    ["nothing", ""],
    ["a line that broke off", '{"way":"sendmmsg","stages":['],
    ["a stage without its commands", '{"way":"w","stages":[{"elapsed_ns":1}]}'],
  ])("%s is nothing", (_name, text) => {
    expect(readCLoad(text)).toBeNull();
  });
});

describe("the load is the limit", () => {
  /** The target's share of its CPU; null: not known. */
  const isLimit = (load: number | null, target: number | null): boolean =>
    isLoadTheLimit({
      iops: 1e5,
      load_busy_share: load,
      target_cpu_per_command_ns: target === null ? null : target * 1e4,
    });

  test.each([
    ["a load that waits is none, whatever the target does", 0.5, 0.1, false],
    ["a saturated one is, also beside a target that polls", 0.96, 1, true],
    ["a saturated one is without a word about the target", 0.96, null, true],
    ["one that is busier than its target is", 0.85, 0.7, true],
    ["one that is less busy than its target is none", 0.85, 1, false],
    ["one of which nothing is known is none", null, 0.1, false],
  ])("%s", (_name, load, target, limit) => {
    expect(isLimit(load, target)).toBe(limit);
  });
});
