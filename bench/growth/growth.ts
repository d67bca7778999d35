// `aoe bench growth`: what a read costs along each axis. Each trial has a lab of its own (trial.ts), all points
// of all axes in an order of their own in each round.

import { requireLab } from "../../lab/lab.ts";
import { type OptionValues, parseOptions } from "../../words/option.ts";
import { settingOf } from "../result/setting.ts";
import { type Experiment, experimentAction, inTurn } from "../run/experiment.ts";
import { schedule } from "../run/schedule.ts";
import { compileLimits } from "../peers/limits.ts";
import { AXIS_NAMES, type AxisName, axisOf, MTU, READ_BYTES } from "./axes.ts";
import { GROWTH_OPTIONS } from "./options.ts";
import { GROWTH, type GrowthResult, GrowthSchema, type GrowthTrial } from "./result.ts";
import { showGrowth } from "./show.ts";
import { summaryOf } from "./summary.ts";
import { runPoint } from "./trial.ts";

export interface Point {
  readonly axis: AxisName;
  readonly value: number;
}

export function pointsOf(axes: readonly AxisName[]): Point[] {
  return axes.flatMap((axis) => axisOf(axis).values.map((value) => ({ axis, value })));
}

type Options = OptionValues<typeof GROWTH_OPTIONS>;

export const growth: Experiment<Options & { readonly axes: AxisName[] }, GrowthResult> = {
  kind: GROWTH,
  schema: GrowthSchema,
  parse(flags) {
    const options = parseOptions(GROWTH_OPTIONS, flags);
    const named = options.axis.flat();
    const axes = AXIS_NAMES.filter((name) => named.length === 0 || named.includes(name));
    return { ...options, axes };
  },
  async measure(options, { trialEnv, line, signal, untilCut }) {
    const points = pointsOf(options.axes);
    const shapes = points.map(({ axis, value }) => axisOf(axis).shape(value));
    requireLab({ mtu: MTU, pairs: Math.max(...shapes.map(({ interfaces }) => interfaces)) });
    compileLimits(trialEnv.folder);
    const turns = schedule(points, options.rounds, 1, "random", options.seed).map(
      ({ cell }, order) => ({ order, ...cell }),
    );
    const trials: GrowthTrial[] = [];
    await untilCut(() =>
      inTurn(
        turns,
        {
          name: ({ axis, value }) => `${axis} ${axisOf(axis).label(value)}`,
          run: async (turn) => ({
            ...turn,
            repeated: false,
            ...(await runPoint(axisOf(turn.axis).shape(turn.value), options, trialEnv, signal)),
          }),
          others: ({ figures }) => figures?.others_cpu_share ?? null,
          iops: ({ figures }) => figures?.iops ?? null,
          unit: "reads/s",
        },
        trials,
        line,
      ),
    );
    const asked = settingOf({ ...options, mtu: MTU }, trialEnv.pinning);
    const setting = { ...asked, read_bytes: READ_BYTES };
    const { seed } = options;
    return (head) => ({ ...head, kind: GROWTH, seed, setting, trials, axes: summaryOf(trials) });
  },
  setting: ({ setting }) => setting,
  merge(first, all) {
    const trials = all.flatMap((one) => one.trials).map((trial, order) => ({ ...trial, order }));
    return { ...first, trials, axes: summaryOf(trials) };
  },
  show: showGrowth,
};

export const growthAction = (files: readonly string[], flags: Record<string, unknown>) =>
  experimentAction(growth, files, flags);
