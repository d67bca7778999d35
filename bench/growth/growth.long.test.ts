// Growth: options, places, what trials say of an axis, results joined, and a point of each kind in a lab.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Failure } from "../../words/failure.ts";
import { makeTrialEnvironment } from "../run/trial_environment.ts";
import { probeLab } from "../../lab/lab.ts";
import { AOE } from "../../lab/programs.ts";
import {
  AXES,
  AXIS_NAMES,
  type AxisName,
  axisOf,
  FLAT,
  type GrowthShape,
  placeOf,
} from "./axes.ts";
import { compileLimits, findCompiler } from "../peers/limits.ts";
import { exportBars } from "./census.ts";
import { growth, pointsOf } from "./growth.ts";
import { runPoint } from "./trial.ts";
import { type GrowthFigures, type GrowthResult, GrowthSchema, type GrowthTrial } from "./result.ts";
import { showGrowth } from "./show.ts";
import { summaryOf } from "./summary.ts";
import { formatBlocks } from "../result/blocks.ts";
import { readAs } from "../result/result_file.ts";
import { mergeExperiments } from "../run/experiment.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-growth-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function aoe(...words: string[]) {
  const run = Bun.spawnSync([process.execPath, AOE, "bench", "growth", ...words], {
    stdout: "pipe",
    stderr: "pipe",
  });
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

describe("options", () => {
  test("every axis unless some are named, in one order and once", () => {
    expect(growth.parse({}).axes).toEqual([...AXIS_NAMES]);
    expect(growth.parse({ axis: ["image,depth", "image"] }).axes).toEqual(["depth", "image"]);
  });

  const wrong: [Record<string, unknown>, string][] = [
    [{ axis: ["width"] }, "Expected `--axis` to be one of exports, depth, image"],
    [{ rounds: "0" }, "--rounds"],
    [{ runtime: "0s" }, "Expected `--runtime` to be a duration above 0, got `0s`"],
    [{ runtime: "5" }, "--runtime"],
    [{ warmUp: "soon" }, "--warm-up"],
    [{ seed: "-1" }, "--seed"],
  ];
  for (const [given, words] of wrong) {
    test(`refused: ${JSON.stringify(given)}`, () => {
      expect(() => growth.parse(given)).toThrow(Failure);
      expect(() => growth.parse(given)).toThrow(words);
    });
  }

  test("a usage error is exit code 2 and one sentence", () => {
    const { code, err } = aoe("--axis", "width");
    expect(code).toBe(2);
    expect(err.trim().split("\n")).toHaveLength(1);
  });

  test("a result that is none is refused, and so is measuring beside results", () => {
    const file = join(folder, "none.json");
    writeFileSync(file, "{}");
    expect(aoe(file)).toMatchObject({ code: 2 });
    expect(aoe(join(folder, "absent.json"))).toMatchObject({ code: 5 });
    expect(aoe(file, "--rounds", "3").err).toContain("--rounds");
  });
});

describe("places", () => {
  const shapes = AXES.flatMap(({ name, values, shape }) =>
    values.map((value): [string, GrowthShape] => [`${name} ${value}`, shape(value)]),
  );
  for (const [name, shape] of shapes) {
    test(`${name}: every place is its own page within the image`, () => {
      const seen = new Set<string>();
      for (let place = 0; place < shape.places; place++) {
        const { owner, lba } = placeOf(shape, place);
        expect(owner).toBeLessThan(shape.exports);
        expect((lba + 2) * 512).toBeLessThanOrEqual(shape.image_bytes);
        seen.add(`${owner} ${Math.floor(lba / 8)}`);
      }
      expect(seen.size).toBe(shape.places);
    });
  }

  test("the far end of a terabyte is read", () => {
    const shape = axisOf("image").shape(2 ** 40);
    expect(placeOf(shape, shape.places - 1).lba).toBe(2 ** 31 - 8);
  });
});

const FIGURES: GrowthFigures = {
  reads: 1000,
  lost: 0,
  iops: 1e5,
  target_cpu_ns: 3000,
  load_cpu_ns: 3000,
  load_busy_share: 0.6,
  load_way: null,
  target_way: null,
  lat_p50_ns: 5000,
  lat_p99_ns: 9000,
  resident_bytes: 50e6,
  others_cpu_share: 0,
};

/** A trial of each point, its cost by `cost` of the point's place on the axis, from 0. */
function trialsOf(axis: AxisName, cost: (at: number) => number): GrowthTrial[] {
  return pointsOf([axis]).map((point, at) => ({
    ...point,
    order: at,
    attempt: 0,
    disturbed: false,
    repeated: false,
    failure: null,
    figures: { ...FIGURES, target_cpu_ns: cost(at) },
  }));
}

describe("what trials say", () => {
  test("up to the limit an axis is flat, and beyond it there is a reason", () => {
    const last = axisOf("exports").values.length - 1;
    const [flat] = summaryOf(trialsOf("exports", (at) => (at === last ? 3000 * FLAT : 3000)));
    expect(flat?.ends[0]).toMatchObject({ ratio: FLAT, flat: true, reason: null });
    const [grown] = summaryOf(trialsOf("exports", (at) => (at === last ? 4000 : 3000)));
    expect(grown?.ends[0]).toMatchObject({ flat: false, reason: axisOf("exports").reason });
    expect(grown?.ends[1]).toMatchObject({ ratio: 1, flat: true });
  });

  test("where the load was the limit of an end, CPU time is not judged and rates are marked", () => {
    const trials = trialsOf("image", () => 3000).map((one, at) => ({
      ...one,
      figures: { ...FIGURES, load_busy_share: at === 0 ? 0.97 : 0.5 },
    }));
    const axes = summaryOf(trials);
    expect(axes[0]?.ends[0]).toMatchObject({ ratio: null, flat: null });
    expect(axes[0]?.ends[1]).toMatchObject({ ratio: 1, flat: true });
    const text = formatBlocks(showGrowth({ ...resultOf("image"), trials, axes }));
    expect(text).toContain("≥ 100,000");
    expect(text).toContain("target CPU per read: not judged: the load was the limit");
  });

  test("a trial that others disturbed does not count, and one that failed leaves its point without figures", () => {
    const trials = trialsOf("image", () => 3000);
    const [first] = trials;
    if (first === undefined) throw new Error("invariant: an axis has points");
    const disturbed = { ...first, repeated: true, figures: { ...FIGURES, target_cpu_ns: 1e9 } };
    const [image] = summaryOf([...trials, disturbed]);
    expect(image?.points[0]?.target_cpu_ns).toMatchObject({ median: 3000, n: 1 });
    const failed = { ...first, figures: null, failure: "No room" };
    const [without] = summaryOf([failed, ...trials.slice(1)]);
    expect(without?.points[0]?.target_cpu_ns).toBeNull();
    expect(without?.ends[0]).toMatchObject({ ratio: null, flat: null });
  });
});

describe("what is promised of exports", () => {
  const census = {
    start_ns: 1e9,
    discovered: 10_000,
    discovery_ns: 1e9,
    idle_bytes: 50e6,
    one_export_ns: 3000,
  };
  const point = (value: number, p50: number, more: Partial<typeof census> = {}) => ({
    value,
    lat_p50_ns: { median: p50 },
    census: { ...census, ...more },
  });

  test("is met by figures that are good, and each that is not is named", () => {
    const good = exportBars([point(1, 100), point(10_000, 110, { idle_bytes: 90e6 })]);
    expect(good.map(({ met }) => met)).toEqual([true, true, true, true, true]);
    const missed = {
      start_ns: 3e9,
      discovered: 9999,
      idle_bytes: 92e6,
      one_export_ns: 3301,
    };
    const bad = exportBars([point(1, 100), point(10_000, 120, missed)]);
    expect(bad.map(({ met }) => met)).toEqual([false, false, false, false, false]);
  });

  test("is not judged without both ends", () => {
    expect(exportBars([point(1, 100)])).toEqual([]);
    expect(exportBars([point(1, 100), { value: 10_000, lat_p50_ns: null }])).toEqual([]);
  });
});

function resultOf(axis: AxisName, machine = "m"): GrowthResult {
  const trials = trialsOf(axis, (at) => 3000 + 1000 * at);
  return {
    schema_version: 1,
    kind: "aoe bench growth",
    started_at: "2026-01-01T00:00:00.000Z",
    elapsed_ns: 1,
    cut_short: false,
    seed: 1,
    setting: {
      rounds: 1,
      runtime_ns: 1,
      warm_up_ns: 1,
      read_bytes: 1024,
      mtu: 1500,
      target_cpu: 0,
      load_cpu: 1,
    },
    provenance: {
      program: "aoe",
      git_revision: "r",
      git_dirty: false,
      bun: "b",
      kernel: "k",
      architecture: "x64",
      cpu: "c",
      cpus_allowed: [0, 1],
      governor: null,
      machine,
      user: "ordinary",
    },
    trials,
    axes: summaryOf(trials),
  };
}

describe("results", () => {
  test("of one axis each are joined, and shown with ratio and reason", () => {
    const files = (["depth", "interfaces"] as const).map((axis) => {
      const file = join(folder, `${axis}.json`);
      writeFileSync(file, JSON.stringify(resultOf(axis)));
      return file;
    });
    const { code, out } = aoe(...files);
    expect(code).toBe(0);
    expect(out).toContain("target CPU per read: 2.67 ×: more frames wait");
    expect(out).toContain("target CPU per read: 2.00 ×: a turn of the loop");
    expect(out).toContain("median latency: 1.00 ×, flat");
  });

  test("of two machines are not", () => {
    const results = [resultOf("depth"), resultOf("image", "other")];
    expect(() => mergeExperiments(growth, results)).toThrow("they differ in the machine");
  });

  test("tell what failed", () => {
    const result = resultOf("image");
    const trials = result.trials.map((trial) => ({ ...trial, figures: null, failure: "No room" }));
    const text = formatBlocks(showGrowth({ ...result, trials, axes: summaryOf(trials) }));
    expect(text).toContain("image 1048576: No room");
    expect(text).toContain("not measured at both ends");
  });
});

describe("a point in a lab", () => {
  const probe = probeLab({ mtu: 1500, pairs: 8 });
  const noCompiler = findCompiler() === null ? "no C compiler" : "";
  const reason = probe.available ? noCompiler : probe.reason;
  const why = reason === "" ? "" : `: ${reason}`;
  const small = axisOf("image").shape(1 << 20);
  const shapes: [string, GrowthShape][] = [
    ["100 exports, opened on first use", { ...small, exports: 100, places: 200 }],
    ["600 exports and their census", { ...small, exports: 600, places: 1200, census: true }],
    ["1024 outstanding", { ...small, depth: 1024, latency_depth: 1024 }],
    ["a terabyte", { ...small, image_bytes: 2 ** 40 }],
    ["64 initiators on 8 interfaces", { ...small, initiators: 64, interfaces: 8 }],
  ];
  for (const [name, shape] of shapes) {
    test.skipIf(why !== "")(
      `${name}${why}`,
      async () => {
        const trialEnv = makeTrialEnvironment("packet", 1);
        try {
          compileLimits(trialEnv.folder);
          const setting = { runtime: 2e9, warmUp: 20e6, seed: 1 };
          const { figures, failure } = await runPoint(shape, setting, trialEnv);
          expect(failure).toBeNull();
          // How many is up to the machine.
          expect(figures?.reads).toBeGreaterThan(0);
          expect(figures?.lat_p50_ns).toBeGreaterThan(0);
          expect(figures?.load_way).toBe("sendmmsg");
          expect(figures?.target_way).toMatch(/^(AF_XDP|send) \d+ %/);
          if (shape.census === true) {
            expect(figures?.census).toMatchObject({ discovered: shape.exports });
            expect(figures?.census?.start_ns).toBeGreaterThan(1e6);
            expect(figures?.census?.one_export_ns).toBeWithin(100, 1e9);
          }
        } finally {
          trialEnv.remove();
        }
      },
      60_000,
    );
  }
});

test("docs/performance.md shows the ratios of fixtures/results/growth.json", () => {
  const root = join(import.meta.dir, "../..");
  const page = readFileSync(join(root, "docs", "performance.md"), "utf8");
  const { axes } = readAs(
    join(root, "fixtures", "results", "growth.json"),
    GrowthSchema,
    growth.kind,
  );
  expect(axes.length).toBe(5);
  for (const { axis, points, ends } of axes) {
    const row = page.split("\n").find((line) => line.split("|")[1]?.trim() === axis) ?? "";
    const cells = row.split("|").map((cell) => cell.trim());
    expect(cells[2]).toBe(points.map(({ label }) => label).join(" / "));
    expect(cells.slice(5, 7)).toEqual(ends.map(({ ratio }) => (ratio ?? Number.NaN).toFixed(2)));
  }
});
