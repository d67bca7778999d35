// What happens inside a lab before its command starts: a shell script, since a shell is small, is
// everywhere, and stays as the lab's first process.
//
//   a0 ───── b0      pair 0 (a1 ───── b1 pair 1, and so on), both ends up, no addresses
//   [a0] ═══ b0      with a guest: b0 is a tap, a0 is in the guest (vm_start.ts)
//   t0 ── h0 ═▶ h1 ── t1   late labs only: a cable that holds. What arrives at h0 goes on out of h1,
//         ╚═▶ a0           whose root is tbf, and a copy leaves through a0 at once: a frame reaches b0
//                          and is answered to a0 while it is still held. Back from t1: straight on
//
// The hold stands at the far end, and t0 is a veth like any other, so that every way of sending meets
// it: an skb keeps its owner's memory until it ends, and AF_XDP bypasses the queue discipline of t0.
//
// The first process of a pid namespace must outlive the command (when it ends, the kernel kills all
// others, which is how nothing is left behind), must not BE the command (the kernel gives a first
// process no default signal action: Ctrl-C would do nothing), and reaps orphans. The shell does all
// three while it waits for the command in the foreground.
//
// An interface without an address still talks when IPv6 is on (duplicate address detection, router
// solicitation, MLD), so IPv6 is off for devices made here. Hardware addresses are fixed, so that
// captures of two runs can be compared: 02:00:00:00:00:a0 is a0's.

import { ownFile } from "../sys/root.ts";
import { shellLine } from "./shell.ts";
import { FOLDER_VARIABLE } from "./vm_guest.ts";
import type { Guest } from "./vm_start.ts";

/** What the lab's first process is called once the lab is made. */
export const READY = "aoe-lab";

/** Largest payload of a frame on every pair. */
export const DEFAULT_MTU = 9000;
/** Many NICs take no more. */
const GUEST_MTU = 1500;
/** What a veth takes (ETH_MIN_MTU, ETH_MAX_MTU of linux/if_ether.h). */
export const MTU_MIN = 68;
export const MTU_MAX = 65535;
export const PAIRS_MAX = 16;

/** Of a late lab: what transmits, what holds, and the tbf parameters that let everything pass. */
export const LATE_DEVICE = "t0";
export const HELD_DEVICE = "h1";
const LATE_PEER = "t1";
export const RELEASED = "rate 10gbit burst 1mb limit 64mb";

/** Where the copies are made, and the tc filter words: one of every AoE frame leaves through a0. */
export const MIRROR_DEVICE = "h0";
export const MIRROR_PLACE = "ingress pref 2";
/** Four bytes that every frame has: it may end with its EtherType. */
const ANY = "u32 match u32 0 0 at -4";
/** `continue`: the next filter takes the frame itself. */
const MIRROR = "action mirred egress mirror dev a0 continue";
export const MIRRORED = `${MIRROR_PLACE} protocol 0x88a2 ${ANY} ${MIRROR}`;

export interface LabShape {
  /** Default 9000. */
  readonly mtu?: number;
  /** Pairs a0-b0, a1-b1, …; default 1. */
  readonly pairs?: number;
  /** Also t0, whose cable to t1 can hold frames and copies them to a0. */
  readonly late?: boolean;
  /** b0, b1, … are cables to a guest that has the other ends, one for each of its NICs. */
  readonly guest?: Guest;
}

function mtuOf(shape: LabShape): number {
  return shape.mtu ?? (shape.guest === undefined ? DEFAULT_MTU : GUEST_MTU);
}

function pairsOf(shape: LabShape): number {
  return shape.guest?.nics.length ?? shape.pairs ?? 1;
}

/** What the command finds in its environment. */
export function labEnvironment(shape: LabShape): Record<string, string> {
  const names = Array.from({ length: pairsOf(shape) }, (_, pair) => `a${pair}:b${pair}`);
  return {
    AOE_LAB: "1",
    AOE_LAB_A: "a0",
    AOE_LAB_B: "b0",
    AOE_LAB_PAIRS: names.join(" "),
    AOE_LAB_MTU: String(mtuOf(shape)),
    ...(shape.late === true ? { AOE_LAB_LATE: LATE_DEVICE } : {}),
  };
}

/** The names of a lab's devices, for people. */
export function describeLab(shape: LabShape): string {
  const pairs = Array.from({ length: pairsOf(shape) }, (_, pair) => `a${pair}-b${pair}`).join(" ");
  const late = shape.late === true ? `, late transmit device ${LATE_DEVICE} mirrored to a0` : "";
  return `Lab: ${pairs}, MTU ${mtuOf(shape)}${late}`;
}

/**
 * The script for `sh -c SCRIPT aoe-lab COMMAND…`. It exits 5 with a sentence on stderr where the lab
 * can't be made, else with the command's own code. `parent` is the process for which the lab exists,
 * as /proc names it: if it died before its death could reach the lab, the lab doesn't begin.
 */
export function setupScript(shape: LabShape, parent: string, ip: string, tc: string): string {
  const mtu = mtuOf(shape);
  const links: string[] = ["link set lo up"];
  const quiet: string[] = [];
  const addPair = (near: string, far: string, nearMac: string, farMac: string): void => {
    links.push(
      `link add ${near} address ${nearMac} mtu ${mtu} type veth peer name ${far} address ${farMac} mtu ${mtu}`,
    );
    for (const device of [near, far]) {
      quiet.push(`link set ${device} addrgenmode none`);
      links.push(`link set ${device} up`);
    }
  };
  for (let pair = 0; pair < pairsOf(shape); pair += 1) {
    if (shape.guest === undefined) {
      addPair(`a${pair}`, `b${pair}`, stableMac("a", pair), stableMac("b", pair));
    } else {
      links.push(`tuntap add b${pair} mode tap`);
      links.push(`link set b${pair} address ${stableMac("b", pair)} mtu ${mtu}`);
      quiet.push(`link set b${pair} addrgenmode none`);
      links.push(`link set b${pair} up`);
    }
  }
  // t0 has a0's address: an initiator that sends through t0 is answered, as itself, through a0.
  if (shape.late === true) {
    addPair(LATE_DEVICE, MIRROR_DEVICE, stableMac("a", 0), stableMac("d", 0));
    addPair(HELD_DEVICE, LATE_PEER, stableMac("d", 1), stableMac("c", 0));
  }

  return [
    `[ -d /proc/${parent} ] || exit 5`,
    `mount -t proc proc /proc 2>/dev/null`,
    `{ echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; } 2>/dev/null`,
    `fail() { echo "$1" >&2; exit 5; }`,
    `said=$(${shellLine([ip])} -batch - 2>&1 <<'END'\n${links.join("\n")}\nEND\n) ||`,
    `  fail "The lab's veth pairs can't be made: $(echo $said)"`,
    // Where the sysctl above could not be written: no link-local address, hence nothing to announce.
    `${shellLine([ip])} -force -batch - >/dev/null 2>&1 <<'END'\n${quiet.join("\n")}\nEND`,
    ...(shape.late === true ? lateScript(tc) : []),
    ...(shape.guest === undefined ? [] : guestScript(shape.guest, mtu)),
    `command -v -- "$1" >/dev/null || fail "There is no command $1 to run in the lab"`,
    // A Ctrl-C is the command's to answer: without a trap dash would end by it, whatever the command does.
    `trap : INT QUIT HUP TERM`,
    // Who looks at us from outside sees that from now on our children are the command's.
    `printf ${READY} > /proc/self/comm`,
    `"$@"`,
    `code=$?`,
    `exit $code`,
  ].join("\n");
}

/** Folders of which one is empty on most machines, for a file system that only the lab sees. */
const EMPTY_FOLDERS = "/mnt /media /srv /opt /var/opt /var/local";

function guestScript(guest: Guest, mtu: number): string[] {
  const start = shellLine([ownFile("lab/vm_start.ts")]);
  return [
    `for ${FOLDER_VARIABLE} in ${EMPTY_FOLDERS} ""; do`,
    `  [ -d "$${FOLDER_VARIABLE}" ] && [ -z "$(ls -A "$${FOLDER_VARIABLE}")" ] && break`,
    `done`,
    `[ -n "$${FOLDER_VARIABLE}" ] || fail "A guest needs one of ${EMPTY_FOLDERS} empty"`,
    `said=$(mount -t tmpfs aoe-guest "$${FOLDER_VARIABLE}" 2>&1) ||`,
    `  fail "The guest's files have no place: $said"`,
    `export ${FOLDER_VARIABLE}`,
    `spec=${shellLine([JSON.stringify(guest)])}`,
    `"$AOE_BUN" ${start} "$${FOLDER_VARIABLE}" "$spec" ${mtu} || exit 5`,
  ];
}

function lateScript(tc: string): string[] {
  return [
    `said=$(${shellLine([tc])} -batch - 2>&1 <<'END'\n${lateSetup().join("\n")}\nEND\n) ||`,
    `  fail "The late release needs the kernel's tbf, clsact, u32 and mirred: $(echo $said)"`,
  ];
}

/** tc commands that make the cable, released for now. */
function lateSetup(): string[] {
  const every = `ingress pref 3 protocol all ${ANY}`;
  const passOn = (from: string, to: string): string =>
    `filter add dev ${from} ${every} action mirred egress redirect dev ${to}`;
  return [
    `qdisc replace dev ${HELD_DEVICE} root tbf ${RELEASED}`,
    `qdisc add dev ${MIRROR_DEVICE} clsact`,
    `qdisc add dev ${HELD_DEVICE} clsact`,
    `filter add dev ${MIRROR_DEVICE} ${MIRRORED}`,
    passOn(MIRROR_DEVICE, HELD_DEVICE),
    passOn(HELD_DEVICE, MIRROR_DEVICE),
  ];
}

/** Locally administered, e.g. 02:00:00:00:00:a0. */
function stableMac(side: "a" | "b" | "c" | "d", pair: number): string {
  return `02:00:00:00:00:${side}${pair.toString(16)}`;
}
