// `aoe bench prove equal | slow`: does the judge find what is there, and nothing where nothing is? Both arms are
// this program; under `slow` one of them burns a known share of a command's whole CPU cost in each transmit.
// A comparison counts as a whole, however many cells the job has.

import { EXIT, expected, failed } from "../../words/failure.ts";
import { parseInteger, parseProbability } from "../../words/quantity.ts";
import { loadJob } from "../job/job.ts";
import { runArms, runJob } from "../run/run.ts";
import { AOE } from "../../lab/programs.ts";
import { parseMetric } from "./metric.ts";
import { FEWEST } from "./verdict.ts";
import { say } from "../../words/say.ts";
import { exitCodeOf, judgeResults } from "./judge_results.ts";
import { plural } from "../../words/shown.ts";
import { ownFile } from "../../sys/root.ts";

interface Flags {
  readonly job?: string;
  readonly set?: string[];
  readonly metric?: string;
  readonly times?: string;
  readonly trials?: string;
  readonly slow?: string;
  readonly band?: string;
}

const COST = ownFile("fixtures/jobs/cost.toml");
const QUIET = { begin() {}, end() {}, warn() {} };
/** "At most one false verdict in all." */
const MOST_FALSE = 1;

/** Returns the exit code. */
export async function proveAction(
  what: string,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  if (what !== "equal" && what !== "slow") throw expected("<what>", "equal or slow", what);
  const slow = what === "slow";
  const times = parseInteger(flags.times ?? (slow ? "10" : "20"), "--times", 1);
  const trials = parseInteger(flags.trials ?? (slow ? "9" : "7"), "--trials", FEWEST);
  const share = parseProbability(flags.slow ?? "10%", "--slow");
  const metric = flags.metric ?? "cpu";
  parseMetric(metric);
  const path = flags.job ?? COST;
  const sets = [...(flags.job === undefined ? ["pool=scan-swap"] : []), ...(flags.set ?? [])];
  const drag = slow ? await dragOf(path, sets, share) : 0;
  const arms = [
    { name: "base", program: AOE },
    { name: "head", program: AOE, ...(slow ? { texts: { drag: `${drag}ns` } } : {}) },
  ];
  const found: Record<string, number> = {};
  for (let round = 0; round < times; round++) {
    const more = ["floor=off", `trials=${trials}`, `seed=${round + 1}`];
    const job = await loadJob(path, [...sets, ...more]);
    const [base, head] = await runArms(job, arms, QUIET);
    if (base === undefined || head === undefined) throw new Error("invariant: two arms");
    const comparison = judgeResults(base, head, { metric, band: flags.band });
    const { summary, verdict, warnings } = comparison;
    if (exitCodeOf(comparison) === EXIT.failed) {
      throw failed(`A trial of comparison ${round + 1} failed, so it says nothing.`);
    }
    if (round === 0) for (const sentence of warnings) say(sentence);
    found[verdict] = (found[verdict] ?? 0) + 1;
    process.stdout.write(`${round + 1}/${times} ${summary}\n`);
  }
  const { worse = 0, better = 0 } = found;
  const told = Object.entries(found).map(([verdict, count]) => `${verdict} ${count}`);
  const good = slow ? worse === times : worse + better <= MOST_FALSE;
  const rule = slow
    ? `a slow-down of ${drag} ns, ${100 * share} % of a command's cost, is to be found in all`
    : `equal things may be told apart at most ${MOST_FALSE} time`;
  process.stdout.write(
    `${plural(times, "comparison")}: ${told.join(", ")}; ${rule}: ${good ? "so it was" : "IT WAS NOT SO"}.\n`,
  );
  return good ? EXIT.done : EXIT.failed;
}

/** `share` of what a command costs here, ns. */
async function dragOf(path: string, sets: readonly string[], share: number): Promise<number> {
  const job = await loadJob(path, [...sets, "floor=off", "trials=3"]);
  const cost = (await runJob(job, QUIET)).cells[0]?.median?.cpu_quiet_ns ?? 0;
  if (cost === 0) throw failed("The job gave no CPU cost of a command to take a share of.");
  return Math.round(share * cost);
}
