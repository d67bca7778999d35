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

import { parseSize } from "../../words/quantity.ts";
import { type KeyName, KEYS } from "../job/keys.ts";
import { LATE_DEVICE } from "../../lab/setup.ts";
import { SECTOR } from "../load/workload.ts";
import type { Cell } from "../job/resolved.ts";

/** The keys that are options of `aoe bench load`. */
const LOAD_KEYS: readonly KeyName[] = [
  "rw",
  "bs",
  "iodepth",
  "runtime",
  "warm_up",
  "ramp_time",
  "rwmixread",
  "randseed",
  "rate_iops",
  "rate_process",
  "offset",
  "size",
  "verify",
  "pool",
  "pool_prealloc",
  "pool_cap",
  "kick",
  "reclaim",
  "faults",
  "drag",
];

/** The texts of the keys that describe the load, by option name without dashes. */
export function loadOptions(values: Cell["values"]): [string, string][] {
  return LOAD_KEYS.filter((key) => !isLeftOut(key, values[key])).map((key) => [
    key.replaceAll("_", "-"),
    values[key],
  ]);
}

/** A slow-down of nothing is left out too: `bench ab` runs revisions that have never heard of it. */
function isLeftOut(key: KeyName, text: string): boolean {
  return text === "" || (key === "drag" && text === KEYS.drag.value);
}

/** What only a load over raw sockets takes; nothing of it where all is as usual, as revisions that know less need. */
function socketOptions(values: Cell["values"]): string[] {
  const lane = values.write_lane === "on";
  return [
    ...(values.link === "ring" ? ["--link", "ring"] : []),
    ...(values.late === "" ? [] : ["--transmit-interface", LATE_DEVICE, "--late", values.late]),
    ...(lane ? ["--write-lane"] : []),
    ...(values.receive_ring === "" ? [] : ["--receive-ring", values.receive_ring]),
    ...(lane && values.lane_ring !== "" ? ["--lane-ring", values.lane_ring] : []),
    ...(values.xdp === KEYS.xdp.value ? [] : ["--xdp", values.xdp]),
  ];
}

/** A load's place in the trial: what it talks to and where. */
export interface LoadPlace {
  readonly address: string;
  readonly interface: string;
}

export interface ScriptSetting {
  readonly values: Cell["values"];
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
export function placesOf(values: Cell["values"]): LoadPlace[] {
  const initiators = Number(values.initiators);
  if (values.interface !== "") {
    return [{ address: values.target, interface: values.interface }];
  }
  const targets = Number(values.targets);
  return Array.from({ length: initiators }, (_, load) => ({
    address: `e7.${3 + (load % targets)}`,
    interface: `a${load}`,
  }));
}

export function trialScript(setting: ScriptSetting): string {
  const { places, folder, images } = setting;
  const targets =
    setting.values.interface !== ""
      ? []
      : images === null
        ? [nullTargetLine(setting)]
        : images.map((image, index) => targetLine(setting, image, index));
  const lines = [
    ...targets.map(
      (words, at) => `${quoted(words)} 2>${file(folder, `target.${at}.err`)} & t${at}=$!`,
    ),
    ...places.map(
      (place, at) =>
        `${quoted(loadLine(setting, place))} >${file(folder, `load.${at}.json`)} 2>${file(folder, `load.${at}.err`)} & l${at}=$!`,
    ),
    "code=0",
    ...places.map((_, at) => `wait $l${at}; c=$?; [ $code -eq 0 ] && code=$c`),
    ...targets.map((_, at) => `kill -TERM $t${at} 2>/dev/null`),
    ...targets.map((_, at) => `wait $t${at}; c=$?; [ $code -eq 0 ] && code=$c`),
    "exit $code",
  ];
  return lines.join("\n");
}

function far(setting: ScriptSetting): string {
  return setting.places.map((place) => place.interface.replace("a", "b")).join(",");
}

function targetLine(setting: ScriptSetting, image: string, index: number): string[] {
  const { values, pinning, program, folder } = setting;
  const words = [
    process.execPath,
    program,
    "target",
    "7",
    String(3 + index),
    far(setting),
    image,
    "-b",
    values.buffer_count,
  ];
  if (values.service !== "") words.push("--service", values.service);
  if (setting.statsAtEnd) words.push("--stats-at-end", `${folder}/target.${index}.json`);
  if (pinning.target !== null) words.push("--cpus", String(pinning.target));
  return words;
}

function nullTargetLine(setting: ScriptSetting): string[] {
  const { values, pinning } = setting;
  const sectors = Math.floor(parseSize(values.image_size, "image_size") / SECTOR);
  const words = [
    process.execPath,
    setting.nullTarget,
    far(setting),
    String(sectors),
    values.buffer_count,
  ];
  if (pinning.target !== null) words.push(String(pinning.target));
  return words;
}

function loadLine(setting: ScriptSetting, place: LoadPlace): string[] {
  const { values, pinning, program } = setting;
  const words = [process.execPath, program, "bench", "load", place.address];
  words.push("--interface", place.interface, "--json", ...socketOptions(values));
  for (const [option, text] of loadOptions(values)) words.push(`--${option}`, text);
  if (pinning.load !== null) words.push("--cpus", String(pinning.load));
  return words;
}

function file(folder: string, name: string): string {
  return quoted([`${folder}/${name}`]);
}

/** A command line for a shell. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
