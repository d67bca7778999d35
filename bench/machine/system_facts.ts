// What the system says of itself and of an interface: each fact as the kernel writes it, or the
// reason why it can't be read. `root` and `run` stand for the machine, so that tests have their
// own.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { findProgram } from "../../lab/programs.ts";
import { fileReason } from "../../words/file_error.ts";

export const FactSchema = v.object({
  /** null: it can't be read. */
  value: v.nullable(v.string()),
  /** Why not; null: it can. */
  reason: v.nullable(v.string()),
});
export type Fact = v.InferOutput<typeof FactSchema>;
export type Facts = Readonly<Record<string, Fact>>;

const known = (value: string): Fact => ({ value, reason: null });
const unknown = (reason: string): Fact => ({ value: null, reason });

function fact(read: () => string): Fact {
  try {
    return known(read().trim());
  } catch (error) {
    return unknown(fileReason(error));
  }
}

const PLACES = {
  kernel_command_line: "proc/cmdline",
  smt: "sys/devices/system/cpu/smt/active",
  governor: "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
  clock_source: "sys/devices/system/clocksource/clocksource0/current_clocksource",
  default_qdisc: "proc/sys/net/core/default_qdisc",
} as const;

const CPU = "sys/devices/system/cpu";

export function systemFacts(root = "/"): Facts {
  const text = (path: string): string => readFileSync(join(root, path), "utf8");
  const places = Object.entries(PLACES).map(([name, path]) => [name, fact(() => text(path))]);
  return {
    ...(Object.fromEntries(places) as Facts),
    turbo: turboOf(text),
    microcode: cpuinfo(text, "microcode"),
    hypervisor: hypervisorOf(text),
    ...vulnerabilities(root),
  };
}

/** `on` or `off`. */
function turboOf(text: (path: string) => string): Fact {
  const off = fact(() => text(`${CPU}/intel_pstate/no_turbo`));
  if (off.value !== null) return known(off.value === "1" ? "off" : "on");
  const boost = fact(() => text(`${CPU}/cpufreq/boost`));
  return boost.value === null ? boost : known(boost.value === "1" ? "on" : "off");
}

function cpuinfo(text: (path: string) => string, key: string): Fact {
  const all = fact(() => text("proc/cpuinfo"));
  if (all.value === null) return all;
  const found = new RegExp(`^${key}\\s*:\\s*(.*)$`, "m").exec(all.value)?.[1];
  return found === undefined ? unknown(`/proc/cpuinfo has no ${key}`) : known(found);
}

/** `none`, or what the firmware calls the machine. */
function hypervisorOf(text: (path: string) => string): Fact {
  const flags = cpuinfo(text, "flags");
  if (flags.value === null) return flags;
  if (!/\bhypervisor\b/.test(flags.value)) return known("none");
  return known(fact(() => text("sys/class/dmi/id/product_name")).value ?? "of unknown name");
}

/** One fact for each that the kernel knows of, with its mitigation. */
function vulnerabilities(root: string): Facts {
  const folder = join(root, CPU, "vulnerabilities");
  try {
    const facts = readdirSync(folder).map((name) => [
      `vulnerability_${name}`,
      fact(() => readFileSync(join(folder, name), "utf8")),
    ]);
    return Object.fromEntries(facts) as Facts;
  } catch (error) {
    return { vulnerabilities: unknown(fileReason(error)) };
  }
}

/** Driver, rings, queues, byte queue limits, interrupts and queue discipline of an interface. */
export function interfaceState(name: string, run = runProgram, root = "/"): Facts {
  const ethtool = (option: string): Fact => fact(() => run("ethtool", option, name));
  return {
    driver: ethtool("-i"),
    rings: ethtool("-g"),
    queues: ethtool("-l"),
    byte_queue_limits: byteQueueLimits(name, root),
    irq_affinity: irqAffinity(name, root),
    qdisc: fact(() => run("tc", "qdisc", "show", "dev", name)),
  };
}

/** `tx-0 1879048192, tx-1 …`: the most bytes that each queue may hold. */
function byteQueueLimits(name: string, root: string): Fact {
  return fact(() => {
    const folder = join(root, "sys/class/net", name, "queues");
    const queues = readdirSync(folder).filter((queue) => queue.startsWith("tx-"));
    const limit = (queue: string): string =>
      readFileSync(join(folder, queue, "byte_queue_limits/limit_max"), "utf8").trim();
    return queues.map((queue) => `${queue} ${limit(queue)}`).join(", ");
  });
}

/** `24 on 0-1, 25 on 1`: the interrupts of its device and their CPUs. */
function irqAffinity(name: string, root: string): Fact {
  return fact(() => {
    const irqs = readdirSync(join(root, "sys/class/net", name, "device/msi_irqs"));
    const cpus = (irq: string): string =>
      readFileSync(join(root, "proc/irq", irq, "smp_affinity_list"), "utf8").trim();
    return irqs.map((irq) => `${irq} on ${cpus(irq)}`).join(", ");
  });
}

/** Its output, trimmed. */
export function runProgram(name: string, ...words: string[]): string {
  const program = findProgram(name);
  if (program === null) throw new Error(`${name} is neither in PATH nor in /usr/sbin or /sbin`);
  const child = Bun.spawnSync([program, ...words], { stdout: "pipe", stderr: "pipe" });
  if (child.exitCode === 0) return child.stdout.toString();
  const said = child.stderr.toString().trim().split("\n").at(-1) ?? "";
  throw new Error(`${name} ${words.join(" ")} failed: ${said}`);
}
