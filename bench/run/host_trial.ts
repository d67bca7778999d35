// A trial over hosts: targets and loads are started on theirs, all loads are ready first, then one
// moment is told to each on its own host's clock.
//
//   clocks ─ targets ─ loads … ready ─ moment ─ loads end ─ targets end ─ clocks ─▶ judge_trial.ts
//
// A target that ends early, a load that fails before it is ready, a host that is lost: the trial
// has failed, with that as its sentence, and what is left of it is killed.

import * as v from "valibot";
import { now } from "../../sys/clock.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { type ClockEstimate, joinEstimates, startOf, type Window } from "../hosts/clock_offset.ts";
import type { HostFleet } from "../hosts/host_fleet.ts";
import type { ExitEvent } from "../hosts/host_orders.ts";
import type { Remote } from "../hosts/host_session.ts";
import type { Cell } from "../job/resolved.ts";
import { writes } from "../load/workload.ts";
import { parseClosingFigures } from "../machine/closing_figures.ts";
import type { Trial } from "../result/result.ts";
import { documentOf, judgeTrial, type Ran, type TrialPlace } from "./judge_trial.ts";
import { loadWords, nullTargetWords, targetAddress, targetWords } from "./trial_lines.ts";

export interface HostTrial {
  readonly cell: Cell;
  readonly place: TrialPlace;
  readonly fleet: HostFleet;
  readonly program: string;
  readonly seed: number;
}

/** ns from the order to begin until the moment: by then each load has been told. */
const AHEAD = 250e6;
/** ms that a target has to end in order. */
const TARGET_END = 5000;
const READY = "aoe bench load: ready";

/** A process of the trial. */
interface Part {
  readonly host: string;
  readonly name: string;
  readonly remote: Remote;
}

interface LoadPart extends Part {
  readonly address: string;
}

/** Throws the reason of `signal` where that came before the end. */
export async function runHostTrial(trial: HostTrial, signal?: AbortSignal): Promise<Trial> {
  const startedAt = now();
  const run = new Run(trial);
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  cut.catch(() => {});
  try {
    signal?.throwIfAborted();
    const ran = await Promise.race([run.perform(), run.lost(), cut]);
    return judgeTrial(trial.place, { ...ran, elapsed: now() - startedAt });
  } catch (error) {
    await run.kill();
    if (signal?.aborted === true || !(error instanceof Failure)) throw error;
    return judgeTrial(trial.place, run.failed(error, now() - startedAt));
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

class Run {
  private readonly trial: HostTrial;
  private readonly targetHosts: readonly string[];
  private readonly loadHosts: readonly string[];
  private readonly targets: Part[] = [];
  private readonly loads: LoadPart[] = [];

  constructor(trial: HostTrial) {
    const { targetHosts = [], initiatorHosts = [] } = trial.cell.values;
    this.trial = trial;
    this.targetHosts = targetHosts;
    this.loadHosts = initiatorHosts;
  }

  private get hosts(): readonly string[] {
    return [...this.targetHosts, ...this.loadHosts];
  }

  /** Rejects when one of its hosts is lost. */
  async lost(): Promise<never> {
    const { fleet, place } = this.trial;
    const failure = await Promise.race(this.hosts.map((name) => fleet.session(name).lost));
    const { message, exitCode } = failure;
    throw new Failure(`${message} (trial ${place.order + 1})`, exitCode);
  }

  async perform(): Promise<Ran> {
    const { fleet } = this.trial;
    const before = await fleet.clocks(this.loadHosts);
    await Promise.all(this.targetHosts.map((host, index) => this.startTarget(host, index)));
    await Promise.all(this.loadHosts.map((host, index) => this.startLoad(host, index)));
    const early = this.earlyTargets();
    await Promise.race([this.allReady(), early]);
    await this.begin(before);
    const ends = await Promise.race([
      Promise.all(this.loads.map(({ remote }) => remote.exit)),
      early,
    ]);
    const targets = await this.endTargets();
    const after = await fleet.clocks(this.loadHosts);
    const clocks = new Map(
      [...before].map(([name, one]) => [name, joinEstimates(one, after.get(name) ?? one)]),
    );
    return this.ran(ends, targets, clocks);
  }

  /** Ends what still runs, whatever state its host is in. */
  async kill(): Promise<void> {
    const asked = [...this.loads, ...this.targets].map(({ host, name }) =>
      this.trial.fleet.session(host).ask({ order: "kill", name, signal: "SIGKILL" }),
    );
    await Promise.allSettled(asked);
  }

  /** What is known of a trial that did not come to its end. */
  failed({ message, exitCode }: Failure, elapsed: number): Ran {
    return {
      code: exitCode,
      elapsed,
      cpu: null,
      others: null,
      steal: 0,
      cpus: null,
      places: this.places(),
      documents: [],
      loadSaid: "",
      targetSaid: "",
      closing: [],
      start: null,
      wrong: message,
    };
  }

  private async startTarget(host: string, index: number): Promise<void> {
    const { cell, fleet, place, program, seed } = this.trial;
    const { host: spec, look } = fleet.member(host);
    const [bun, aoe] = fleet.programOn(host, program);
    const at = { interfaces: spec.interface ?? "", cpus: look.cpus.join(",") };
    const name = `target.${index}`;
    let words: string[];
    let figures: string | null = null;
    if (place.floor === true || cell.values.store === "null") {
      words = nullTargetWords([bun, aoe.replace(/aoe\.ts$/, NULL_TARGET)], cell, at);
    } else {
      const { imageSize: bytes, rw } = cell.values;
      // One of its own for each trial that writes.
      const kind = writes(rw) ? "written" : "read";
      const order = { order: "image", name: `${kind}.${bytes}`, bytes, seed } as const;
      const image = String(await fleet.session(host).ask(order));
      figures = `${look.folder}/target.${place.order}.json`;
      words = targetWords([bun, aoe], cell, { ...at, index, image, figures });
    }
    const remote = await fleet.session(host).start(name, words, figures);
    this.targets.push({ host, name, remote });
  }

  private async startLoad(host: string, index: number): Promise<void> {
    const { cell, fleet, program } = this.trial;
    const { host: spec, look } = fleet.member(host);
    const address = targetAddress(index, this.targetHosts.length);
    const place = { address, interface: spec.interface ?? "" };
    const words = loadWords(fleet.programOn(host, program), cell, place, look.cpus.join(","));
    const name = `load.${index}`;
    const remote = await fleet.session(host).start(name, [...words, "--gate"], null);
    this.loads[index] = { host, name, remote, address };
  }

  /** Rejects when a target ends before its time. */
  private async earlyTargets(): Promise<never> {
    const [host, end] = await Promise.race(
      this.targets.map(async (one) => [one.host, await one.remote.exit] as const),
    );
    const how = end.signal === null ? `ended with code ${end.code}` : `was killed (${end.signal})`;
    const said = this.targets.find((one) => one.host === host)?.remote.lines.at(-1) ?? "";
    const words = end.signal !== null || said === "" ? "" : `: ${said}`;
    const sentence = `${host}: the target ${how} in trial ${this.trial.place.order + 1}${words}`;
    throw new Failure(sentence, EXIT.failed);
  }

  private async allReady(): Promise<void> {
    await Promise.all(
      this.loads.map(async ({ host, remote }) => {
        const end = await Promise.race([remote.until(READY), remote.exit]);
        if (end === undefined) return;
        const said = remote.lines.at(-1) ?? `the load ended with code ${end.code}`;
        throw new Failure(`${host}: ${said}`, end.code ?? EXIT.failed);
      }),
    );
  }

  /** Tells each load the moment, on the clock of its host. */
  private async begin(clocks: ReadonlyMap<string, ClockEstimate>): Promise<void> {
    const moment = now() + AHEAD;
    await Promise.all(
      this.loads.map(({ host, name }) => {
        const at = Math.round(moment + (clocks.get(host)?.offset_ns ?? 0));
        return this.trial.fleet.session(host).ask({ order: "write", name, text: `${at}\n` });
      }),
    );
  }

  private async endTargets(): Promise<readonly (ExitEvent | null)[]> {
    return await Promise.all(
      this.targets.map(async ({ host, name, remote }) => {
        const session = this.trial.fleet.session(host);
        await session.ask({ order: "kill", name, signal: "SIGTERM" });
        const late = Bun.sleep(TARGET_END).then(() => null);
        const end = await Promise.race([remote.exit, late]);
        if (end === null) await session.ask({ order: "kill", name, signal: "SIGKILL" });
        return end;
      }),
    );
  }

  private ran(
    ends: readonly ExitEvent[],
    targets: readonly (ExitEvent | null)[],
    clocks: ReadonlyMap<string, ClockEstimate>,
  ): Ran {
    const all = [...ends, ...targets];
    const cpus = all.map((end) => end?.cpu_ns ?? null);
    const code = all.map((end) => end?.code ?? EXIT.failed).find((one) => one !== EXIT.done);
    return {
      code: code ?? EXIT.done,
      elapsed: 0,
      cpu: cpus.includes(null) ? null : cpus.reduce<number>((sum, one) => sum + (one ?? 0), 0),
      others: null,
      steal: 0,
      cpus: null,
      places: this.places(),
      documents: ends.map(({ stdout }) => stdout),
      loadSaid: this.loads.flatMap(({ remote }) => remote.lines).join("\n"),
      targetSaid: this.targets.flatMap(({ remote }) => remote.lines).join("\n"),
      closing: targets.map((end) => (end?.file ? parseClosingFigures(end.file) : null)),
      start: this.startOf(ends, clocks),
    };
  }

  private places(): Ran["places"] {
    const { fleet } = this.trial;
    return this.loadHosts.map((host, index) => ({
      address: targetAddress(index, this.targetHosts.length),
      interface: fleet.member(host).host.interface ?? "",
      host,
    }));
  }

  private startOf(
    ends: readonly ExitEvent[],
    clocks: ReadonlyMap<string, ClockEstimate>,
  ): Trial["start"] {
    const windows = ends.flatMap(({ stdout }, index): Window[] => {
      const offset = clocks.get(this.loads[index]?.host ?? "")?.offset_ns ?? 0;
      const read = v.safeParse(Measured, documentOf(stdout));
      if (!read.success) return [];
      const { from_ns, to_ns } = read.output.aoe.measured;
      return [{ from: from_ns - offset, to: to_ns - offset }];
    });
    const start = windows.length === ends.length ? startOf(windows) : null;
    if (start === null) return null;
    return { ...start, clocks: [...clocks].map(([host, one]) => ({ host, ...one })) };
  }
}

const NULL_TARGET = "bench/run/null_target.ts";

/** When it measured, in ns of its host's clock. */
const Measured = v.object({
  aoe: v.object({ measured: v.object({ from_ns: v.number(), to_ns: v.number() }) }),
});
