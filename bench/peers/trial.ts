// One trial: a target and a load (driven.ts). Targets are driven by the load in C (load.c); ours
// stands beside it. A trial never throws: what went wrong stands in its `failure`.

import { US } from "../../words/quantity.ts";
import type { Attempt } from "../run/experiment.ts";
import type { ProcessCost } from "../machine/process_cost.ts";
import { AOE } from "../../lab/programs.ts";
import { type AoeBlock, aoeBlock } from "../run/whole_trial.ts";
import { ADDRESS, NEAR, SHELF, SLOT } from "./arms.ts";
import { cLoadWords, readCLoad } from "./c_load.ts";
import { runDriven } from "./driven.ts";
import { describeWay } from "../machine/closing_figures.ts";
import { sentByPath } from "../../link/link.ts";
import { type Load, OURS } from "./names.ts";
import type { LoadedPart, PeersCell, PeersFigures, PeersTrial } from "./result.ts";

export interface PeerTrialEnvironment {
  readonly folder: string;
  /** Where the programs in C are. */
  readonly programs: string;
  /** That the trial's processes may use. */
  readonly cpus: readonly number[];
  readonly mtu: number;
  readonly warmUp: number;
  readonly runtime: number;
  readonly seed: number;
}

export interface Match {
  readonly part: LoadedPart;
  /** What stands in the result as `arm`. */
  readonly arm: string;
  readonly target: readonly string[];
  readonly load: Load;
  /** CPUs; null: not pinned. */
  readonly targetCpu: number | null;
  readonly loadCpu: number | null;
}

/** One attempt. */
export async function runPeerTrial(
  match: Match,
  cell: PeersCell,
  trialEnv: PeerTrialEnvironment,
  signal?: AbortSignal,
): Promise<Omit<PeersTrial, "round" | keyof Attempt>> {
  const driven = {
    ...match,
    tells: match.arm === OURS,
    load: loadWords(match, cell, trialEnv),
    watch: inC(match.load) ? "-w" : "--target-pid",
  } as const;
  const run = await runDriven(driven, { mtu: trialEnv.mtu }, trialEnv, signal);
  const { code, stdout, others_cpu_share, target_way } = run;
  const all = run.failure === null ? figuresOf(match, stdout) : null;
  // Nothing divides by a rate of none, and no target is so slow.
  const figures = all === null || !(all.iops > 0) ? null : { ...all, target_way };
  const nothing = run.failure ?? "No command ended in the measured time";
  return {
    part: match.part,
    ...cell,
    arm: match.arm,
    others_cpu_share,
    exit_code: code,
    failure: figures === null ? nothing : null,
    figures,
  };
}

/**
 * Where both ends stand on one CPU their compilers do, too: after a second there ours did 0.22 to 0.84 of vblade's
 * commands a second, after five 0.71 to 0.91.
 */
function warmUpOf({ part }: Match, trialEnv: PeerTrialEnvironment): number {
  return part === "one-cpu" ? 4 * trialEnv.warmUp : trialEnv.warmUp;
}

function loadWords(match: Match, cell: PeersCell, trialEnv: PeerTrialEnvironment): string[] {
  const { load } = match;
  const warmUp = warmUpOf(match, trialEnv);
  if (inC(load)) {
    const { bs: bytes, iodepth: depth, rw } = cell;
    return cLoadWords({
      ...trialEnv,
      ...{ shelf: SHELF, slot: SLOT, interfaces: [NEAR], bytes, rw },
      frugal: load === "c-frugal",
      stages: [
        { kind: "warm", depth, ns: warmUp },
        { kind: "measure", depth, ns: trialEnv.runtime },
      ],
    });
  }
  return [
    ...[process.execPath, AOE, "bench", "load", ADDRESS, "--interface", NEAR, "--json"],
    ...["--rw", `rand${cell.rw}`, "--bs", String(cell.bs), "--iodepth", String(cell.iodepth)],
    ...["--warm-up", duration(warmUp), "--ramp-time", "0s"],
    ...["--runtime", duration(trialEnv.runtime), "--randseed", String(trialEnv.seed)],
    // A veth pair keeps no frame for later, and nothing is read back: a write that was sent again must not
    // hold the next one to its place back for a second.
    ...["--packet-life", "1us"],
    ...(load === "ours-frugal" ? ["--mode", "frugal"] : []),
  ];
}

function inC(load: Load): boolean {
  return load === "c" || load === "c-frugal";
}

function duration(ns: number): string {
  return `${Math.round(ns / US)}us`;
}

function figuresOf(match: Match, stdout: string): PeersFigures | null {
  return inC(match.load) ? figuresInC(stdout) : figuresOfOurs(stdout);
}

function figuresInC(stdout: string): PeersFigures | null {
  const said = readCLoad(stdout);
  const [found] = said?.stages ?? [];
  if (said === null || found === undefined) return null;
  const { commands, elapsed_ns, busy_ns, target_cpu_ns } = found;
  const { lat_p50_ns, lat_p99_ns, lat_p999_ns } = found;
  if (lat_p50_ns === null || lat_p99_ns === null || lat_p999_ns === null) return null;
  return {
    iops: (commands * 1e9) / elapsed_ns,
    lat_p50_ns,
    lat_p99_ns,
    lat_p999_ns,
    target_cpu_per_command_ns: target_cpu_ns === null ? null : target_cpu_ns / commands,
    target_resident_bytes: found.target_resident_bytes,
    load_cpu_per_command_ns: found.cpu_ns / commands,
    load_busy_share: busy_ns / elapsed_ns,
    load_way: said.way,
    target_way: null,
    retransmits: found.retransmits,
    receive_drops: found.receive_drops,
  };
}

function wayOf(link: AoeBlock["link"]): string | null {
  if (link?.transmitted === undefined || link.paths === undefined) return null;
  const { transmitted, paths } = link;
  return describeWay({ all: transmitted, ...sentByPath({ transmitted, paths }) });
}

function figuresOfOurs(stdout: string): PeersFigures | null {
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(stdout) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { figures, link } = aoeBlock(document);
  if (figures === undefined) return null;
  const { lat_p50_ns, lat_p99_ns, lat_p999_ns, cpu_per_command_ns: ownCpu } = figures;
  if (lat_p50_ns === null || lat_p99_ns === null || lat_p999_ns === null || ownCpu === null) {
    return null;
  }
  const { target_process: cost = null } = document["aoe"] as {
    readonly target_process?: ProcessCost | null;
  };
  const commands = (figures.iops * figures.runtime_ns) / 1e9;
  return {
    iops: figures.iops,
    lat_p50_ns,
    lat_p99_ns,
    lat_p999_ns,
    target_cpu_per_command_ns: cost === null || commands < 1 ? null : cost.cpu_ns / commands,
    target_resident_bytes: cost?.resident_bytes ?? null,
    load_cpu_per_command_ns: ownCpu,
    load_busy_share: null,
    load_way: wayOf(link),
    target_way: null,
    retransmits: figures.retransmits,
    receive_drops: figures.receive_drops,
  };
}
