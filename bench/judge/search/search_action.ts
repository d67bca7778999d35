// `aoe bench search`: runs a job again and again with one key changed, until it knows the answer.

import { EXIT, expected, failed, usage } from "../../../words/failure.ts";
import { parseDuration, parseInteger, parseProbability } from "../../../words/quantity.ts";
import { loadJob } from "../../job/job.ts";
import { createProgress } from "../../run/progress.ts";
import { provenance } from "../../machine/provenance.ts";
import { runJob } from "../../run/run.ts";
import { type Found, highest, least } from "./search.ts";
import { SEARCH } from "./search_file.ts";
import { publish } from "../../machine/output.ts";
import { formatRecords } from "../../../words/table.ts";
import { SCHEMA_VERSION } from "../../machine/schema.ts";
import type { Figures } from "../../load/figures.ts";
import { shownTime, rate } from "../../../words/shown.ts";

interface Flags {
  readonly set?: string[];
  readonly keep?: string;
  readonly most?: string;
  readonly p99?: string;
  readonly json?: boolean;
}

/** The open loop's rate is kept where this much of it was completed. */
const KEPT = 0.98;
const GRAIN = 0.02;
const FIRST_RATE = 1000;
const MOST_RATE = 10_000_000;

/** Returns the exit code. */
export async function searchAction(
  what: string,
  path: string,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  if (what !== "cap" && what !== "rate") throw expected("<what>", "cap or rate", what);
  const sets = flags.set ?? [];
  const job = await loadJob(path, ["floor=off", ...sets]);
  const choices = job.jobs.flatMap(({ values }) => Object.entries(values));
  const varies = choices.filter(([, { choices: all }]) => all.length > 1).map(([key]) => key);
  const searched = what === "cap" ? "pool_cap" : "rate_iops";
  const others = varies.filter((key) => key !== searched);
  if (job.jobs.length !== 1 || others.length > 0) {
    throw usage(
      `Expected a job of one cell to search in, got ${job.jobs.length} ${job.jobs.length === 1 ? "job" : "jobs"}${others.length > 0 ? ` that vary ${others.join(", ")}` : ""} (--set fixes a key)`,
    );
  }
  const measure = async (more: string): Promise<Figures> => {
    const progress = createProgress();
    const one = await loadJob(path, ["floor=off", ...sets, more]);
    const result = await runJob(one, progress.events);
    progress.clear();
    const median = result.cells[0]?.median ?? null;
    if (median === null) {
      throw failed(`With ${more}: ${result.cells[0]?.trials[0]?.failure ?? "no figures"}`);
    }
    return median;
  };
  const answer =
    what === "cap" ? await searchCap(measure, flags) : await searchRate(measure, flags);
  const result = {
    schema_version: SCHEMA_VERSION,
    kind: SEARCH,
    what,
    ...answer,
    provenance: provenance(),
  };
  const rows = answer.steps.map((step) => ({
    [what]: String(step.value),
    [what === "cap" ? "IOPS" : "p99"]:
      what === "cap" ? rate(step.figure ?? 0) : shownTime(step.figure),
    enough: step.enough ? "yes" : "no",
  }));
  const { json = false } = flags;
  publish(result, (width) => `${formatRecords(rows, width)}${answer.sentence}\n`, { json });
  return answer.value === null ? EXIT.threshold : EXIT.done;
}

type Measure = (more: string) => Promise<Figures>;

async function searchCap(measure: Measure, flags: Flags): Promise<Found & { sentence: string }> {
  const keep = parseProbability(flags.keep ?? "99%", "--keep");
  const most = parseInteger(flags.most ?? "256", "--most", 1, 65_536);
  const peak = (await measure(`pool_cap=${most}`)).iops;
  if (peak === 0) {
    throw failed(`With a cap of ${most} no command ended, so there is no peak to keep.`);
  }
  const found = await least(most, async (cap) => {
    const { iops } = await measure(`pool_cap=${cap}`);
    return { figure: iops, enough: iops >= keep * peak };
  });
  const sentence = `The smallest cap that keeps ${100 * keep} % of the peak (${rate(peak)} IOPS with a cap of ${most}) is ${found.value}.`;
  return { ...found, sentence };
}

async function searchRate(measure: Measure, flags: Flags): Promise<Found & { sentence: string }> {
  if (flags.p99 === undefined)
    throw usage("Expected `--p99` to give the limit of a search for a rate, such as 2ms");
  const limit = parseDuration(flags.p99, "--p99");
  if (limit === 0) throw expected("--p99", "a duration above 0", flags.p99);
  const most = parseInteger(flags.most ?? String(MOST_RATE), "--most", 1);
  const found = await highest(Math.min(FIRST_RATE, most), most, GRAIN, async (wanted) => {
    const figures = await measure(`rate_iops=${wanted}`);
    const p99 = figures.lat_p99_ns;
    const enough = p99 !== null && p99 < limit && figures.iops >= KEPT * wanted;
    return { figure: p99, enough };
  });
  const sentence =
    found.value === null
      ? `Not even ${rate(Math.min(FIRST_RATE, most))} IOPS keep p99 under ${flags.p99}.`
      : `The highest rate whose p99 stays under ${flags.p99} is ${rate(found.value)} IOPS (to ${100 * GRAIN} %).`;
  return { ...found, sentence };
}
