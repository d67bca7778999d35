// What a report reads: files by their kind, names that tell two of one name apart, schemas of a later program.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "bun:test";

import { parseJob } from "../job/job.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { WHOLE } from "../whole/whole_result.ts";
import { compose } from "./compose.ts";
import { NO_MATERIAL, readMaterial } from "./read_material.ts";
import { REPRODUCTION } from "../claims/reproduction.ts";
import { ownFile } from "../../sys/root.ts";
import { GROWTH, GrowthSchema } from "../growth/result.ts";
import { PEERS, PeersSchema } from "../peers/result.ts";
import { readAs } from "../result/result_file.ts";
import { SEARCH } from "../judge/search/search_file.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-material-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: object): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const run = sampleRun(parseJob("[one]", "j.toml"), () => [{}], { warnings: ["one CPU for all"] });

test("files of one name are told apart by their folders, others by their names", () => {
  const files = [file("a/r.json", run), file("b/r.json", run), file("s.json", run)];
  const { names, runs } = readMaterial(files);
  expect(names).toEqual([join(folder, "a/r"), join(folder, "b/r"), "s"]);
  expect(runs.map(({ name }) => name)).toEqual([...names]);
});

test("a later program's file of any kind is the environment's, a damaged one the user's", () => {
  for (const kind of [WHOLE, REPRODUCTION]) {
    const later = file("later.json", { kind, schema_version: SCHEMA_VERSION + 1 });
    expect(() => readMaterial([later])).toThrow(
      `${later} has schema version ${SCHEMA_VERSION + 1} and this program knows versions up to ${SCHEMA_VERSION}`,
    );
    const damaged = file("damaged.json", { kind, schema_version: SCHEMA_VERSION });
    expect(() => readMaterial([damaged])).toThrow(
      `Expected a result of \`${kind}\`, got one whose`,
    );
  }
});

test("a load's document is drawn as a run of one trial", () => {
  const trial = run.cells[0]?.trials[0];
  const { provenance } = run;
  const block = { figures: trial?.figures, interrupted: false };
  const document = {
    ...{ "fio version": "aoe bench", timestamp_ms: 1_767_225_600_000 },
    jobs: [{ "job options": { iodepth: "4", pool: "fixed" }, aoe: block }],
    aoe: {
      ...{ schema_version: SCHEMA_VERSION, device: "e7.3", interface: "a0", mtu: 1500 },
      ...{ link: "packet", pinning: [1], provenance },
    },
  };
  const { runs } = readMaterial([file("load.json", document)]);
  const [one] = runs;
  expect(one).toMatchObject({ name: "load", run: { link: "packet", pinning: { load: 1 } } });
  expect(one?.run.started_at).toBe("2026-01-01T00:00:00.000Z");
  expect(one?.run.cells[0]?.values).toMatchObject({ iodepth: "4", pool: "fixed", bs: "4k" });
  const { sections } = compose({ ...NO_MATERIAL, names: ["load"], runs });
  expect(sections.find(({ id }) => id === "throughput")?.charts.length).toBe(1);
  // What is none of ours is refused as before.
  const other = file("fio.json", { ...document, aoe: {} });
  expect(() => readMaterial([other])).toThrow("got something without kind and schema_version");
});

test("a search is drawn with every value that it tried", () => {
  const steps = [
    { value: 64, figure: 40_000, enough: true },
    { value: 32, figure: 9_000, enough: false },
    { value: 48, figure: null, enough: true },
  ];
  const { provenance, schema_version } = run;
  const own = { schema_version, kind: SEARCH, what: "cap", value: 48, sentence: "48 is enough." };
  const { sections } = compose(readMaterial([file("s.json", { ...own, steps, provenance })]));
  expect(sections.map(({ id, finding }) => [id, finding.slice(0, 13)])).toEqual([
    ["search", "48 is enough."],
    ["origin", "Measured with"],
  ]);
  expect(sections[0]?.table?.rows.map((row) => row.slice(2))).toEqual([
    ["no", ""],
    ["yes", "found"],
    ["yes", ""],
  ]);
});

test("peers and growth are drawn, each bar with its verdict", () => {
  const path = (name: string): string => ownFile(`fixtures/results/${name}.json`);
  const { sections } = compose(readMaterial([path("peers"), path("growth")]));
  const [peers, growth, origin] = sections;
  expect(sections.map(({ id }) => id)).toEqual(["peers", "growth", "origin"]);
  const { bars, cells } = readAs(path("peers"), PeersSchema, PEERS);
  expect(peers?.finding).toStartWith(`Of ${bars.length} bars, `);
  expect(peers?.verdicts.length).toBe(bars.length);
  const loads = new Set(cells.map(({ bs, rw }) => `${bs} ${rw}`));
  expect(peers?.charts.length).toBe(loads.size);
  const { axes } = readAs(path("growth"), GrowthSchema, GROWTH);
  expect(growth?.finding).toStartWith("The target's CPU time of a read ");
  expect(growth?.charts.length).toBe(2 * axes.length);
  expect(origin?.table?.columns).toEqual(["fact", "peers", "growth"]);
  expect(JSON.stringify(sections)).not.toMatch(/NaN|Infinity/);
});

test("what pins measured is drawn, each phase of each link", () => {
  const { sections } = compose(readMaterial([ownFile("fixtures/results/pins.json")]));
  const [releases] = sections;
  expect(sections.map(({ id }) => id)).toEqual(["pins", "origin"]);
  expect(releases?.finding).toStartWith("t0 releases as ring: line:");
  expect(releases?.charts.map(({ caption }) => caption)).toEqual(["ring", "xdp"]);
  expect(releases?.table?.rows.length).toBe(8);
  expect(JSON.stringify(sections)).not.toMatch(/NaN|Infinity/);
});

test("warnings of a result are the report's, and a reproduction's E2 is drawn, no other claim's run", () => {
  const material = readMaterial([file("w.json", run)]);
  expect(compose(material).warnings).toEqual(["one CPU for all"]);
  const job = parseJob('[caps]\npool = "scan-swap"\npool_cap = [16, 48, 64]', "j.toml");
  const caps = sampleRun(job, ({ values }) => {
    const cap = values.poolCap;
    return [{ iops: cap, pool_cap: cap }];
  });
  const ran = JSON.parse(JSON.stringify(caps)) as Record<string, unknown>;
  const reproduction = {
    schema_version: SCHEMA_VERSION,
    kind: REPRODUCTION,
    started_at: run.started_at,
    provenance: { ...run.provenance, cpus_allowed: [0] },
    claims: [],
  };
  const drawn = (name: string): number => {
    const runs = { [name]: ran };
    const { sections } = compose(readMaterial([file("e.json", { ...reproduction, runs })]));
    return sections.find(({ id }) => id === "caps")?.charts.length ?? 0;
  };
  expect([drawn("e2 virtual"), drawn("e20 virtual"), drawn("e1 packet")]).toEqual([1, 0, 0]);
});
