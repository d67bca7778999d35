// The serial number that an export has where none was given: the same as long as the disk is the same one,
// and another on every other host and for every other image. Initiators tell by it whether two
// addresses lead to one disk.
//
//   file      host, path, inode (a file put in its place is another disk), first sector
//   device    host, path, first sector
//   memory    nothing: it is another disk at each start

import { readFileSync, realpathSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";

import { createRandom, secretSeed } from "../../words/random.ts";
import { SERIAL_LENGTH } from "../../wire/identify.ts";
import type { ExportPlan } from "../config/plan.ts";

const PREFIX = "AoE-";
const DIGITS = SERIAL_LENGTH - PREFIX.length;
const MACHINE_ID = ["/etc/machine-id", "/var/lib/dbus/machine-id"] as const;

/** The plan's own serial, or one that follows from the disk. */
export function serialOf(plan: ExportPlan): string {
  return plan.serial ?? serialFor(hostId(), diskOf(plan));
}

/** Sixteen hexadecimal digits of both. */
export function serialFor(host: string, disk: string): string {
  const hash = new Bun.CryptoHasher("sha256").update(`${host}\0${disk}`).digest("hex");
  return PREFIX + hash.slice(0, DIGITS);
}

function diskOf({ store, offset }: ExportPlan): string {
  if (store.kind === "memory") return `memory ${secretSeed()}`;
  const path = resolve(store.path);
  try {
    const found = statSync(path);
    const file = found.isFile() ? `${realpathSync(path)} ${found.ino}` : path;
    return `${file} ${offset}`;
  } catch {
    // It was opened a moment ago; its name must do.
    return `${path} ${offset}`;
  }
}

let known: string | null = null;

/** What tells this host from others: the machine id, which copies of one installation may share, and the name. */
function hostId(): string {
  known ??= `${machineId()} ${hostname()}`;
  return known;
}

function machineId(): string {
  for (const path of MACHINE_ID) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      // The next one, or the name alone.
    }
  }
  return "";
}

/** What tells this run of the target from all others, 1 to 2^48 - 1. */
export const INSTANCE = 1 + createRandom(secretSeed()).below(2 ** 48 - 1);
