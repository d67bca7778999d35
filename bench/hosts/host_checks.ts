// What keeps hosts from taking part in a run: each fault as the sentence that names its host.

import type { Host } from "../job/hosts.ts";
import type { Trial } from "../result/result.ts";
import { shownShare, shownTime } from "../../words/shown.ts";
import type { Look } from "./host_orders.ts";

type Start = NonNullable<Trial["start"]>;

export interface Seen {
  readonly host: Host;
  readonly look: Look;
}

/** Of one host; empty: it can take part. */
export function faultsOf({ host, look }: Seen): string[] {
  const { interface: on, name } = host;
  if (look.interface === null) {
    return [`${name}: there is no ${on}; it has: ${look.others.join(", ") || "none"}`];
  }
  if (look.held !== null) return [`${name}: ${on} is in use by another run (${look.held})`];
  const faults: string[] = [];
  const { mtu, up, driver } = look.interface;
  if (look.carries_ssh) {
    const why = `so its frames would be in the figures, and setting ${on} could cut us off`;
    faults.push(`ssh comes in by ${on}, ${why}`);
  }
  if (!up) faults.push(`${on} is down`);
  if (look.raw !== null) faults.push(rawFault(host, look));
  const expected = [
    ["MTU", host.mtu, mtu],
    ["driver", host.driver, driver],
  ] as const;
  for (const [what, wanted, found] of expected) {
    if (wanted !== undefined && wanted !== found) {
      faults.push(`${on} has ${what} ${found ?? "unknown"}, where the job expects ${wanted}`);
    }
  }
  if (host.kernel !== undefined && !look.kernel.startsWith(host.kernel)) {
    faults.push(`it runs kernel ${look.kernel}, where the job expects ${host.kernel}`);
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

function rawFault({ become }: Host, { user }: Look): string {
  const fault = `user ${user} may not open raw sockets`;
  if (become === "sudo") return `${fault}, in spite of \`become = "sudo"\``;
  return `${fault}. Say \`become = "sudo"\` (sudo -n has to work), or give Bun cap_net_raw`;
}

/** Of all hosts together. */
export function faultsTogether(seen: readonly Seen[]): string[] {
  const mtus = seen.flatMap(({ host, look }) =>
    look.interface === null ? [] : [[host.name, look.interface.mtu] as const],
  );
  if (new Set(mtus.map(([, mtu]) => mtu)).size < 2) return [];
  const list = mtus.map(([name, mtu]) => `${name} ${mtu}`).join(", ");
  return [`The MTU differs: ${list}. Frames that are too long for one end vanish without a word`];
}

/** What does not keep a host out, and makes its figures less sure. */
export function warningsAbout({ host, look }: Seen, bound: number): string[] {
  const warnings: string[] = [];
  const affinity = irqCpus(look);
  const shared = look.cpus.filter((cpu) => affinity.includes(cpu));
  if (affinity.length > 0 && shared.length === look.cpus.length) {
    const where = `${host.interface}'s interrupts come to CPU ${affinity.join(", ")}`;
    warnings.push(`${host.name}: ${where}, as its target or load: pin one of them elsewhere`);
  }
  if (bound > POOR_BOUND) {
    const ms = (bound / 1e6).toFixed(1);
    warnings.push(
      `${host.name}: clock within ±${ms} ms only: \`start_spread\` can't be judged finer`,
    );
  }
  return warnings;
}

/** Of all trials of a run: how poorly their loads began; null: well enough. */
export function poorStart(starts: readonly Pick<Start, "overlap" | "spread_ns">[]): string | null {
  const poor = starts.filter(({ overlap }) => overlap < WELL_IN_COMMON);
  if (poor.length === 0) return null;
  const least = shownShare(Math.min(...poor.map(({ overlap }) => overlap)));
  const latest = shownTime(Math.max(...poor.map(({ spread_ns }) => spread_ns)));
  const which = `In ${poor.length} of ${starts.length} trials`;
  const common = `the loads had less than 99 % of their measured time in common (${least} or more`;
  return `${which} ${common}, begun within ${latest}): a host woke late.`;
}
/** Share of the measured time. */
const WELL_IN_COMMON = 0.99;

/** ns; a bound above it is worth a word. */
const POOR_BOUND = 2e6;

function irqCpus({ facts }: Look): number[] {
  const state = facts["state"] as { irq_affinity?: { value?: string | null } } | undefined;
  const lists = [...(state?.irq_affinity?.value ?? "").matchAll(/ on ([\d,-]+)/g)];
  const numbers = lists.flatMap(([, list = ""]) =>
    list.split(",").flatMap((part) => {
      const [from = 0, to = from] = part.split("-").map(Number);
      return Array.from({ length: to - from + 1 }, (_, at) => from + at);
    }),
  );
  return [...new Set(numbers)];
}
