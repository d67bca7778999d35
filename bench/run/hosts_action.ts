// `aoe bench hosts JOB`: all that a run does with its hosts before the first trial, as a table.
// Nothing there is changed but the cache folder; --clean removes that too.

import { catchInterrupt } from "../../initiator/commands/interrupted.ts";
import { AOE } from "../../lab/programs.ts";
import { EXIT, usage } from "../../words/failure.ts";
import { printableJson } from "../../words/printable.ts";
import { say } from "../../words/say.ts";
import { shownBytes, shownTime } from "../../words/shown.ts";
import { formatTable, widthOf } from "../../words/table.ts";
import type { ClockEstimate } from "../hosts/clock_offset.ts";
import { HostFleet, type Member } from "../hosts/host_fleet.ts";
import { warningsAbout } from "../hosts/host_checks.ts";
import { loadJob } from "../job/job.ts";
import { hostFacts, usedHosts } from "./ground.ts";

interface Flags {
  readonly set?: string[];
  readonly hosts?: string;
  readonly clean?: boolean;
  readonly json?: boolean;
}

/** Returns the exit code. */
export async function hostsAction(
  path: string,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  const job = await loadJob(path, flags.set ?? [], flags.hosts);
  const { hosts, roles } = usedHosts(job);
  if (hosts.length === 0) {
    throw usage(`${path}: Expected a job over hosts (\`target_hosts\`), got one without`);
  }
  const { signal } = catchInterrupt();
  const fleet = await HostFleet.open(hosts, [AOE], { say }, signal);
  try {
    const members = hosts.map(({ name }) => fleet.member(name));
    const clocks = await fleet.clocks(hosts.map(({ name }) => name));
    if (flags.json === true) {
      const rows = members.map((one) => ({
        ...hostFacts(one, roles),
        clock: clocks.get(one.host.name) ?? null,
      }));
      process.stdout.write(`${printableJson(rows)}\n`);
    } else {
      process.stdout.write(tableOf(members, clocks));
    }
    for (const one of members) {
      const bound = clocks.get(one.host.name)?.bound_ns ?? 0;
      for (const warning of warningsAbout(one, bound)) say(warning);
    }
    if (flags.clean === true) {
      await Promise.all(hosts.map(({ name }) => fleet.session(name).ask({ order: "clean" })));
    }
    return EXIT.done;
  } finally {
    await fleet.close();
  }
}

const COLUMNS = [
  "host",
  "ssh",
  { name: "kernel", drop: 1 },
  { name: "CPU", drop: 2 },
  "interface",
  "clock",
  "program",
];

function tableOf(members: readonly Member[], clocks: ReadonlyMap<string, ClockEstimate>): string {
  const rows = members.map(({ host, look, connected }) => {
    const on = look.interface;
    return [
      host.name,
      host.ssh,
      look.kernel,
      `${look.cpu}, ${look.cpus.join(",")}`,
      `${host.interface} ${on?.driver ?? "?"} ${on?.mtu} ${on?.up === true ? "up" : "down"}`,
      `±${shownTime(clocks.get(host.name)?.bound_ns ?? null)}`,
      connected.put === 0 ? "there" : `put there (${shownBytes(connected.put)})`,
    ];
  });
  return formatTable(COLUMNS, rows, widthOf(process.stdout));
}
