// Which disk an IDENTIFY sector speaks of, and what there is to tell of two; each sentence follows an address.

import type { Identify } from "../../wire/identify.ts";

/** Two targets that agree in all of this are taken for paths to one disk. */
export function sameDisk(a: Identify, b: Identify): boolean {
  return sameMake(a, b) && a.sectors === b.sectors;
}

/** The same disk with another size: what a target that was resized says after it has announced itself. */
export function wasResized(before: Identify, now: Identify): boolean {
  return sameMake(before, now) && before.sectors !== now.sectors;
}

function sameMake(a: Identify, b: Identify): boolean {
  return a.serial === b.serial && a.model === b.model;
}

/** `serial X, N sectors`, and the model where only that tells it from `other`. */
function describeDisk(disk: Identify, other: Identify): string {
  const told = `serial ${disk.serial}, ${disk.sectors} sectors`;
  const alike = disk.serial === other.serial && disk.sectors === other.sectors;
  return alike ? `${told}, model ${disk.model}` : told;
}

export function describeTwice(one: string, two: string): string {
  return `answers from two addresses on one link, ${one} and ${two}: taken as one target, since serial, model and size agree`;
}

export function describePair(one: string, two: string): string {
  return `is served by two targets with one serial number, ${one} and ${two}: ${two} is used when ${one} does not answer`;
}

export function describeTakeover(from: string, to: string): string {
  return `is served by ${to} from now on, since ${from} does not answer`;
}

export function describeClaim(one: string, ours: Identify, two: string, theirs: Identify): string {
  return `is claimed by two targets: ${one} (${describeDisk(ours, theirs)}) and ${two} (${describeDisk(theirs, ours)}); only ${one} is used`;
}

export function describeReplaced(before: Identify, now: Identify): string {
  return `is another disk now (${describeDisk(now, before)}, before: ${describeDisk(before, now)}): requests to the disk before have ended`;
}
