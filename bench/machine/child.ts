// A process that measures, from its start to its end, and what it wrote. It and all that it has started end with this
// process, and when `signal` comes.

import { now } from "../../sys/clock.ts";
import { cpuTicks, TICK } from "./cpu_ticks.ts";

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  /** What the command is told to end by (initiator/commands/interrupted.ts). */
  readonly signal?: AbortSignal | undefined;
}

export interface ChildRun {
  /** 137 where a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** CPU time of it and of those that it has waited for, ns; null: not known. */
  readonly cpu: number | null;
}

/** Throws the signal's reason where it came before the end. */
export async function runChild(
  words: readonly string[],
  { signal, ...options }: ChildOptions = {},
): Promise<ChildRun> {
  signal?.throwIfAborted();
  // A group of its own: a terminal's Ctrl-C is ours to answer, and a shell's children end with it.
  const child = Bun.spawn([...words], {
    ...options,
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const end = (): void => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  process.on("exit", end);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    signal?.throwIfAborted();
    const used = child.resourceUsage();
    const cpu = used === undefined ? null : Number(used.cpuTime.total) * 1e3;
    return { code: child.exitCode ?? 137, stdout, stderr, cpu };
  } finally {
    process.off("exit", end);
    signal?.removeEventListener("abort", end);
  }
}

export interface WatchedRun extends ChildRun {
  readonly elapsed: number;
  /** CPU time of all others on those CPUs meanwhile, ns; null: not known. */
  readonly others: number | null;
  /** Of it, what the hypervisor gave to other machines, ns. */
  readonly steal: number;
}

/** `runChild`, and what others did on the CPUs that it may use. */
export async function runWatched(
  words: readonly string[],
  cpus: readonly number[],
  options: ChildOptions,
): Promise<WatchedRun> {
  const [startedAt, before] = [now(), cpuTicks(cpus)];
  const run = await runChild(words, options);
  const elapsed = now() - startedAt;
  const after = cpuTicks(cpus);
  const busy = (after.busy - before.busy) * TICK;
  const steal = (after.steal - before.steal) * TICK;
  return { ...run, elapsed, others: run.cpu === null ? null : Math.max(0, busy - run.cpu), steal };
}

/** What a process said last; a shell's own word about a child that it has ended is not its. */
export function lastLine(text: string): string {
  const lines = text.trim().split("\n");
  return lines.findLast((line) => line !== "Terminated")?.trim() ?? "";
}

/** Why a trial failed: its code, and what its load and its target said last; "": nothing. */
export function endedWith(code: number, load: string, target: string): string {
  const words = [lastLine(load), target === "" ? "" : `the target: ${lastLine(target)}`];
  const said = words.filter((text) => text !== "").join("; ");
  return `The trial ended with code ${code}${said === "" ? "" : `: ${said}`}`;
}
