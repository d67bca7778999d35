// `aoe bench peers`: our target beside its peers. Which arms there are here, every trial in its turn, and the idle
// targets.

import { statSync } from "node:fs";
import { requireLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { isInMemory } from "../../sys/file.ts";
import { SECTOR, sectorsWithin } from "../../wire/ata.ts";
import { environment, expected, failed } from "../../words/failure.ts";
import { parseOptions } from "../../words/option.ts";
import { formatSize, S } from "../../words/quantity.ts";
import type { Head } from "../machine/head.ts";
import { settingOf } from "../result/setting.ts";
import { makeTrialEnvironment, type OwnedEnvironment } from "../run/trial_environment.ts";
import { type Experiment, experimentAction, inTurn, type Stage } from "../run/experiment.ts";
import { AOE } from "../../lab/programs.ts";
import { type Arm, ours, SHELF, SLOT } from "./arms.ts";
import { cellName, FRUGAL } from "./bars.ts";
import { probeIdle } from "./idle.ts";
import { dirty, inMemory } from "./image.ts";
import { BUILT_IN, OURS, VBLADE } from "./names.ts";
import { PEERS_OPTIONS } from "./options.ts";
import { PEERS, type PeersIdle, type PeersResult, PeersSchema, type PeersTrial } from "./result.ts";
import { showPeers } from "./show.ts";
import { summaryOf } from "./summary.ts";
import { runPeerTrial } from "./trial.ts";
import { armsOf, contestsOf, type PeersOptions, turnsOf } from "./turns.ts";

export const peers: Experiment<PeersOptions, PeersResult> = {
  kind: PEERS,
  schema: PeersSchema,
  parse: parsePeers,
  measure: measurePeers,
  setting: ({ setting: { rounds: _, ...setting } }) => setting,
  merge: mergePeers,
  show: showPeers,
};

export const peersAction = (files: readonly string[], flags: Record<string, unknown>) =>
  experimentAction(peers, files, flags);

function parsePeers(flags: Readonly<Record<string, unknown>>): PeersOptions {
  const options = parseOptions(PEERS_OPTIONS, flags);
  const { mtu, peer, bs, iodepth, rw } = options;
  const names = [...BUILT_IN, ...peer.map(({ name }) => name)];
  const [twice] = names.filter((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw expected("--peer", "a name that no other target has", twice);
  const unknown = options.arms.find((name) => !names.includes(name));
  if (unknown !== undefined) throw expected("--arms", `a list of ${names.join(", ")}`, unknown);
  // A peer that was named is meant to run.
  const arms =
    flags["arms"] === undefined ? [...options.arms, ...names.slice(BUILT_IN.length)] : options.arms;
  // A command of one frame: what a target does for several is no one's question here.
  const most = sectorsWithin(mtu) * SECTOR;
  const wrong = bs.find((bytes) => bytes === 0 || bytes % SECTOR !== 0 || bytes > most);
  if (wrong !== undefined) {
    throw expected(
      "--bs",
      `sizes in multiples of 512 bytes, of one frame (up to ${most} with MTU ${mtu})`,
      formatSize(wrong),
    );
  }
  const cells = bs.flatMap((size) =>
    iodepth.flatMap((depth) => rw.map((way) => ({ bs: size, iodepth: depth, rw: way }))),
  );
  return { ...options, arms, cells };
}

async function measurePeers(
  options: PeersOptions,
  stage: Stage,
): Promise<(head: Head<typeof PEERS>) => PeersResult> {
  const { trialEnv, line, signal } = stage;
  requireLab({ mtu: options.mtu });
  if (trialEnv.pinning.target !== null && findProgram("taskset") === null) {
    throw environment("`taskset` (util-linux) is not installed, which pins targets and loads");
  }
  const images = makeTrialEnvironment(
    "packet",
    options.seed,
    options.imageIn ?? inMemory(options.imageSize),
  );
  try {
    const image = images.image(options.imageSize);
    const memory = isInMemory(image);
    const { arms, absent } = armsOf(options, image, trialEnv.folder);
    for (const sentence of absent) line.say(sentence);
    const turns = options.parts.flatMap((part) =>
      part === "idle" ? [] : turnsOf(part, options, contestsOf(part, arms, trialEnv, image)),
    );
    const peerEnv = {
      ...options,
      folder: trialEnv.folder,
      programs: trialEnv.folder,
      cpus: trialEnv.cpus,
    };
    const trials: PeersTrial[] = [];
    const idle: PeersIdle[] = [];
    await stage.untilCut(async () => {
      await inTurn(
        turns,
        {
          name: ({ match: { part, arm }, cell }) =>
            `${part === "cells" ? "" : `${part}: `}${cellName(cell)}, ${arm}`,
          run: async ({ match, cell, round }) => {
            if (cell.rw === "write" && !memory) dirty(image);
            return { ...(await runPeerTrial(match, cell, peerEnv, signal)), round };
          },
          others: ({ others_cpu_share }) => others_cpu_share,
          iops: ({ figures }) => figures?.iops ?? null,
        },
        trials,
        line,
      );
      if (!options.parts.includes("idle")) return;
      for (const arm of idleArms(arms, image)) {
        line.say(`idle: ${arm.name}`);
        idle.push(await measureIdle(arm, options, trialEnv, signal));
      }
    });
    const setting = {
      ...settingOf(options, trialEnv.pinning),
      image_bytes: statSync(image).size,
      image_in_memory: memory,
    };
    const named = arms.map(({ name, command }) => ({
      arm: name,
      command: shown(command, image, trialEnv),
    }));
    const measured = { seeds: [options.seed], arms: named, absent, setting, trials, idle };
    return (head) => ({ ...head, ...measured, ...summaryOf(measured) });
  } finally {
    images.remove();
  }
}

/** Rounds of a cell that several have add up. */
function mergePeers(first: PeersResult, all: readonly PeersResult[]): PeersResult {
  let rounds = 0;
  const trials = all.flatMap((result) => {
    const own = result.trials.map((trial) => ({ ...trial, round: trial.round + rounds }));
    rounds += result.setting.rounds;
    return own;
  });
  const idle = Map.groupBy(
    all.flatMap((result) => result.idle),
    ({ arm }) => arm,
  );
  const arms = Map.groupBy(
    all.flatMap((result) => result.arms),
    ({ arm }) => arm,
  );
  const merged = {
    ...first,
    seeds: all.flatMap(({ seeds }) => seeds),
    arms: [...arms.values()].flatMap(([one]) => one ?? []),
    absent: [...new Set(all.flatMap(({ absent }) => absent))],
    trials,
    idle: [...idle].map(([arm, several]) => ({
      arm,
      start_ns: several.flatMap(({ start_ns }) => start_ns),
      idle_cpu_share: several.flatMap(({ idle_cpu_share }) => idle_cpu_share),
      resident_bytes: several.flatMap(({ resident_bytes }) => resident_bytes),
    })),
  };
  return { ...merged, ...summaryOf(merged) };
}

/** Without the folders of this machine and this run: a result is meant to be passed on. */
function shown(command: readonly string[], image: string, { folder }: OwnedEnvironment): string {
  return command
    .join(" ")
    .replaceAll(`${process.execPath} ${AOE}`, "aoe")
    .replaceAll(image, "IMAGE")
    .replaceAll(`${folder}/`, "");
}

const STARTS = 9;
const IDLE_NS = 5 * S;

/** Ours as it comes, ours in the mode that does not spin, and vblade. */
function idleArms(arms: readonly Arm[], image: string): Arm[] {
  const frugal = { name: FRUGAL, command: ours(image, "--mode", "frugal") };
  return arms.flatMap((arm) =>
    arm.name === OURS ? [arm, frugal] : arm.name === VBLADE ? [arm] : [],
  );
}

async function measureIdle(
  { name, command }: Arm,
  { mtu }: PeersOptions,
  { pinning }: OwnedEnvironment,
  signal: AbortSignal,
): Promise<PeersIdle> {
  const [shelf, slot] = [Number(SHELF), Number(SLOT)];
  const task = { command, shelf, slot, starts: STARTS, idle_ns: IDLE_NS };
  const run = await probeIdle(task, pinning, { mtu }, signal);
  if (run.figures === null) {
    throw failed(`The idle target ${name} was not measured: ${run.failure}`);
  }
  const { start_ns, idle_cpu_share, resident_bytes } = run.figures;
  return { arm: name, start_ns, idle_cpu_share, resident_bytes };
}
