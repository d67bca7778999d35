// A run: which arms there are here, every trial in its turn, and the idle targets.

import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isInMemory } from "../../sys/file.ts";
import { environment, failed } from "../../words/failure.ts";
import { S } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import type { OwnedBed } from "../run/bed.ts";
import { runChild } from "../machine/child.ts";
import { untilCut } from "../machine/cut_short.ts";
import { labCommandLine, labEnv, probeLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { schedule, shuffled } from "../run/schedule.ts";
import { AOE } from "../run/trial.ts";
import { type Arm, armOf, ECHO_RING, FAR, OURS, ours, SHELF, SLOT, VBLADE } from "./arms.ts";
import { FRUGAL, LOADS } from "./bars.ts";
import { compileLimits } from "./limits.ts";
import { type Contest, runPeerTrial } from "./peer_trial.ts";
import type { PeersOptions } from "./peers_options.ts";
import { DEEP, SHALLOW } from "./summary.ts";
import type { PeersCell, PeersIdle, PeersResult, PeersTrial } from "./peers_result.ts";

export interface PeersEvents {
  /** `of` trials in all. */
  trial(trial: PeersTrial, at: number, of: number): void;
  idle(arm: string): void;
  warn(sentence: string): void;
}

export type Measured = Pick<
  PeersResult,
  "arms" | "absent" | "trials" | "idle" | "setting" | "cut_short"
>;

/** All that was measured before the signal came. */
export async function runPeers(
  options: PeersOptions,
  bed: OwnedBed,
  events: PeersEvents,
  signal?: AbortSignal,
): Promise<Measured> {
  const lab = probeLab({ mtu: options.mtu });
  if (!lab.available) throw environment(lab.reason);
  if (bed.pinning.target !== null && findProgram("taskset") === null) {
    throw environment("`taskset` (util-linux) is not installed, which pins targets and loads");
  }
  const image = bed.image(options.imageSize);
  const memory = isInMemory(image);
  const { arms, absent, lacking } = armsOf(options, image, bed.folder);
  for (const sentence of absent) events.warn(sentence);
  const turns = options.parts.flatMap((part) =>
    part === "idle" ? [] : turnsOf(part, options, arms, bed, { image, lacking }),
  );
  const trialBed = { ...options, folder: bed.folder, programs: bed.folder, cpus: bed.cpus };
  const trials: PeersTrial[] = [];
  const idle: PeersIdle[] = [];
  const cut = await untilCut(signal, async () => {
    for (const { contest, cell, round } of turns) {
      if (cell.rw === "write" && !memory) dirty(image);
      const trial = await runPeerTrial(contest, cell, round, trialBed, signal);
      trials.push(trial);
      events.trial(trial, trials.length, turns.length);
    }
    if (!options.parts.includes("idle")) return;
    for await (const one of idleTargets(options, arms, bed, image, signal)) {
      idle.push(one);
      events.idle(one.arm);
    }
  });
  return {
    cut_short: cut,
    arms: arms.map(({ name, command }) => ({ arm: name, command: shown(command, image, bed) })),
    absent,
    trials,
    idle,
    setting: {
      mtu: options.mtu,
      image_bytes: statSync(image).size,
      image_in_memory: memory,
      rounds: options.rounds,
      runtime_ns: options.runtime,
      warm_up_ns: options.warmUp,
      target_cpu: bed.pinning.target,
      load_cpu: bed.pinning.load,
    },
  };
}

/** Without the folders of this machine and this run: a result is meant to be passed on. */
function shown(command: readonly string[], image: string, { folder }: OwnedBed): string {
  return command
    .join(" ")
    .replaceAll(`${process.execPath} ${AOE}`, "aoe")
    .replaceAll(image, "IMAGE")
    .replaceAll(`${folder}/`, "");
}

/**
 * Writes every page of the image as it is. The first write to a page that has been written back costs a file system
 * some ten times the next one, and the first arm of a round would pay for all.
 */
function dirty(image: string): void {
  const file = openSync(image, "r+");
  try {
    const piece = Buffer.allocUnsafe(PIECE);
    for (let at = 0; ; at += PIECE) {
      const length = readSync(file, piece, 0, PIECE, at);
      if (length === 0) return;
      writeSync(file, piece, 0, length, at);
    }
  } finally {
    closeSync(file);
  }
}
const PIECE = 1 << 20;

function armsOf(
  options: PeersOptions,
  image: string,
  folder: string,
): { arms: Arm[]; absent: string[]; lacking: string | null } {
  const inC = options.parts.includes("load") || options.arms.some((arm) => arm.startsWith("echo-"));
  const lacking = inC ? compileLimits(folder) : null;
  const found = options.arms.map((name) => armOf(name, image, options.peers, { folder, lacking }));
  const arms = found.filter((one) => typeof one !== "string");
  const absent = found.filter((one) => typeof one === "string");
  if (lacking !== null && options.parts.includes("load")) {
    absent.push(`${lacking}, so there is no load in C to weigh ours against.`);
  }
  const others = arms.filter(({ name }) => name !== OURS);
  if (others.length === 0 && options.arms.some((name) => name !== OURS)) {
    throw environment(
      `There is nothing to compare our target with: ${absent.join(" ")} Another is named by --peer`,
    );
  }
  return { arms, absent, lacking };
}

interface PeersTurn {
  readonly contest: Contest;
  readonly cell: PeersCell;
  readonly round: number;
}

function turnsOf(
  part: Contest["part"],
  options: PeersOptions,
  arms: readonly Arm[],
  { pinning, folder }: OwnedBed,
  { image, lacking }: { readonly image: string; readonly lacking: string | null },
): PeersTurn[] {
  const { target, load } = pinning;
  const apart = { targetCpu: target, loadCpu: load } as const;
  if (part === "cells") {
    const contests = arms.map((arm): Contest => ({
      part,
      arm: arm.name,
      target: arm.command,
      load: "ours",
      ...apart,
    }));
    return inTurn(contests, options.cells, options);
  }
  if (part === "one-cpu") {
    const contests = arms.flatMap(({ name, command }): Contest[] => {
      if (name !== OURS && name !== VBLADE) return [];
      const words = name === OURS ? ours(image, "--mode", "frugal") : command;
      return [
        { part, arm: name, target: words, load: "ours-frugal", targetCpu: target, loadCpu: target },
      ];
    });
    return inTurn(contests, atDepths(options.cells, SHALLOW), options);
  }
  if (lacking !== null) return [];
  const limit = [join(folder, ECHO_RING), SHELF, SLOT, FAR, image];
  const contests = (["ours-frugal", "c", "ours"] as const).map((which): Contest => ({
    part,
    arm: which === "ours-frugal" ? LOADS.ours : which === "c" ? LOADS.c : LOADS.spinning,
    target: limit,
    load: which,
    ...apart,
  }));
  return inTurn(contests, atDepths(options.cells, DEEP), options);
}

function atDepths(cells: readonly PeersCell[], depths: readonly number[]): PeersCell[] {
  return cells.filter(({ iodepth }) => depths.includes(iodepth));
}

function inTurn(
  contests: readonly Contest[],
  cells: readonly PeersCell[],
  { rounds, seed }: PeersOptions,
): PeersTurn[] {
  return schedule(cells, rounds, 1, "random", seed).flatMap(({ cell }, at) => {
    // In an order drawn anew each time, so that none always goes first, however few the rounds.
    const random = createRandom(seed).fork(`arms of turn ${at}`);
    const round = Math.floor(at / cells.length);
    return shuffled(contests, random).map((contest) => ({ contest, cell, round }));
  });
}

const STARTS = 9;
const IDLE_NS = 5 * S;
const PROBE = join(import.meta.dir, "idle_probe.ts");

/** Ours as it comes, ours in the mode that does not spin, and vblade. */
async function* idleTargets(
  options: PeersOptions,
  arms: readonly Arm[],
  { pinning }: OwnedBed,
  image: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<PeersIdle> {
  const asked = arms.flatMap((arm) =>
    arm.name === OURS
      ? [arm, { name: FRUGAL, command: ours(image, "--mode", "frugal") }]
      : arm.name === VBLADE
        ? [arm]
        : [],
  );
  const shape = { mtu: options.mtu };
  for (const { name, command } of asked) {
    const [cpu, rest] = [String(pinning.target ?? "any"), String(pinning.load ?? "any")];
    const probe = [process.execPath, PROBE, String(STARTS), String(IDLE_NS), cpu, ...command];
    const words =
      pinning.load === null ? probe : [findProgram("taskset") ?? "taskset", "-c", rest, ...probe];
    const run = await runChild(labCommandLine(words, shape), { env: labEnv(shape), signal });
    const { code, stdout: said, stderr: complaint } = run;
    if (code !== 0) {
      throw failed(
        `The idle target ${name} was not measured: ${complaint.trim().split("\n").at(-1)}`,
      );
    }
    yield { arm: name, ...(JSON.parse(said) as Omit<PeersIdle, "arm">) };
  }
}
