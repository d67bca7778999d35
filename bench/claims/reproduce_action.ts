// `aoe bench reproduce`: the eight claims, one after the other, each with a verdict and a sentence. A claim that
// does not hold here is a finding and no failure: the exit code is 0 whenever all was measured.

import { join } from "node:path";
import { probeLab } from "../../lab/lab.ts";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { EXIT, expected } from "../../words/failure.ts";
import { loadJob } from "../job/job.ts";
import { beginMeasuring } from "../machine/measuring.ts";
import { checkOutput, type OutputFlags, publish } from "../machine/output.ts";
import { createProgress } from "../run/progress.ts";
import type { RunResult } from "../result/result.ts";
import { runJob } from "../run/run.ts";
import type { Claim, Reproduction } from "./claim.ts";
import * as judge from "./judge.ts";
import { lanesOf } from "./receive_lane.ts";
import { writeBack } from "./writeback.ts";
import { plural, shownTime } from "../../words/shown.ts";
import { ownFile } from "../../sys/root.ts";

interface Flags extends OutputFlags {
  readonly quick?: boolean;
  readonly only?: string;
}

const IDS = ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8"] as const;
type Id = (typeof IDS)[number];

/** Fewer values and shorter trials: the same claims, less sure figures. */
const QUICK: Readonly<Record<string, readonly string[]>> = {
  e1: ["pool=fixed|scan-swap", "reclaim=eager|coalesce:64/1ms", "kick=100ms|on-release"],
  e2: ["pool_cap=0|16|32|44|48|64|256"],
  e3: ["pool=scan-swap|completion"],
  e4: ["trials=1", "runtime=200ms"],
  lane: ["runtime=700ms", "floor=off"],
  e8: ["iodepth=1|16", "reclaim=eager|next-xmit:100us|on-receive:100us"],
};
/** Longer than the job: a flood that overruns a ring takes its time. */
const LONG: Readonly<Record<string, readonly string[]>> = { lane: ["runtime=3s", "floor=off"] };
const SHORT = ["runtime=400ms", "warm_up=200ms", "ramp_time=100ms"];
/** Runs under the virtual clock execute few commands per second; they are exact, so a short time is enough. */
const EXACT = [
  "link=virtual",
  "latency=20us",
  "warm_up=1ms",
  "ramp_time=110ms",
  "runtime=200ms",
  "retries=0",
];

const JOBS = ownFile("fixtures/jobs");
/** Pages of memory and of work in the model of E5. */
const PAGES = 64;
const WORK = 1000;

/** Returns the exit code. */
export async function reproduceAction(given: Readonly<Record<string, unknown>>): Promise<number> {
  const flags = given as Flags;
  const wanted = parseOnly(flags.only);
  checkOutput(flags.output);
  const runs: Record<string, RunResult> = {};
  const claims: Claim[] = [];
  const measuring = beginMeasuring();
  const { signal } = measuring;
  await measuring.untilCut(async () => {
    for (const id of wanted) {
      process.stderr.write(`${id} …\n`);
      const claim = await measure(id, flags.quick === true, runs, signal);
      claims.push(claim);
      process.stderr.write(`${id} ${claim.verdict}\n`);
    }
  });
  measuring.release();
  const quick = flags.quick === true;
  const result: Reproduction = { ...measuring.head("aoe bench reproduce"), quick, claims, runs };
  publish(result, () => describe(result), flags);
  return measuring.exitCode(EXIT.done);
}

function parseOnly(only: string | undefined): Id[] {
  if (only === undefined) return [...IDS];
  return only.split(",").map((text) => {
    const id = IDS.find((one) => one === text.toUpperCase());
    if (id === undefined) throw expected("--only", `some of ${IDS.join(",")}`, text);
    return id;
  });
}

async function measure(
  id: Id,
  quick: boolean,
  runs: Record<string, RunResult>,
  signal: AbortSignal,
): Promise<Claim> {
  const run = async (name: string, how: "exact" | "real"): Promise<RunResult> => {
    const few = (quick ? QUICK : LONG)[name] ?? [];
    const sets = how === "exact" ? [...few, ...EXACT] : quick ? [...SHORT, ...few] : few;
    const job = await loadJob(join(JOBS, `${name}.toml`), sets);
    const progress = createProgress();
    const result = await runJob(job, progress.events, signal);
    progress.clear();
    runs[`${name} ${result.link}`] = result;
    signal.throwIfAborted();
    return result;
  };
  const both = async (name: string): Promise<judge.Both> => ({
    exact: await run(name, "exact"),
    real: await run(name, "real"),
  });
  switch (id) {
    case "E1":
      return judge.judgeE1(await both("e1"));
    case "E2":
      return judge.judgeE2(await both("e2"));
    case "E3":
      return judge.judgeE3(await both("e3"));
    case "E4":
      return judge.judgeE4(await run("e4", "real"));
    case "E5":
      return judge.judgeE5(
        STRATEGIES.map((strategy) => ({
          strategy,
          relief: writeBack({ strategy, pages: PAGES, work: WORK }),
        })),
        WORK,
      );
    case "E6": {
      const lab = probeLab();
      return judge.judgeE6(lab.available ? lanesOf(await run("lane", "real")) : lab.reason);
    }
    case "E7":
      return judge.judgeE7(await both("e7"));
    case "E8":
      return judge.judgeE8(await both("e8"));
  }
}

function describe({ claims, elapsed_ns: elapsed, provenance: from, quick }: Reproduction): string {
  const lines = claims.flatMap(({ id, claim, verdict, sentence }) => [
    `${id}  ${claim}: ${verdict.toUpperCase()}`,
    `    ${sentence}`,
  ]);
  return `${lines.join("\n")}\n\n${plural(claims.length, "claim")} in ${shownTime(elapsed)}${quick ? " (--quick)" : ""}; Bun ${from.bun}, Linux ${from.kernel}, ${from.cpu}\n`;
}
