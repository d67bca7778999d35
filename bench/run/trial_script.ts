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
import { shellLine } from "../../lab/shell.ts";
import type { Cell } from "../job/resolved.ts";
import {
  type LoadPlace,
  loadWords,
  nullTargetWords,
  type TargetPlace,
  targetWords,
} from "./trial_lines.ts";

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
  const { cell, program, folder } = setting;
  const figures = setting.statsAtEnd ? `${folder}/target.${index}.json` : null;
  return targetWords([process.execPath, program], cell, {
    ...near(setting),
    index,
    image,
    figures,
  });
}

function nullTargetLine(setting: ScriptSetting): string[] {
  return nullTargetWords([process.execPath, setting.nullTarget], setting.cell, near(setting));
}

function loadLine(setting: ScriptSetting, place: LoadPlace): string[] {
  const { cell, pinning, program } = setting;
  return loadWords([process.execPath, program], cell, place, pinned(pinning.load));
}

function near(setting: ScriptSetting): Pick<TargetPlace, "interfaces" | "cpus"> {
  return { interfaces: far(setting), cpus: pinned(setting.pinning.target) };
}

function pinned(cpu: number | null): string | null {
  return cpu === null ? null : String(cpu);
}

function file(folder: string, name: string): string {
  return shellLine([`${folder}/${name}`]);
}
