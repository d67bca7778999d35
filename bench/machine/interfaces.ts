// Interfaces that exist beyond a run: what `ethtool` tells about them goes into the result, and
// coalescing is set where the job sweeps it: when the driver cleans its transmit ring, which is what
// pins buffers.

import { environment } from "../../words/failure.ts";
import { findProgram } from "../../lab/programs.ts";
import { type Facts, interfaceState, runProgram } from "./system_facts.ts";

/** Of an interface, as a result keeps it. */
interface InterfaceFacts {
  readonly name: string;
  /** null: not known. */
  readonly mtu: number | null;
  readonly offloads: Record<string, string>;
  readonly coalescing: Record<string, string>;
  readonly state: Facts;
}

export function interfaceFacts(name: string): InterfaceFacts {
  const ip = run("ip", "-json", "link", "show", "dev", name);
  const mtu = ip === null ? null : Number(/"mtu":(\d+)/.exec(ip)?.[1] ?? Number.NaN);
  return {
    name,
    mtu: mtu === null || Number.isNaN(mtu) ? null : mtu,
    offloads: parseEthtool(run("ethtool", "-k", name) ?? ""),
    coalescing: parseEthtool(run("ethtool", "-c", name) ?? ""),
    state: interfaceState(name),
  };
}

/** `key: value` lines of ethtool, the indented ones too. */
function parseEthtool(text: string): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^\s*([\w-][\w -]*):\s*(\S.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) facts[match[1]] = match[2];
  }
  return facts;
}

interface Coalescing {
  readonly interface: string | undefined;
  /** Undefined leaves a setting alone. */
  readonly rxUsecs: number | undefined;
  readonly rxFrames: number | undefined;
  readonly txUsecs: number | undefined;
  readonly txFrames: number | undefined;
}

/** Sets coalescing. An environment Failure where that can't be. */
export function setCoalescing({ interface: name, ...settings }: Coalescing): void {
  const named = [
    ["rx-usecs", settings.rxUsecs],
    ["rx-frames", settings.rxFrames],
    ["tx-usecs", settings.txUsecs],
    ["tx-frames", settings.txFrames],
  ] as const;
  const words = named.flatMap(([key, value]) => (value === undefined ? [] : [key, `${value}`]));
  if (name === undefined || words.length === 0) return;
  const program = findProgram("ethtool");
  if (program === null) {
    throw environment(
      "`tx_usecs` and its like need ethtool, which is not in PATH (Debian: apt install ethtool)",
    );
  }
  const child = Bun.spawnSync([program, "-C", name, ...words], {
    stdout: "ignore",
    stderr: "pipe",
  });
  // 80: unmodified, since it is so already.
  if (child.exitCode !== 0 && child.exitCode !== 80) {
    const said = child.stderr.toString().trim().replaceAll("\n", " ");
    throw environment(`ethtool -C ${name} ${words.join(" ")} failed: ${said}`);
  }
}

function run(name: string, ...words: string[]): string | null {
  try {
    return runProgram(name, ...words);
  } catch {
    return null;
  }
}
