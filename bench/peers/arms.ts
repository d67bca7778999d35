// The targets that are measured beside each other: each a name and a command line for an interface and an image.
//
//   ours             aoe target, as it comes, with a buffer count of 256
//   vblade           Debian's, with the same buffer count
//   vblade-default   the same with its own default, 16
//   echo-socket      a limit in C: recvfrom, answered from memory, sendto
//   echo-ring        a limit in C: the same on rings
//   --peer           whatever else serves AoE

import { join } from "node:path";
import { AOE, findProgram } from "../../lab/programs.ts";
import { OURS, VBLADE } from "./names.ts";
import type { Peer } from "./options.ts";

const BUFFER_COUNT = "256";
export const SHELF = "7";
export const SLOT = "3";
export const ADDRESS = `e${SHELF}.${SLOT}`;
/** Where a lab's target serves, and where its load talks. */
export const FAR = "b0";
export const NEAR = "a0";

export interface Arm {
  readonly name: string;
  /** Words of its command line. */
  readonly command: readonly string[];
}

export function ours(image: string, ...words: string[]): string[] {
  return [
    ...[process.execPath, AOE, "target", SHELF, SLOT, FAR, image, "-b", BUFFER_COUNT],
    ...words,
  ];
}

/** Why there is no such arm here, in one sentence, or the arm. */
export function armOf(
  name: string,
  image: string,
  peers: readonly Peer[],
  programs: string,
): Arm | string {
  const place = [SHELF, SLOT, FAR, image];
  const peer = peers.find((one) => one.name === name);
  if (peer !== undefined) return { name, command: peerWords(peer, image) };
  if (name === OURS) return { name, command: ours(image) };
  if (name.startsWith(VBLADE)) {
    const vblade = findProgram("vblade");
    if (vblade === null) {
      return `vblade is not installed (apt install vblade), so the arm ${name} is left out.`;
    }
    const count = name === VBLADE ? ["-b", BUFFER_COUNT] : [];
    return { name, command: [vblade, ...count, ...place] };
  }
  return { name, command: [join(programs, name), ...place] };
}

/** `exec`, so that the process that is watched is the target and not a shell. */
function peerWords({ command }: Peer, image: string): string[] {
  const filled = command
    .replaceAll("{IF}", FAR)
    .replaceAll("{IMAGE}", image)
    .replaceAll("{SHELF}", SHELF)
    .replaceAll("{SLOT}", SLOT);
  return ["sh", "-c", `exec ${filled}`];
}

/** taskset (util-linux, as unshare is) for all alike: each sees the same CPUs from its first instruction on. */
export function pinned(cpu: number | null, words: readonly string[]): readonly string[] {
  return cpu === null ? words : [findProgram("taskset") ?? "taskset", "-c", String(cpu), ...words];
}
