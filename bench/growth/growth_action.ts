// `aoe bench growth`: what a read costs along each axis, measured now or read from results of earlier runs.

import { now } from "../../sys/clock.ts";
import { catchInterrupt } from "../../initiator/commands/interrupted.ts";
import { EXIT, usage } from "../../words/failure.ts";
import { makeBed } from "../run/bed.ts";
import { codeOf, untilCut } from "../machine/cut_short.ts";
import { requireLab } from "../../lab/lab.ts";
import { checkOutput, writeOutput } from "../machine/output.ts";
import { provenance } from "../machine/provenance.ts";
import { axisOf, MTU, READ_BYTES } from "./axes.ts";
import { joinedGrowth, readGrowth } from "./growth_joined.ts";
import { type GrowthTexts, parseGrowth } from "./growth_options.ts";
import { GROWTH, type GrowthResult, type GrowthTrial } from "./growth_result.ts";
import { pointsOf, runGrowth } from "./growth_run.ts";
import { summaryOf } from "./growth_summary.ts";
import { describeGrowth } from "./growth_table.ts";
import { printableJson } from "../../words/printable.ts";
import { widthOf } from "../../words/table.ts";
import { createStatusLine } from "../../words/status_line.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { rate } from "../../words/shown.ts";

interface Flags extends GrowthTexts {
  readonly json?: boolean;
  readonly output?: string;
}

/** Returns the exit code. */
export async function growthAction(
  files: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  const options = parseGrowth(flags);
  checkOutput(flags.output);
  if (files.length > 0) {
    const [first] = Object.keys(flags).filter(
      (name) => !["json", "output"].includes(name) && (name !== "axis" || flags.axis?.length !== 0),
    );
    if (first !== undefined) {
      throw usage(
        `Expected results alone, since they are not measured again, got \`--${first}\` too`,
      );
    }
    return report(joinedGrowth(files.map(readGrowth)), flags);
  }
  const points = pointsOf(options.axes);
  const pairs = Math.max(...points.map(({ axis, value }) => axisOf(axis).shape(value).interfaces));
  requireLab({ mtu: MTU, pairs });
  const startedAt = now();
  const date = new Date().toISOString();
  // Before the trials: a file that is written meanwhile would make the tree look dirty.
  const one = provenance();
  const bed = makeBed("packet", options.seed);
  const interrupt = catchInterrupt();
  const trials: GrowthTrial[] = [];
  const progress = createProgress();
  const tell = (trial: GrowthTrial, of: number): void => {
    trials.push(trial);
    progress(trial, of);
  };
  try {
    const cut = await untilCut(interrupt.signal, () =>
      runGrowth(options, points, bed, tell, interrupt.signal),
    );
    const code = report(
      {
        schema_version: SCHEMA_VERSION,
        kind: GROWTH,
        started_at: date,
        elapsed_ns: now() - startedAt,
        cut_short: cut,
        seed: options.seed,
        setting: {
          rounds: options.rounds,
          runtime_ns: options.runtime,
          warm_up_ns: options.warmUp,
          read_bytes: READ_BYTES,
          mtu: MTU,
          target_cpu: bed.pinning.target,
          load_cpu: bed.pinning.load,
        },
        provenance: { ...one, cpus_allowed: [...one.cpus_allowed] },
        trials,
        axes: summaryOf(trials),
      },
      flags,
    );
    return cut ? codeOf(interrupt.signal) : code;
  } finally {
    bed.remove();
    interrupt.release();
  }
}

/** A line for each trial; on a terminal one that rewrites itself, but for what failed. */
function createProgress(): (trial: GrowthTrial, of: number) => void {
  const line = createStatusLine();
  return ({ order, axis, value, figures, failure, repeated }, of) => {
    const others = repeated ? ", disturbed by others: once more" : "";
    const outcome = figures === null ? failure : `${rate(figures.iops)} reads/s${others}`;
    line.step(
      `${String(order + 1).padStart(String(of).length)}/${of}  ${axis} ${axisOf(axis).label(value)}: ${outcome}`,
      failure !== null || order + 1 === of,
    );
  };
}

function report(result: GrowthResult, flags: Flags): number {
  const text = `${printableJson(result)}\n`;
  if (flags.json === true) process.stdout.write(text);
  const people = flags.json === true ? process.stderr : process.stdout;
  people.write(describeGrowth(result, widthOf(people)));
  // Last: a disk that is full by now must not cost the figures.
  if (flags.output !== undefined) writeOutput(flags.output, text);
  return result.trials.some(({ failure }) => failure !== null) ? EXIT.failed : EXIT.done;
}
