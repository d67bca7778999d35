// A service model: stages in the order in which they were given, all seeded from one generator.
//
//   --service 'lanes:4,delay:normal/50us/5us,drop:1%'
//
//   request ─▶ lanes ─▶ delay ─▶ drop ─▶ store ─▶ answer ─▶ leave lanes, delay, drop
//
// A stage holds what it holds until the command is answered: `lanes` before `delay` limits how many are
// delayed at a time, `delay` before `lanes` does not.

import { type LoadTrace, parseDistribution } from "../../words/distribution.ts";
import { expected, usage } from "../../words/failure.ts";
import {
  parseDuration,
  parseInteger,
  parseProbability,
  parseRate,
  parseSize,
} from "../../words/quantity.ts";
import type { Random } from "../../words/random.ts";
import { createDelay } from "./delay.ts";
import { createDrop } from "./drop.ts";
import { createDuplicate } from "./duplicate.ts";
import { createError } from "./error.ts";
import { createHang } from "./hang.ts";
import { createLanes } from "./lanes.ts";
import { createRate } from "./rate.ts";
import { createReorder } from "./reorder.ts";
import { createSeek } from "./seek.ts";
import { createStall } from "./stall.ts";
import type { Job, Stage } from "./stage.ts";

/** A command on its way through a model. */
export interface Passenger extends Job {
  /** Stages entered so far. */
  stage: number;
}

export interface ServiceModel {
  /** As given; empty: no model. */
  readonly text: string;
  readonly stages: readonly Stage[];
}

/** The one of all exports that have none. */
export const NO_MODEL: ServiceModel = { text: "", stages: [] };

export interface ModelContext {
  /** What an error sentence calls the option: `--service`. */
  readonly what: string;
  readonly random: Random;
  /** Of the export: what the disk's arm has to cross. */
  readonly sectors: number;
  readonly loadTrace?: LoadTrace;
}

/** Enters the stages from where the passenger stands: a time, HELD or DROPPED. */
export function advance(model: ServiceModel, passenger: Passenger, now: number): number {
  const { stages } = model;
  while (passenger.stage < stages.length) {
    const at = (stages[passenger.stage++] as Stage).enter(passenger, now);
    if (at !== now) return at;
  }
  return now;
}

/** The passenger is over: every stage it entered is told. */
export function leave(model: ServiceModel, passenger: Passenger, now: number): void {
  const { stages } = model;
  const entered = passenger.stage;
  passenger.stage = 0;
  for (let stage = 0; stage < entered; stage++) {
    (stages[stage] as Stage).leave(passenger, now);
  }
}

/** Throws the usage failure for an unknown model, a wrong count of values or a value out of range. */
export function parseServiceModel(text: string, context: ModelContext): ServiceModel {
  const stages = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part, index) => parseStage(part, index, context));
  if (stages.length === 0) return NO_MODEL;
  return { text: stages.map((stage) => stage.text).join(","), stages };
}

/** How each stage is written. */
export const STAGE_FORMS = [
  ...["delay:DISTRIBUTION", "lanes:N", "rate:RATE[/BURST]", "seek:RPM/MINSEEK/MAXSEEK"],
  ...["stall:EVERY/FOR", "error:KIND/P[/COMMAND][/FIRST-LAST]", "hang:P", "drop:P"],
  ...["duplicate:P", "reorder:P/D"],
] as const;

function parseStage(text: string, index: number, context: ModelContext): Stage {
  const { what } = context;
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? "" : text.slice(colon + 1);
  const values = rest.split("/").map((value) => value.trim());
  const [first = "", second = "", third = ""] = values;
  // Forked by place and name: a change of one stage leaves the draws of the others as they were.
  const random = context.random.fork(`${index}:${name}`);
  const need = (count: number, form: string, most = count): void => {
    if (rest === "" || values.length < count || values.length > most) {
      throw expected(what, `made of stages such as ${form}`, text);
    }
  };
  const part = `${what} ${name}`;
  switch (name) {
    case "delay":
      need(1, "delay:50us or delay:normal/50us/5us", 9);
      return createDelay(parseDistribution(rest, part, context.loadTrace), random);
    case "lanes":
      need(1, "lanes:4");
      return createLanes(parseInteger(first, part, 1, 65_536));
    case "rate": {
      need(1, "rate:1000iops/10 or rate:100m/1m", 2);
      const rate = parseRate(first, part);
      if (rate.unit === "iops") {
        return createRate(rate, second === "" ? 1 : parseInteger(second, part, 1), text);
      }
      return createRate(rate, second === "" ? 128 * 1024 : parseSize(second, part), text);
    }
    case "seek": {
      need(3, "seek:7200/1ms/15ms");
      const rpm = parseInteger(first, part, 1, 1_000_000);
      const least = parseDuration(second, part);
      const most = parseDuration(third, part);
      if (most < least)
        throw expected(what, "seek:RPM/MINSEEK/MAXSEEK with MINSEEK <= MAXSEEK", text);
      return createSeek(rpm, least, most, context.sectors, text);
    }
    case "stall": {
      need(2, "stall:1s/50ms");
      const every = parseDuration(first, part);
      const length = parseDuration(second, part);
      if (length > every || every === 0) {
        throw expected(what, "stall:EVERY/FOR with FOR <= EVERY and EVERY above 0", text);
      }
      return createStall(every, length, text);
    }
    case "error":
      return createError(values, part, random, text);
    case "hang":
      need(1, "hang:1%");
      return createHang(parseProbability(first, part), random, text);
    case "drop":
      need(1, "drop:1%");
      return createDrop(parseProbability(first, part), random, text);
    case "duplicate":
      need(1, "duplicate:1%");
      return createDuplicate(parseProbability(first, part), random, text);
    case "reorder":
      need(2, "reorder:1%/1ms");
      return createReorder(
        parseProbability(first, part),
        parseDuration(second, part),
        random,
        text,
      );
    default:
      throw usage(
        `\`${what}\` knows no service model \`${name}\`: there is ${STAGE_FORMS.join(", ")}`,
      );
  }
}
