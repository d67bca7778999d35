// What a report is made from: result files of several kinds, each told by its own `kind`.

import { basename } from "node:path";
import { GROWTH, type GrowthResult, GrowthSchema } from "../growth/result.ts";
import { SEARCH, type SearchResult, SearchSchema } from "../judge/search/search_file.ts";
import { PEERS, type PeersResult, PeersSchema } from "../peers/result.ts";
import { PINS, type PinsResult, PinsSchema } from "../pins/pins_result.ts";
import type { RunResult } from "../result/result.ts";
import { jsonIn, kindOf, readAs, readResult } from "../result/result_file.ts";
import { WHOLE, type WholeResult, WholeSchema } from "../whole/whole_result.ts";
import {
  AB,
  type AbResult,
  AbSchema,
  COMPARE,
  ComparisonSchema,
  type JudgedPair,
} from "../judge/judged_file.ts";
import { runOfLoad } from "./read_load.ts";
import type { Named } from "./sections/judged.ts";
import { REPRODUCTION, type Reproduction, ReproductionSchema } from "../claims/reproduction.ts";
import type { NamedRun } from "../result/arm_cells.ts";

export interface Material {
  /** Names of all files, as given. */
  readonly names: readonly string[];
  readonly runs: readonly NamedRun[];
  readonly wholes: readonly WholeResult[];
  readonly reproductions: readonly Reproduction[];
  readonly abs: readonly Named<AbResult>[];
  readonly comparisons: readonly Named<JudgedPair>[];
  readonly searches: readonly Named<SearchResult>[];
  readonly peers: readonly Named<PeersResult>[];
  readonly growths: readonly Named<GrowthResult>[];
  readonly pins: readonly Named<PinsResult>[];
}

export const NO_MATERIAL: Material = {
  names: [],
  runs: [],
  wholes: [],
  reproductions: [],
  abs: [],
  comparisons: [],
  searches: [],
  peers: [],
  growths: [],
  pins: [],
};

/** A Failure, one sentence, for the first file that is no result of ours. */
export function readMaterial(files: readonly string[]): Material {
  const runs: NamedRun[] = [];
  const wholes: WholeResult[] = [];
  const reproductions: Reproduction[] = [];
  const abs: Named<AbResult>[] = [];
  const comparisons: Named<JudgedPair>[] = [];
  const searches: Named<SearchResult>[] = [];
  const peers: Named<PeersResult>[] = [];
  const growths: Named<GrowthResult>[] = [];
  const pins: Named<PinsResult>[] = [];
  const names = namesOf(files);
  for (const [at, file] of files.entries()) {
    const kind = kindOf(file);
    const name = names[at] ?? file;
    if (kind === WHOLE) wholes.push(readAs(file, WholeSchema, WHOLE));
    else if (kind === REPRODUCTION) {
      reproductions.push(readAs(file, ReproductionSchema, REPRODUCTION));
    } else if (kind === AB) abs.push({ name, result: readAs(file, AbSchema, AB) });
    else if (kind === COMPARE) {
      comparisons.push({ name, result: readAs(file, ComparisonSchema, COMPARE) });
    } else if (kind === SEARCH) {
      searches.push({ name, result: readAs(file, SearchSchema, SEARCH) });
    } else if (kind === PEERS) peers.push({ name, result: readAs(file, PeersSchema, PEERS) });
    else if (kind === GROWTH) growths.push({ name, result: readAs(file, GrowthSchema, GROWTH) });
    else if (kind === PINS) pins.push({ name, result: readAs(file, PinsSchema, PINS) });
    else runs.push({ name, run: (kind === null ? loadIn(file) : null) ?? readResult(file) });
  }
  const named = { abs, comparisons, searches, peers, growths, pins };
  return { names, runs, wholes, reproductions, ...named };
}

/** A load's document has no kind: it is fio's. null: it is none, and who reads it says why. */
function loadIn(file: string): RunResult | null {
  const document = jsonIn(file);
  return document === null ? null : runOfLoad(file, document);
}

/** Files' names without `.json`; where two are the same, with their folders. */
function namesOf(files: readonly string[]): string[] {
  const short = files.map((file) => basename(file, ".json"));
  return files.map((file, at) =>
    short.filter((name) => name === short[at]).length > 1
      ? file.replace(/\.json$/, "")
      : (short[at] ?? file),
  );
}
