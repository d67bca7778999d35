// A lab: a network of its own for one command, made without root and gone with the command.
//
//   this process ─ setpriv ▶ unshare ─ fork ▶ sh (setup.ts) ─ fork ▶ COMMAND
//                  └ dies with us ┘    └── user, net, pid, mount namespaces ──┘
//
// Death travels to the right whatever the cause, SIGKILL included: `setpriv --pdeathsig KILL` ends
// unshare when we end, `--kill-child` ends the shell when unshare ends, and the kernel ends everything
// in a pid namespace when its first process ends. Namespaces without processes vanish, devices with
// them. There is nothing to clean up and nothing that could forget to.
//
// Root takes a user namespace too, so that runs by root and by others differ in nothing (the kernel
// refuses SO_RCVBUFFORCE in one, for instance); only where none is available does root go without.
//
// In a lab, process ids are the lab's own; /proc is remounted to agree, where the container permits.

import { dirname } from "node:path";
import { environment } from "../words/failure.ts";
import { readlinkSync } from "node:fs";

import { findProgram, searchPath } from "./programs.ts";
import { labEnvironment, type LabShape, setupScript } from "./setup.ts";
import { BUILT_IN, ownFile } from "../sys/root.ts";

export type LabProbe =
  { readonly available: true } | { readonly available: false; readonly reason: string };

const probes = new Map<string, LabProbe>();

/**
 * Whether a lab of this shape can be made here: makes one (30 ms), once per shape and process.
 * `reason` is one sentence for the user.
 */
export function probeLab(shape: LabShape = {}): LabProbe {
  // Not with its guest, which takes its time to start, and says then what it lacks.
  const key = JSON.stringify([shape.mtu, shape.pairs, shape.late === true]);
  let probe = probes.get(key);
  if (probe === undefined) {
    probe = probeAnew(shape);
    probes.set(key, probe);
  }
  return probe;
}

function probeAnew(shape: LabShape): LabProbe {
  for (const [program, origin] of needed(shape)) {
    if (findProgram(program) === null) {
      return {
        available: false,
        reason: `No lab can be made: \`${program}\` (${origin}) is neither in PATH nor in /usr/sbin or /sbin.`,
      };
    }
  }
  const { guest: _, ...bare } = shape;
  const run = Bun.spawnSync(labCommandLine(["true"], bare), {
    env: labEnv(bare),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  if (run.exitCode === 0) return { available: true };
  const said = run.stderr.toString().trim().replaceAll("\n", " ");
  if (run.exitCode === 5) return { available: false, reason: `${said.replace(/\.$/, "")}.` };
  return {
    available: false,
    reason: `No lab can be made: this kernel or container forbids user and network namespaces (${said}).`,
  };
}

function needed(shape: LabShape): [program: string, origin: string][] {
  const programs: [string, string][] = [
    ["unshare", "util-linux"],
    ["setpriv", "util-linux"],
    ["ip", "iproute2"],
  ];
  if (shape.late === true) programs.push(["tc", "iproute2"]);
  return programs;
}

/** Throws the environment failure (exit code 5) where no lab of this shape can be made. */
export function requireLab(shape: LabShape = {}): void {
  const probe = probeLab(shape);
  if (!probe.available) throw environment(probe.reason);
}

/**
 * The command line that runs `command` in a lab for as long as THIS process lives. Spawn it with
 * `labEnv(shape)`. Exit code: the command's, 128 + n when signal n ended it, 5 when the lab failed.
 */
export function labCommandLine(command: readonly string[], shape: LabShape = {}): string[] {
  const script = setupScript(
    shape,
    // Ourselves as /proc names us: within a lab whose /proc could not be remounted that differs
    // from process.pid.
    readlinkSync("/proc/self"),
    findProgram("ip") ?? "ip",
    findProgram("tc") ?? "tc",
  );
  const namespaces = ["--net", "--pid", "--mount", "--fork", "--kill-child"];
  return [
    findProgram("setpriv") ?? "setpriv",
    "--pdeathsig",
    "KILL",
    findProgram("unshare") ?? "unshare",
    ...(withoutUserNamespace() ? [] : ["--user", "--map-root-user"]),
    ...namespaces,
    "sh",
    "-c",
    script,
    "aoe-lab",
    ...command,
  ];
}

let rootWithout: boolean | null = null;

/** Root can do without a user namespace where the kernel refuses one. */
function withoutUserNamespace(): boolean {
  if (process.getuid?.() !== 0) return false;
  rootWithout ??=
    Bun.spawnSync([findProgram("unshare") ?? "unshare", "--user", "--map-root-user", "true"], {
      stdout: "ignore",
      stderr: "ignore",
    }).exitCode !== 0;
  return rootWithout;
}

/** The environment for `labCommandLine`: ours, the lab's names, and a PATH that reaches sbin and knows `aoe`. */
export function labEnv(
  shape: LabShape = {},
  env: Record<string, string | undefined> = process.env,
): Record<string, string | undefined> {
  const path = `${COMMANDS}:${searchPath(env["PATH"])}`;
  return { ...env, PATH: path, AOE_BUN: process.execPath, ...labEnvironment(shape) };
}

/** Where `aoe` stands as a command, which in a lab needs neither npx nor a path. */
const COMMANDS = BUILT_IN ? dirname(process.execPath) : ownFile("bin");

export interface RunOptions extends LabShape {
  readonly cwd?: string;
  /** Beside the inherited environment. */
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  /** After this many ms everything in the lab is killed; default 60,000. */
  readonly timeoutMs?: number;
}

export interface LabRun {
  /** 137 when the time was up. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in a lab to its end and returns what it wrote. For tests and short programs. */
export async function runInLab(
  command: readonly string[],
  options: RunOptions = {},
): Promise<LabRun> {
  const child = Bun.spawn(labCommandLine(command, options), {
    env: { ...labEnv(options), ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new TextEncoder().encode(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
  try {
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    return { exitCode: child.exitCode ?? 137, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}
