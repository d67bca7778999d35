// Which keys of a job go with hosts: told before anything runs, and before any host is asked.

import { usage } from "../../words/failure.ts";
import { set } from "./arrangement.ts";
import { type KeyName, KEYS } from "./keys.ts";
import type { Host } from "./hosts.ts";
import type { ResolvedJob } from "./resolved.ts";

/** What belongs to a lab, or to a target that runs already. */
const NOT_WITH_HOSTS: readonly KeyName[] = [
  "interface",
  "target",
  "initiators",
  "targets",
  "late",
  "mtu",
];

/** Throws the usage Failure for the first rule that is broken. */
export function checkHosts(
  jobs: readonly ResolvedJob[],
  hosts: readonly Host[],
  file: string,
): void {
  const used = jobs.filter(overHosts);
  for (const job of jobs) {
    const where = `${file} [${job.name}]`;
    const [targets, initiators] = [set(job, "target_hosts"), set(job, "initiator_hosts")];
    if ((targets.length === 0) !== (initiators.length === 0)) {
      const only = targets.length === 0 ? "initiator_hosts" : "target_hosts";
      const rule = "Expected `target_hosts` and `initiator_hosts` both or neither";
      throw usage(`${where}: ${rule}, got only \`${only}\``);
    }
    if (used.length > 0 && !used.includes(job)) {
      const like = `as [${used[0]?.name}] has`;
      throw usage(`${where}: Expected every job of the file to have \`target_hosts\`, ${like}`);
    }
    if (targets.length > 0) checkJob(job, hosts, where);
  }
}

/** Whether its targets and loads run on hosts. */
export function overHosts(job: ResolvedJob): boolean {
  return set(job, "target_hosts").length > 0;
}

function checkJob(job: ResolvedJob, hosts: readonly Host[], where: string): void {
  for (const key of ["target_hosts", "initiator_hosts"] as const) {
    for (const { text, value } of job.values[key].choices) {
      const unknown = (value ?? [""]).find((name) => !hosts.some((host) => host.name === name));
      if (unknown === undefined) continue;
      const known = hosts.map(({ name }) => name).join(", ") || "none";
      throw usage(
        `${where}: Expected \`${key}\` to name hosts of [hosts] (${known}), got \`${text}\``,
      );
    }
  }
  const targets = job.values.target_hosts.choices.flatMap(({ value }) => value ?? []);
  const both = job.values.initiator_hosts.choices
    .flatMap(({ value }) => value ?? [])
    .find((name) => targets.includes(name));
  if (both !== undefined) {
    // Frames don't come back to the interface that sent them.
    throw usage(`${where}: Expected a host to be a target's or a load's, got \`${both}\` as both`);
  }
  for (const key of NOT_WITH_HOSTS) {
    const [text] = set(job, key);
    if (text !== undefined) {
      const instead =
        key === "mtu" ? ": say `mtu` in [hosts], where it is expected and not set" : "";
      throw usage(`${where}: Expected \`${key}\` only without hosts, got \`${text}\`${instead}`);
    }
  }
  const link = job.values.link.choices[0]?.text ?? KEYS.link.default;
  if (link === "memory" || link === "virtual") {
    throw usage(`${where}: Expected \`link\` to be packet or ring over hosts, got \`${link}\``);
  }
}
