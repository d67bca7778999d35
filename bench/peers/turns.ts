// Which arms there are here, and every trial in its turn.

import { join } from "node:path";
import { environment } from "../../words/failure.ts";
import type { OptionValues } from "../../words/option.ts";
import { createRandom } from "../../words/random.ts";
import type { OwnedEnvironment } from "../run/trial_environment.ts";
import { schedule, shuffled } from "../run/schedule.ts";
import { type Arm, armOf, FAR, ours, SHELF, SLOT } from "./arms.ts";
import { compileLimits } from "./limits.ts";
import { DEEP, ECHO_RING, type Load, LOADS, OURS, SHALLOW, VBLADE } from "./names.ts";
import type { PEERS_OPTIONS } from "./options.ts";
import type { LoadedPart, PeersCell } from "./result.ts";
import type { Match } from "./trial.ts";

export type PeersOptions = OptionValues<typeof PEERS_OPTIONS> & {
  readonly cells: readonly PeersCell[];
};

export function armsOf(
  options: PeersOptions,
  image: string,
  folder: string,
): { arms: Arm[]; absent: string[] } {
  if (options.parts.some((part) => part !== "idle")) compileLimits(folder);
  const found = options.arms.map((name) => armOf(name, image, options.peer, folder));
  const arms = found.filter((one) => typeof one !== "string");
  const absent = found.filter((one) => typeof one === "string");
  const others = arms.filter(({ name }) => name !== OURS);
  if (others.length === 0 && options.arms.some((name) => name !== OURS)) {
    throw environment(
      `There is nothing to compare our target with: ${absent.join(" ")} Another is named by --peer`,
    );
  }
  return { arms, absent };
}

export function contestsOf(
  part: LoadedPart,
  arms: readonly Arm[],
  { pinning: { target, load }, folder }: OwnedEnvironment,
  image: string,
): Match[] {
  const apart = { targetCpu: target, loadCpu: load };
  switch (part) {
    case "cells":
      return arms.map(({ name, command }) => ({
        part,
        arm: name,
        target: command,
        load: "c",
        ...apart,
      }));
    case "one-cpu":
      return arms
        .filter(({ name }) => name === OURS || name === VBLADE)
        .map(({ name, command }) => ({
          part,
          arm: name,
          target: name === OURS ? ours(image, "--mode", "frugal") : command,
          load: "c-frugal",
          targetCpu: target,
          loadCpu: target,
        }));
    case "load": {
      const limit = [join(folder, ECHO_RING), SHELF, SLOT, FAR, image];
      const loads: readonly Load[] = ["ours", "c", "ours-frugal", "c-frugal"];
      return loads.map((load) => ({ part, arm: LOADS[load], target: limit, load, ...apart }));
    }
  }
}

/** All depths, or those at which a part is measured. */
const DEPTHS = { cells: null, "one-cpu": SHALLOW, load: DEEP } as const;

export function turnsOf(
  part: LoadedPart,
  { cells, rounds, seed }: PeersOptions,
  matches: readonly Match[],
): { readonly match: Match; readonly cell: PeersCell; readonly round: number }[] {
  const own = cells.filter(({ iodepth }) => DEPTHS[part]?.includes(iodepth) ?? true);
  return schedule(own, rounds, 1, "random", seed).flatMap(({ cell }, at) => {
    // In an order drawn again each time, so that none always goes first, however few the rounds.
    const random = createRandom(seed).fork(`arms of turn ${at}`);
    const round = Math.floor(at / own.length);
    return shuffled(matches, random).map((match) => ({ match, cell, round }));
  });
}
