// `aoe bench export`: a result in the form that another tool reads.
//
// What it was asked to meet is the same for all: thresholds of a run, claims, judges of two
// revisions.

import { appendFileSync } from "node:fs";
import { EXIT, expected } from "../../words/failure.ts";
import { cantWrite } from "../../words/file_error.ts";
import { rate, shownTime } from "../../words/shown.ts";
import { escaped } from "../../words/table.ts";
import { REPRODUCTION, ReproductionSchema } from "../claims/reproduction.ts";
import { checkOutput, writeOutput } from "../machine/output.ts";
import { markdownTable, type Row } from "../result/blocks.ts";
import type { RunResult } from "../result/result.ts";
import { AB, type AbResult, AbSchema } from "../judge/judged_file.ts";
import { kindOf, readAs, readResult } from "../result/result_file.ts";
import { compose } from "./compose.ts";
import { type Condition, FORMATS, labelOf, textOf } from "./export_texts.ts";
import { reportMarkdown } from "./markdown.ts";
import { NO_MATERIAL } from "./read_material.ts";

/** What is read of a file, whichever command wrote it. */
interface Exported {
  readonly run: RunResult | null;
  readonly conditions: readonly Condition[];
  /** Markdown. */
  readonly summary: string;
}

interface Flags {
  readonly format?: string;
  readonly output?: string;
}

/** Returns the exit code. */
export function exportAction(path: string, given: Readonly<Record<string, unknown>>): number {
  const { format = "", output } = given as Flags;
  const wanted = FORMATS.find((one) => one === format);
  if (wanted === undefined) throw expected("--format", `one of ${FORMATS.join(", ")}`, format);
  checkOutput(output);
  const read = readExported(path);
  const text = textOf(wanted, read.run?.cells ?? [], read.conditions);
  if (output === undefined) process.stdout.write(text);
  else writeOutput(output, text);
  if (wanted === "github") addToSummary(read.summary);
  return EXIT.done;
}

function readExported(path: string): Exported {
  const kind = kindOf(path);
  if (kind === REPRODUCTION) return ofClaims(readAs(path, ReproductionSchema, REPRODUCTION).claims);
  if (kind === AB) return ofRevisions(readAs(path, AbSchema, AB));
  return ofRun(readResult(path));
}

function ofRun(run: RunResult): Exported {
  const conditions = run.cells.flatMap((cell) =>
    cell.thresholds.map(({ threshold, shown, held }): Condition => {
      const group = labelOf(cell);
      const outcome = held ? "met" : "missed";
      return { group, name: threshold, outcome, sentence: `${group}: ${threshold}: ${shown}` };
    }),
  );
  const rows = run.cells.map((cell) => {
    const { iops = Number.NaN, lat_p99_ns: p99 = null } = cell.median ?? {};
    const missed = cell.thresholds.filter(({ held }) => !held).map(({ threshold }) => threshold);
    const [row, thresholds] = [labelOf(cell), missed.join(", ") || "none"];
    return { row, IOPS: rate(iops), p99: shownTime(p99), missed: thresholds };
  });
  return {
    run,
    conditions,
    summary: markdown("aoe bench run", rows, run.findings),
  };
}

type Claims = readonly {
  readonly id: string;
  readonly claim: string;
  readonly verdict: "holds" | "does not hold" | "inconclusive";
  readonly sentence: string;
}[];
const OUTCOMES = { holds: "met", "does not hold": "missed", inconclusive: "undecided" } as const;

function ofClaims(claims: Claims): Exported {
  const conditions = claims.map(({ id, claim, verdict, sentence }): Condition => {
    const outcome = OUTCOMES[verdict];
    return { group: "claims", name: `${id} ${claim}`, outcome, sentence: `${id}: ${sentence}` };
  });
  const rows = claims.map(({ id, claim, verdict }) => ({ claim: id, text: claim, verdict }));
  return { run: null, conditions, summary: markdown("aoe bench reproduce", rows, []) };
}

function ofRevisions(result: AbResult): Exported {
  const { said, exact } = result;
  const judges = Object.entries(said);
  const decided = (one: string): Condition["outcome"] =>
    one === "worse" ? "missed" : one === "inconclusive" ? "undecided" : "met";
  const sentenceOf = (judge: string, one: string): string =>
    judge === "exact" && exact !== null ? exact.sentence : `${judge} says ${one}.`;
  return {
    run: null,
    conditions: judges.map(([judge, one]) => ({
      ...{ group: "ab", name: judge, outcome: decided(one) },
      sentence: `${judge}: ${sentenceOf(judge, one)}`,
    })),
    summary: reportMarkdown(
      compose({ ...NO_MATERIAL, names: ["ab"], abs: [{ name: "ab", result }] }),
    ),
  };
}

function markdown(title: string, rows: readonly Row[], details: readonly string[]): string {
  const items = details.map((text) => `- ${escaped(text)}\n`).join("");
  const folded =
    items === "" ? "" : `\n<details><summary>Details</summary>\n\n${items}\n</details>\n`;
  return `### ${escaped(title)}\n\n${markdownTable(rows)}\n${folded}`;
}

/** GitHub names the file; elsewhere the summary goes to standard error. */
function addToSummary(text: string): void {
  const path = process.env["GITHUB_STEP_SUMMARY"];
  if (path === undefined || path === "") {
    process.stderr.write(text);
    return;
  }
  try {
    appendFileSync(path, text);
  } catch (error) {
    throw cantWrite(path, error);
  }
}
