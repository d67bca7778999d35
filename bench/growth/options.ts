// The options of `aoe bench growth`: every axis, unless told, in some five minutes.

import { choice, type OptionTable } from "../../words/option.ts";
import { rounds, runtime, seed, several, warmUp } from "../run/experiment_options.ts";
import { AXIS_NAMES } from "./axes.ts";

export const GROWTH_OPTIONS = {
  axis: {
    type: several(choice(AXIS_NAMES, "axis")),
    many: true,
    unit: "name",
    help: "may be repeated; all of them",
  },
  rounds: { ...rounds, help: "trials of each point" },
  runtime: { ...runtime, default: "500ms", help: "measured time of each half of a trial" },
  warm_up: { ...warmUp, default: "400ms", help: "before it, not in the figures" },
  seed,
} as const satisfies OptionTable;
