// Which keys of a job go together: what of a lab, a link and a load can't be had beside each other is told before
// anything runs.
//
//   link                 auto, packet     ring, xdp        memory, virtual
//   interface            yes              yes              no
//   write_lane, rings    yes              yes              no: one process has no sockets
//   late                 no: copies       in a lab, one    no
//                        are not held     initiator
//
// And a service model only with a target that has one: store = "null" has none.

import { usage } from "../../words/failure.ts";
import { pinsInKernel, SOCKET_OPTIONS } from "../../initiator/session/raw_link.ts";
import { formatDuration } from "../../words/quantity.ts";
import { lastMove } from "../../lab/late_plan.ts";
import { COALESCING_KEYS, type KeyName, KEYS } from "./keys.ts";
import type { ResolvedJob } from "./resolved.ts";

/** Throws the usage Failure for the first rule that is broken. */
export function checkArrangement(jobs: readonly ResolvedJob[], file: string): void {
  const [first] = jobs;
  if (first === undefined) return;
  checkPlace(first, file);
  for (const job of jobs) {
    const where = `${file} [${job.name}]`;
    checkSockets(job, where);
    checkLate(job, where);
    checkStore(job, where);
    checkCoalescing(job, where);
  }
}

/** A null target answers at once, whatever its rows would be called by. */
function checkStore(job: ResolvedJob, where: string): void {
  const [service] = set(job, "service");
  if (service !== undefined && set(job, "store").length > 0) {
    throw usage(
      `${where}: Expected \`service\` only with \`store\` image, because a null target answers at once, got \`${service}\``,
    );
  }
}

/** The texts of a key that are not its default. */
export function set(job: ResolvedJob, key: KeyName): string[] {
  const usual = KEYS[key].default;
  return job.values[key].choices.map(({ text }) => text).filter((text) => text !== usual);
}

/** The text of a key that has one in the whole file. */
function only(job: ResolvedJob, key: KeyName): string {
  return job.values[key].choices[0]?.text ?? "";
}

/** A target that runs already needs both to be named, and no lab. All of these are one in the whole file. */
function checkPlace(job: ResolvedJob, file: string): void {
  const text = (key: KeyName): string => only(job, key);
  if ((text("interface") === "") !== (text("target") === "")) {
    throw usage(
      `${file}: Expected \`interface\` and \`target\` both or neither, got \`${text("interface")}\` and \`${text("target")}\``,
    );
  }
  const link = text("link");
  if (text("interface") !== "" && !hasSockets(link)) {
    throw usage(
      `${file}: Expected \`link\` to be packet, ring or xdp on an interface, got \`${link}\``,
    );
  }
  const control = text("target_control");
  if (text("interface") === "" && control !== "") {
    throw usage(`${file}: Expected \`target_control\` only with \`interface\`, got \`${control}\``);
  }
}

/** Coalescing is of an interface that exists beyond the trial. */
function checkCoalescing(job: ResolvedJob, where: string): void {
  if (set(job, "interface").length > 0 || set(job, "initiator_hosts").length > 0) return;
  for (const key of COALESCING_KEYS) {
    const [text] = set(job, key);
    if (text !== undefined) {
      throw usage(
        `${where}: Expected \`${key}\` only with an interface that stays, got \`${text}\``,
      );
    }
  }
}

function hasSockets(link: string): boolean {
  return link !== "memory" && link !== "virtual";
}

/** Keys that only sockets have. */
const SOCKETS = Object.keys(SOCKET_OPTIONS) as (keyof typeof SOCKET_OPTIONS)[];

/** Whether it has what only a link over sockets has; `auto` has it where a lab can be made. */
export function needsSockets(job: ResolvedJob): boolean {
  return SOCKETS.some((key) => set(job, key).length > 0);
}

function checkSockets(job: ResolvedJob, where: string): void {
  const link = only(job, "link");
  for (const key of SOCKETS) {
    const [text] = set(job, key);
    if (text !== undefined && !hasSockets(link)) {
      throw usage(
        `${where}: Expected \`${key}\` only over raw sockets, got \`${text}\` with \`link\` ${link}`,
      );
    }
  }
  const [ring] = set(job, "lane_ring");
  if (ring !== undefined && set(job, "write_lane").length === 0) {
    throw usage(
      `${where}: Expected \`lane_ring\` only where \`write_lane\` is on, got \`${ring}\``,
    );
  }
}

function checkLate(job: ResolvedJob, where: string): void {
  const [plan] = set(job, "late");
  if (plan === undefined) return;
  const link = only(job, "link");
  if (!pinsInKernel(link)) {
    const only = "only with `link` ring or xdp, because other links hold nothing";
    throw usage(`${where}: Expected \`late\` ${only}, got \`${plan}\` with ${link}`);
  }
  const [name] = set(job, "interface");
  if (name !== undefined) {
    const got = `\`${plan}\` with \`interface\` ${name}`;
    throw usage(`${where}: Expected \`late\` only in a lab, got ${got}`);
  }
  const [initiators] = set(job, "initiators");
  if (initiators !== undefined) {
    throw usage(
      `${where}: Expected \`initiators\` to be 1 with \`late\`, whose lab has one transmit interface, got \`${initiators}\``,
    );
  }
  const shortest = (key: "ramp_time" | "runtime"): number =>
    Math.min(...job.values[key].choices.map(({ value }) => value));
  const end = shortest("ramp_time") + shortest("runtime");
  const never = job.values.late.choices.find(
    ({ value }) => value !== undefined && lastMove(value) >= end,
  )?.text;
  if (never !== undefined) {
    throw usage(
      `${where}: Expected the moves of \`late\` to be due before \`ramp_time\` and \`runtime\` are over, ${formatDuration(end)} after the warm-up, got \`${never}\``,
    );
  }
}
