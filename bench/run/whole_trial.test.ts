// A trial of several loads: sums of what adds up, means by command, percentiles of all commands together.

import { describe, expect, test } from "bun:test";
import { Histogram } from "../../statistics/histogram.ts";
import { PLAIN } from "../../testing/doubles/sample_result.ts";
import { versionOf, wholeDrops, wholeFigures } from "./whole_trial.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import type { Figures, LoadResult } from "../load/figures.ts";

/** A load whose commands took these times, ns. */
function load(own: Partial<Figures>, ...times: readonly number[]): LoadResult {
  const histogram = new Histogram();
  for (const time of times) histogram.record(time);
  const figures = { ...PLAIN, lat_max_ns: histogram.most, ...own };
  const fio = { jobs: [{ aoe: { lat_buckets_ns: histogram.buckets() } }] };
  return { address: "e7.3", interface: "a0", figures, fio };
}

/** A load in which nothing ended. */
const IDLE: Partial<Figures> = {
  iops: 0,
  lat_mean_ns: null,
  lat_p50_ns: null,
  lat_max_ns: null,
  buffer_wait_mean_ns: null,
  buffer_wait_p99_ns: null,
  cpu_per_command_ns: null,
  cpu_quiet_ns: null,
  steady: null,
};

test("of a single load it is that load's, of none there is none", () => {
  const one = load({ iops: 5 }, 100);
  expect(wholeFigures([one])).toBe(one.figures);
  expect(wholeFigures([])).toBeNull();
});

describe("of two loads", () => {
  test("percentiles are those of all commands, and the longest is exact", () => {
    const whole = wholeFigures([
      load({ lat_p99_ns: 1000 }, ...Array<number>(97).fill(1000)),
      load({ lat_p99_ns: 1_234_567 }, 2000, 2000, 1_234_567),
    ]);
    expect(whole).toMatchObject({
      lat_p50_ns: 1000,
      lat_p90_ns: 1000,
      lat_p99_ns: 2000,
      lat_p999_ns: 1_234_567,
      lat_max_ns: 1_234_567,
    });
  });

  test("counts and rates are summed, peaks the largest, means weighed by commands", () => {
    const whole = wholeFigures([
      load(
        {
          ...{ iops: 3000, lat_mean_ns: 100, cpu_per_command_ns: 10, cpu_quiet_ns: null, dry: 2 },
          ...{ kicks: 1, kick_stall_ns: 5, pool_length_peak: 4, kick_commands_p50: 16 },
          ...{ buffer_wait_p99_ns: 7, retransmits: 1, runtime_ns: 1e9 },
        },
        100,
      ),
      load(
        {
          ...{ iops: 1000, lat_mean_ns: 500, cpu_per_command_ns: 50, cpu_quiet_ns: 8, dry: 3 },
          ...{ kicks: 2, kick_stall_ns: 6, pool_length_peak: 9, kick_commands_p50: null },
          ...{ buffer_wait_p99_ns: 3, retransmits: 4, runtime_ns: 2e9 },
        },
        500,
      ),
    ]);
    expect(whole).toMatchObject({
      iops: 4000,
      lat_mean_ns: 200,
      cpu_per_command_ns: 20,
      cpu_quiet_ns: 8,
      dry: 5,
      kicks: 3,
      kick_stall_ns: 11,
      pool_length_peak: 9,
      kick_commands_p50: 16,
      buffer_wait_p99_ns: 7,
      retransmits: 5,
      runtime_ns: 2e9,
    });
  });

  test("one without commands has no weight, and two without have no times", () => {
    const busy = load({ iops: 10, lat_mean_ns: 100, cpu_per_command_ns: 10 }, 100);
    expect(wholeFigures([busy, load(IDLE)])).toMatchObject({
      iops: 10,
      lat_mean_ns: 100,
      lat_p99_ns: 100,
      lat_max_ns: 100,
      cpu_per_command_ns: 10,
      steady: true,
    });
    expect(wholeFigures([load(IDLE), load(IDLE)])).toMatchObject({
      iops: 0,
      lat_mean_ns: null,
      lat_p50_ns: null,
      lat_p99_ns: null,
      lat_max_ns: null,
      buffer_wait_mean_ns: null,
      buffer_wait_p99_ns: null,
      cpu_per_command_ns: null,
      cpu_quiet_ns: null,
      kick_commands_p50: null,
      steady: null,
    });
    // Its rate says that nothing ended, whatever else it says.
    const odd = load({ ...IDLE, lat_mean_ns: 900 });
    expect(wholeFigures([busy, odd])?.lat_mean_ns).toBe(100);
  });

  test("it is steady and lawful where no load says otherwise", () => {
    const steady = (a: boolean | null, b: boolean | null): boolean | null | undefined =>
      wholeFigures([load({ steady: a }, 1), load({ steady: b }, 1)])?.steady;
    expect([steady(true, null), steady(true, false), steady(null, false)]).toEqual([
      true,
      false,
      false,
    ]);
    const lawful = wholeFigures([load({}, 1), load({ littles_law_holds: false }, 1)]);
    expect(lawful?.littles_law_holds).toBe(false);
  });
});

test("drops are those of both ends, and of the target what it told", () => {
  const one = {
    ...load({}, 1),
    fio: { jobs: [{ aoe: { link: { receiveDrops: 1, transmitBusy: 2, transmitErrors: 3 } } }] },
  };
  const told = { beyond: 4, lost: 5, waited: 6, way: null };
  expect(wholeDrops([one, one], [told, told])).toEqual({
    initiator: { receive: 2, busy: 4, errors: 6 },
    target: { receive: 10, busy: 12, errors: 8 },
  });
  // One that told nothing may have lost anything: that is no data, not zero.
  expect(wholeDrops([one], [told, null]).target).toBeNull();
  expect(wholeDrops([one], []).target).toBeNull();
});

test("a document says its schema version; one that does not is of the first", () => {
  expect(versionOf({ aoe: { schema_version: SCHEMA_VERSION } })).toBe(SCHEMA_VERSION);
  expect([versionOf({}), versionOf({ aoe: {} })]).toEqual([1, 1]);
});
