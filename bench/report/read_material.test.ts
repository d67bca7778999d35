// What a report reads: files by their kind, names that tell two of one name apart, schemas of a later program.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "bun:test";

import { parseJob } from "../job/job.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { WHOLE } from "../whole/whole_result.ts";
import { compose } from "./compose.ts";
import { readMaterial } from "./read_material.ts";
import { REPRODUCTION } from "../claims/reproduction.ts";
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
