// The shell script of one trial on raw sockets: targets, loads, and how they end. A shell, since it is the
// lab's first process anyway, and reaps.
//
//   sh ─┬─ aoe target 7 3 b0,b1 image -b 16      stderr ▶ target.0.err       pinned to the target's CPU
//       │    --stats-at-end target.0.json
//       ├─ aoe bench load e7.3 --interface a0    stdout ▶ load.0.json        pinned to the load's CPU
//       └─ aoe bench load e7.3 --interface a1    stdout ▶ load.1.json
//
// Load j runs over pair j and takes target j modulo their number, so that every initiator has a MAC address
// of its own. The exit code is the first load's that failed, else the first target's.

import { formatAddress } from "../../words/address.ts";
import { dashed } from "../../words/option.ts";
import { KEYS } from "../job/keys.ts";
import { LOAD_KEYS } from "../load/options.ts";
import { shellLine } from "../../lab/shell.ts";
import { LATE_DEVICE } from "../../lab/setup.ts";
import { pinsInKernel } from "../../initiator/session/raw_link.ts";
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
}

export interface ScriptSetting {
  readonly cell: Cell;
  readonly places: readonly LoadPlace[];
  /** Where the processes write; made by the caller. */
  readonly folder: string;
  /** aoe.ts of the revision that runs. */
  readonly program: string;
  /** One for each target; none: they run elsewhere. `null`: the null target. */
  readonly images: readonly string[] | null;
  readonly nullTarget: string;
  /** Whether the revision's target writes its figures at the end. */
  readonly statsAtEnd: boolean;
  readonly pinning: { readonly target: number | null; readonly load: number | null };
}

/** Where the loads of a cell go in a lab, or on the interface that the job names. */
export function placesOf({ values }: Cell): LoadPlace[] {
  const { interface: name, target, initiators, targets } = values;
  if (name !== undefined && target !== undefined) {
    return [{ address: formatAddress(target), interface: name }];
  }
  return Array.from({ length: initiators }, (_, load) => ({
    address: `e7.${3 + (load % targets)}`,
    interface: `a${load}`,
  }));
}

export function trialScript(setting: ScriptSetting): string {
  const { places, folder, images } = setting;
  const targets =
    setting.cell.values.interface !== undefined
      ? []
      : images === null
        ? [nullTargetLine(setting)]
        : images.map((image, index) => targetLine(setting, image, index));
  const lines = [
    ...serviceLine(setting),
    ...targets.map(
      (words, at) => `${shellLine(words)} 2>${file(folder, `target.${at}.err`)} & t${at}=$!`,
    ),
    ...places.map(
      (place, at) =>
        `${shellLine(loadLine(setting, place))} >${file(folder, `load.${at}.json`)} 2>${file(folder, `load.${at}.err`)} & l${at}=$!`,
    ),
    "code=0",
    ...places.map((_, at) => `wait $l${at}; c=$?; [ $code -eq 0 ] && code=$c`),
    ...targets.map((_, at) => `kill -TERM $t${at} 2>/dev/null`),
    ...targets.map((_, at) => `wait $t${at}; c=$?; [ $code -eq 0 ] && code=$c`),
    "exit $code",
  ];
  return lines.join("\n");
}

/** A target that runs already is told the cell's service model by its control socket; none: "". */
function serviceLine({ cell, program }: ScriptSetting): string[] {
  const { target, targetControl: socket, service = "" } = cell.values;
  if (target === undefined || socket === undefined) return [];
  const words = [process.execPath, program, "target", "ctl", "--socket", socket];
  words.push("service", formatAddress(target), service);
  return [`${shellLine(words)} >/dev/null || exit $?`];
}

function far(setting: ScriptSetting): string {
  return setting.places.map((place) => place.interface.replace("a", "b")).join(",");
}

function targetLine(setting: ScriptSetting, image: string, index: number): string[] {
  const { cell, pinning, program, folder } = setting;
  const { bufferCount, service } = cell.values;
  const words = [
    process.execPath,
    program,
    "target",
    "7",
    String(3 + index),
    far(setting),
    image,
    "-b",
    `${bufferCount}`,
  ];
  if (service !== undefined) words.push("--service", service);
  if (setting.statsAtEnd) words.push("--stats-at-end", `${folder}/target.${index}.json`);
  if (pinning.target !== null) words.push("--cpus", String(pinning.target));
  return words;
}

function nullTargetLine(setting: ScriptSetting): string[] {
  const { cell, pinning } = setting;
  const { bufferCount, imageSize } = cell.values;
  const sectors = Math.floor(imageSize / SECTOR);
  const words = [
    process.execPath,
    setting.nullTarget,
    far(setting),
    String(sectors),
    `${bufferCount}`,
  ];
  if (pinning.target !== null) words.push(String(pinning.target));
  return words;
}

function loadLine(setting: ScriptSetting, place: LoadPlace): string[] {
  const { cell, pinning, program } = setting;
  const words = [process.execPath, program, "bench", "load", place.address];
  words.push("--interface", place.interface, "--json", ...loadOptions(cell));
  if (pinning.load !== null) words.push("--cpus", String(pinning.load));
  return words;
}

function file(folder: string, name: string): string {
  return shellLine([`${folder}/${name}`]);
}
