// Where the trials of a run happen, behind one face: this machine (labs, an interface, one
// process), or hosts. The run itself, its order, its judge and its result are the same.

import * as v from "valibot";
import type { Host } from "../job/hosts.ts";
import { overHosts } from "../job/host_arrangement.ts";
import { COALESCING_KEYS } from "../job/keys.ts";
import type { Cell, Job } from "../job/resolved.ts";
import { HostFleet, type Member } from "../hosts/host_fleet.ts";
import { warningsAbout } from "../hosts/host_checks.ts";
import { interfaceFacts, setCoalescing } from "../machine/interfaces.ts";
import { ProvenanceSchema } from "../machine/provenance.ts";
import { InterfaceSchema, type RunResult, type Trial } from "../result/result.ts";
import { Failure } from "../../words/failure.ts";
import { camelCase } from "../../words/option.ts";
import { plural, shownTime } from "../../words/shown.ts";
import { runHostTrial } from "./host_trial.ts";
import type { TrialPlace } from "./judge_trial.ts";
import { runTrial } from "./trial.ts";
import { makeTrialEnvironment } from "./trial_environment.ts";

export interface Ground {
  readonly pinning: RunResult["pinning"];
  /** Interfaces and hosts, as the result keeps them. */
  readonly facts: Pick<RunResult, "interfaces" | "hosts">;
  /** Before a trial: what was lost is had again; one sentence where it can't be. */
  mend(signal?: AbortSignal): Promise<string | null>;
  /** What a cell says of interfaces. */
  set(cell: Cell): Promise<void>;
  /** Throws the reason of `signal` where that came before the end. */
  trial(cell: Cell, place: TrialPlace, program: string, signal?: AbortSignal): Promise<Trial>;
  close(): Promise<void>;
}

export interface GroundSetting {
  readonly job: Job;
  readonly link: RunResult["link"];
  /** aoe.ts of each revision under test. */
  readonly programs: readonly string[];
  readonly say: (sentence: string) => void;
}

export async function openGround(setting: GroundSetting, signal?: AbortSignal): Promise<Ground> {
  return setting.job.jobs.some(overHosts)
    ? await openHosts(setting, signal)
    : openHere(setting.job, setting.link);
}

function openHere(job: Job, link: RunResult["link"]): Ground {
  const { interface: name, seed } = job.values;
  const trialEnv = makeTrialEnvironment(link, seed);
  return {
    pinning: trialEnv.pinning,
    get facts() {
      return { interfaces: name === undefined ? [] : [interfaceFacts(name)], hosts: [] };
    },
    mend: () => Promise.resolve(null),
    set: (cell) => Promise.resolve(setCoalescing(cell.values)),
    trial: (cell, place, program, cut) => runTrial(cell, place, { ...trialEnv, program }, cut),
    close: () => Promise.resolve(trialEnv.remove()),
  };
}

async function openHosts(
  { job, programs, say }: GroundSetting,
  signal: AbortSignal | undefined,
): Promise<Ground> {
  const { hosts, roles } = usedHosts(job);
  const fleet = await HostFleet.open(hosts, [...new Set(programs)], { say }, signal);
  const ground = new HostGround(fleet, roles, job.values.seed, say);
  try {
    await ground.tellHosts();
    return ground;
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

type Role = NonNullable<RunResult["hosts"]>[number]["role"];

/** The hosts that a job names, with what they are in it. */
export function usedHosts(job: Job): { hosts: Host[]; roles: Map<string, Role> } {
  const roles = new Map<string, Role>();
  for (const { values } of job.jobs) {
    const of = (key: "target_hosts" | "initiator_hosts"): string[] =>
      values[key].choices.flatMap(({ value }) => value ?? []);
    for (const name of of("target_hosts")) roles.set(name, "target");
    for (const name of of("initiator_hosts")) roles.set(name, "initiator");
  }
  return { hosts: job.hosts.filter(({ name }) => roles.has(name)), roles };
}

class HostGround implements Ground {
  readonly pinning = { target: null, load: null };
  readonly facts: Ground["facts"];
  private readonly fleet: HostFleet;
  private readonly roles: ReadonlyMap<string, Role>;
  private readonly seed: number;
  private readonly say: (sentence: string) => void;
  /** The settings of each host's interface, as text. */
  private readonly settings = new Map<string, string>();

  constructor(
    fleet: HostFleet,
    roles: ReadonlyMap<string, Role>,
    seed: number,
    say: (sentence: string) => void,
  ) {
    this.fleet = fleet;
    this.roles = roles;
    this.seed = seed;
    this.say = say;
    const members = [...fleet.members.values()];
    this.facts = { interfaces: [], hosts: members.map((one) => hostFacts(one, roles)) };
  }

  /** Who takes part, and how well their clocks are known. */
  async tellHosts(): Promise<void> {
    const members = [...this.fleet.members.values()];
    const clocks = await this.fleet.clocks(members.map(({ host }) => host.name));
    const worst = Math.max(...[...clocks.values()].map(({ bound_ns }) => bound_ns));
    const names = members.map(({ host: { name } }) => `${name} (${this.roles.get(name)})`);
    const within = `clocks within ±${shownTime(worst)}`;
    this.say(`${plural(members.length, "host")}: ${names.join(", ")}; ${within}`);
    for (const one of members) {
      for (const warning of warningsAbout(one, clocks.get(one.host.name)?.bound_ns ?? 0)) {
        this.say(warning);
      }
    }
  }

  async mend(signal?: AbortSignal): Promise<string | null> {
    const lost = [...this.fleet.members.values()].filter(
      ({ connected }) => connected.session.isLost,
    );
    for (const { host } of lost) {
      this.say(`${host.name}: reconnecting for the next trial`);
      try {
        this.settings.delete(host.name);
        await this.fleet.rejoin(host.name, signal);
      } catch (error) {
        if (!(error instanceof Failure) || signal?.aborted === true) throw error;
        return error.message;
      }
    }
    return null;
  }

  async set({ values }: Cell): Promise<void> {
    const settings = Object.fromEntries(
      COALESCING_KEYS.flatMap((key) => {
        const value = values[camelCase(key) as "rxUsecs" | "rxFrames" | "txUsecs" | "txFrames"];
        return value === undefined ? [] : [[key.replace("_", "-"), value] as const];
      }),
    );
    const text = JSON.stringify(settings);
    if (text === "{}") return;
    await Promise.all(
      (values.initiatorHosts ?? []).map(async (name) => {
        if (this.settings.get(name) === text) return;
        const on = this.fleet.member(name).host.interface ?? "";
        await this.fleet.session(name).ask({ order: "set", interface: on, settings });
        this.settings.set(name, text);
      }),
    );
  }

  trial(cell: Cell, place: TrialPlace, program: string, signal?: AbortSignal): Promise<Trial> {
    const { fleet, seed } = this;
    return runHostTrial({ cell, place, fleet, program, seed }, signal);
  }

  close(): Promise<void> {
    return this.fleet.close();
  }
}

export function hostFacts(
  { host, look }: Member,
  roles: ReadonlyMap<string, Role>,
): NonNullable<RunResult["hosts"]>[number] {
  return {
    name: host.name,
    role: roles.get(host.name) ?? "initiator",
    became: host.become,
    cpus: look.cpus,
    driver: look.interface?.driver ?? null,
    interface: v.parse(InterfaceSchema, look.facts),
    provenance: v.parse(ProvenanceSchema, look.provenance),
  };
}
