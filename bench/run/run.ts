// A job from its file to its result: where it can run, in which order, and what came out. Several arms
// (two revisions, or one twice) run interleaved, each to a result of its own.

import { now, wallMilliseconds } from "../../sys/clock.ts";
import { environment, usage } from "../../words/failure.ts";
import { POOL_OPTIONS } from "../../initiator/pool/options.ts";
import { untilCut } from "../machine/cut_short.ts";
import { endedNothing } from "../result/cell_figures.ts";
import { cellResult } from "../result/cell_result.ts";
import { findings } from "../result/findings.ts";
import { poorStart } from "../hosts/host_checks.ts";
import { overHosts } from "../job/host_arrangement.ts";
import { needsSockets } from "../job/arrangement.ts";
import { cellsOf, keptJob, withTexts } from "../job/job.ts";
import type { KeyTexts } from "../job/keys.ts";
import { probeLab } from "../../lab/lab.ts";
import { NEVER_HELD } from "../../lab/late_plan.ts";
import { provenance } from "../machine/provenance.ts";
import { type CellResult, overSockets, type RunResult, type Trial } from "../result/result.ts";
import { isPrecise, notPrecise, type Rounds, roundsOf } from "./precision.ts";
import { schedule } from "./schedule.ts";
import { undisturbed } from "./undisturbed.ts";
import { AOE } from "../../lab/programs.ts";
import { type Ground, openGround } from "./ground.ts";
import { DISTURBED } from "./judge_trial.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import type { Figures } from "../load/figures.ts";
import type { Cell, Job } from "../job/resolved.ts";
import { plural } from "../../words/shown.ts";

export interface RunEvents {
  /** A trial begins: its place from 0, how many there are. */
  begin(cell: Cell, place: number, total: number, arm: string): void;
  end(cell: Cell, trial: Trial, arm: string): void;
  /** A sentence for a person. */
  warn(sentence: string): void;
}

/** A program under test. */
export interface Arm {
  readonly name: string;
  /** Its aoe.ts. */
  readonly program: string;
  /** What this arm alone has otherwise; rows keep the job's values. */
  readonly texts?: Partial<KeyTexts>;
}

const OWN: Arm = { name: "run", program: AOE };

/** As `runArms`. */
export async function runJob(
  job: Job,
  events: RunEvents,
  signal?: AbortSignal,
): Promise<RunResult> {
  const [result] = await runArms(job, [OWN], events, signal);
  if (result === undefined) throw new Error("invariant: an arm has a result");
  return result;
}

/** What a cell gathers in one arm. */
interface Gathered {
  readonly trials: Trial[];
  readonly discarded: Trial[];
}

/** A result for each arm, in their order, of all trials that had ended when the signal came. */
export async function runArms(
  job: Job,
  arms: readonly Arm[],
  events: RunEvents,
  signal?: AbortSignal,
): Promise<RunResult[]> {
  const startedAt = now();
  const date = new Date(wallMilliseconds()).toISOString();
  const where = chooseLink(job);
  if (where.fallback !== null) events.warn(where.fallback);
  const { seed, retries, floor } = job.values;
  const cells = job.jobs.flatMap(cellsOf);
  checkCells(cells, where.link);
  const rounds = roundsOf(job.values);
  const turns = schedule(cells, rounds.most, arms.length, job.values.order, seed);
  const gathered = arms.map(
    () => new Map<Cell, Gathered>(cells.map((cell) => [cell, { trials: [], discarded: [] }])),
  );
  const ground = await openGround(
    {
      job,
      link: where.link,
      programs: [AOE, ...arms.map(({ program }) => program)],
      say: events.warn,
    },
    signal,
  );
  let gone: string | null = null;
  let floors = new Map<Cell, Figures | null>();
  let ended = 0;
  const interrupted = await untilCut(signal, async () => {
    if (floor === "on" && overSockets(where.link) && job.values.target === undefined) {
      floors = await measureFloors(cells, ground, signal);
    }
    for (const { cell, arm } of turns) {
      const place = ended;
      if (enough(cell, gathered, rounds)) continue;
      const own = arms[arm];
      const into = gathered[arm]?.get(cell);
      if (own === undefined || into === undefined) throw new Error("invariant: arms and cells");
      gone = await ground.mend(signal);
      if (gone !== null) break;
      await ground.set(cell);
      events.begin(cell, place, turns.length, own.name);
      const given = withTexts(cell, own.texts ?? {});
      const { trial } = await undisturbed(
        (attempt) => ground.trial(given, { order: place, attempt }, own.program, signal),
        ({ disturbed }) => disturbed,
        retries,
        (discarded) => into.discarded.push(discarded),
      );
      into.trials.push(trial);
      ended++;
      events.end(cell, trial, own.name);
    }
  }).finally(() => ground.close());
  const cut = interrupted || gone !== null;
  const total = plural(turns.length, "trial");
  const cutShort = cut
    ? [`${gone ?? "A signal"} cut the run short: it has ${ended} of ${total}.`]
    : [];
  const results = arms.map(({ name }, arm): RunResult => {
    const own = cells.map((cell) => {
      const { trials = [], discarded = [] } = gathered[arm]?.get(cell) ?? {};
      const floor = floors.get(cell) ?? null;
      const kept = { ...cell, values: cell.texts, trials, discarded, floor };
      return cellResult(kept, cell.thresholds);
    });
    return {
      schema_version: SCHEMA_VERSION,
      kind: "aoe bench run",
      started_at: date,
      elapsed_ns: now() - startedAt,
      arm: name,
      job: keptJob(job),
      seed,
      link: where.link,
      fallback: where.fallback,
      pinning: ground.pinning,
      ...ground.facts,
      provenance: provenance(),
      cut_short: cut,
      warnings: [
        ...cutShort,
        ...warningsOf(own, where.link, ground, retries),
        ...vague(own, rounds),
      ],
      cells: own,
      findings: findings(own),
    };
  });
  for (const sentence of new Set(results.flatMap(({ warnings }) => warnings))) {
    events.warn(sentence);
  }
  return results;
}

/** Every arm is precise enough. Asked between rounds: the arms of a round belong together. */
function enough(
  cell: Cell,
  arms: readonly Map<Cell, Gathered>[],
  { least, most, precision }: Rounds,
): boolean {
  const all = arms.map((cells) => cells.get(cell)?.trials ?? []);
  const [first = []] = all;
  if (precision === null || first.length < least || first.length === most) return false;
  if (all.some(({ length }) => length !== first.length)) return false;
  return all.every((trials) => isPrecise(trials, cell.values.rateIops, precision));
}

function vague(cells: readonly CellResult[], { precision }: Rounds): string[] {
  return cells.flatMap(({ axes, job, trials, values }) => {
    const name = Object.values(axes).join("  ") || job;
    return notPrecise(name, trials, Number(values.rate_iops), precision);
  });
}

function warningsOf(
  cells: readonly CellResult[],
  link: RunResult["link"],
  ground: Ground,
  retries: number,
): string[] {
  const warnings: string[] = [];
  const trials = cells.flatMap((cell) => cell.trials);
  const discarded = cells.reduce((sum, cell) => sum + cell.discarded.length, 0);
  const disturbed = trials.filter((trial) => trial.disturbed).length;
  if (discarded > 0) {
    warnings.push(
      `${discarded} disturbed ${discarded === 1 ? "trial was" : "trials were"} repeated (others used more than ${100 * DISTURBED} % of the trial's CPUs; at most ${retries} more ${retries === 1 ? "attempt" : "attempts"} a trial).`,
    );
  }
  if (disturbed > 0) {
    warnings.push(
      `In ${disturbed} of ${trials.length} trials others used more than ${100 * DISTURBED} % of the trial's CPUs: figures there are less sure.`,
    );
  }
  const idle = trials.filter(endedNothing).length;
  if (idle > 0) {
    warnings.push(
      `In ${idle} of ${trials.length} trials no command ended in the measured time: their rate is 0.`,
    );
  }
  const poor = poorStart(trials.flatMap(({ start }) => start ?? []));
  if (poor !== null) warnings.push(poor);
  const here = ground.facts.hosts.length === 0;
  if (here && overSockets(link) && ground.pinning.load === null) {
    warnings.push("Only one CPU is available, so target and load share it, and nothing is pinned.");
  }
  return warnings;
}

/** Raw sockets in labs where labs can be made; the memory link where the job leaves the choice. */
function chooseLink(job: Job): { link: RunResult["link"]; fallback: string | null } {
  const { link: wanted, interface: name } = job.values;
  if (wanted === "memory" || wanted === "virtual") return { link: wanted, fallback: null };
  const link = wanted === "auto" ? "packet" : wanted;
  if (name !== undefined || job.jobs.some(overHosts)) return { link, fallback: null };
  const late = job.jobs.some(({ values }) =>
    values.late.choices.some(({ value }) => value !== undefined),
  );
  const lab = probeLab({ late });
  if (lab.available) return { link, fallback: null };
  if (wanted !== "auto" || job.jobs.some((one) => needsSockets(one))) {
    throw environment(lab.reason);
  }
  return {
    link: "memory",
    fallback: `${lab.reason} The memory link is used instead: target and initiator in one process, no network in between.`,
  };
}

function checkCells(cells: readonly Cell[], link: RunResult["link"]): void {
  for (const { values, texts } of cells) {
    for (const key of ["initiators", "targets"] as const) {
      if (values[key] !== 1 && (!overSockets(link) || values.interface !== undefined)) {
        throw usage(
          `Expected \`${key}\` to be 1 but in a lab with raw sockets (this run: ${values.interface ?? `the ${link} link`}), got \`${texts[key]}\``,
        );
      }
    }
    if (link === "virtual" && values.latency === 0) {
      throw usage(
        `Expected \`latency\` to be above 0 under the virtual clock, where nothing else takes time, got \`${texts.latency}\``,
      );
    }
  }
}

/**
 * A load's floor: nothing in it is random, so that longer tells no more; nothing is asked of the pool, so that its keys
 * make no other floor.
 */
const FLOOR: Partial<KeyTexts> = {
  ...Object.fromEntries(Object.entries(POOL_OPTIONS).map(([key, row]) => [key, row.default])),
  runtime: "500ms",
  ramp_time: "100ms",
  targets: "1",
  verify: "none",
  faults: "",
  rate_iops: "0",
  rate_process: "linear",
  randseed: "1",
  reclaim: "eager",
  pool: "scan-swap",
  service: "",
};

async function measureFloors(
  cells: readonly Cell[],
  ground: Ground,
  signal: AbortSignal | undefined,
): Promise<Map<Cell, Figures | null>> {
  const known = new Map<string, Figures | null>();
  const floors = new Map<Cell, Figures | null>();
  for (const cell of cells) {
    // The way of the frames is the same, and none is held.
    const late = cell.values.late === undefined ? "" : NEVER_HELD;
    const bare = withTexts(cell, { ...FLOOR, late });
    const key = JSON.stringify(bare.texts);
    if (!known.has(key)) {
      const trial = await ground.trial(bare, { order: -1, attempt: 0, floor: true }, AOE, signal);
      known.set(key, trial.figures);
    }
    floors.set(cell, known.get(key) ?? null);
  }
  return floors;
}
