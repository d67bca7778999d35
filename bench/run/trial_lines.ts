// The command lines of a trial's processes, wherever they run: ordinary `aoe target` and `aoe
// bench load` lines that a person could type. `program` are the words by which the revision under
// test is started.

import { formatAddress } from "../../words/address.ts";
import { dashed } from "../../words/option.ts";
import { KEYS } from "../job/keys.ts";
import { LOAD_KEYS } from "../load/options.ts";
import { pinsInKernel } from "../../initiator/session/raw_link.ts";
import { LATE_DEVICE } from "../../lab/setup.ts";
import { SECTOR } from "../../wire/ata.ts";
import type { Cell } from "../job/resolved.ts";

/** Other revisions, which `bench ab` runs, had other defaults for these: they are always said. */
const SAID: readonly string[] = ["pool", "ramp_time", "runtime"];

/** The load's options: what is as usual is left out, since other revisions may not know it. */
function loadOptions(cell: Cell): string[] {
  const { values, texts } = cell;
  const words = pinsInKernel(values.link) ? ["--link", values.link] : [];
  if (values.late !== undefined) words.push("--transmit-interface", LATE_DEVICE);
  for (const name of Object.keys(LOAD_KEYS) as (keyof typeof LOAD_KEYS)[]) {
    const text = texts[name];
    if (text === KEYS[name].default && !SAID.includes(name)) continue;
    // A list of lanes has cells without one, for which the lane's ring says nothing.
    if (name === "lane_ring" && !values.writeLane) continue;
    words.push(dashed(name), ...(LOAD_KEYS[name].type.hint === "" ? [] : [text]));
  }
  return words;
}

/** A load's place in the trial: what it talks to and where. */
export interface LoadPlace {
  readonly address: string;
  readonly interface: string;
  /** The host that it runs on; absent: this machine. */
  readonly host?: string;
}

/** Where the loads of a cell go in a lab, or on the interface that the job names. */
export function placesOf({ values }: Cell): LoadPlace[] {
  const { interface: name, target, initiators, targets } = values;
  if (name !== undefined && target !== undefined) {
    return [{ address: formatAddress(target), interface: name }];
  }
  return Array.from({ length: initiators }, (_, load) => ({
    address: targetAddress(load, targets),
    interface: `a${load}`,
  }));
}

/** Load j takes target j modulo their number. */
export function targetAddress(load: number, targets: number): string {
  return `e7.${FIRST_MINOR + (load % targets)}`;
}
const FIRST_MINOR = 3;

/** Where a target of a trial serves, and what. */
export interface TargetPlace {
  readonly index: number;
  readonly interfaces: string;
  readonly image: string;
  /** The file of its closing figures; null: the revision has none. */
  readonly figures: string | null;
  readonly cpus: string | null;
}

export function targetWords(program: readonly string[], cell: Cell, place: TargetPlace): string[] {
  const { bufferCount, service } = cell.values;
  const { interfaces, image } = place;
  const minor = String(FIRST_MINOR + place.index);
  const words = [...program, "target", "7", minor, interfaces, image, "-b", `${bufferCount}`];
  if (service !== undefined) words.push("--service", service);
  if (place.figures !== null) words.push("--stats-at-end", place.figures);
  if (place.cpus !== null) words.push("--cpus", place.cpus);
  return words;
}

/** `program`: Bun and null_target.ts. */
export function nullTargetWords(
  program: readonly string[],
  { values: { bufferCount, imageSize } }: Cell,
  { interfaces, cpus }: Pick<TargetPlace, "interfaces" | "cpus">,
): string[] {
  const sectors = Math.floor(imageSize / SECTOR);
  const words = [...program, interfaces, String(sectors), `${bufferCount}`];
  return cpus === null ? words : [...words, cpus];
}

export function loadWords(
  program: readonly string[],
  cell: Cell,
  place: LoadPlace,
  cpus: string | null,
): string[] {
  const words = [...program, "bench", "load", place.address, "--interface", place.interface];
  words.push("--json", ...loadOptions(cell));
  if (cpus !== null) words.push("--cpus", cpus);
  return words;
}
