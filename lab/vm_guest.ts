// `aoe lab guest`: a command in the guest of a lab, as if it ran here: same files, same
// environment, same working directory, its output on ours and its exit code as ours.
//
//   $AOE_LAB_GUEST/        a tmpfs of the lab's, which the guest sees as all of the machine's files
//     ctl.in               a FIFO, the guest's second serial port: "run c-1x2y" begins a command
//     c-1x2y/run           the command, a shell script, written here
//           /pid out err   written by the guest
//           /code          its exit code; the last that the guest writes
//
// The guest answers in files, so that any number of commands can run at once, each with
// two streams.

import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  watch,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";

import { environment, failed } from "../words/failure.ts";
import { onSignals } from "../words/signals.ts";
import { shellLine } from "./shell.ts";

export const FOLDER_VARIABLE = "AOE_LAB_GUEST";

/** What QEMU's process is called. */
export const QEMU_NAME = "aoe-guest";

/**
 * The guest's part of it, a script for busybox's sh. Its first argument: busybox; its second: the
 * lab's folder.
 */
export const AGENT = `
b=$1; folder=$2
$b stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
while read -r verb id word <&3; do
  at=$folder/$id
  case $verb in
    run)
      {
        begin='echo $$ > "$0/pid"; exec "$1" sh "$0/run"'
        $b setsid $b sh -c "$begin" "$at" "$b" </dev/null 3<&- >"$at/out" 2>"$at/err"
        code=$?
        $b sync
        echo $code > "$at/code.new"
        $b mv "$at/code.new" "$at/code"
      } &
      ;;
    signal) $b kill -$word -- -$($b cat "$at/pid") 2>/dev/null ;;
  esac
done
`;

/** Most ms for which an ended guest or a command's end goes unseen. */
const LOOK = 200;

/** Runs it to its end and returns its exit code. Signals are passed on. */
export async function runInGuest(command: readonly string[]): Promise<number> {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder === undefined || folder === "") {
    throw environment("No guest here: this runs inside `aoe lab --vm NIC -- COMMAND…` only.");
  }
  const at = mkdtempSync(join(folder, "c-"));
  writeFileSync(join(at, "run"), scriptOf(command));
  const streams = [
    { name: "out", to: process.stdout, fd: -1 },
    { name: "err", to: process.stderr, fd: -1 },
  ];
  const bytes = Buffer.alloc(65_536);
  function pass(): void {
    for (const stream of streams) {
      const file = join(at, stream.name);
      if (stream.fd < 0 && existsSync(file)) stream.fd = openSync(file, "r");
      if (stream.fd < 0) continue;
      for (let got = readSync(stream.fd, bytes); got > 0; got = readSync(stream.fd, bytes)) {
        stream.to.write(Uint8Array.from(bytes.subarray(0, got)));
      }
    }
  }
  const tell = (line: string): void => appendFileSync(join(folder, "ctl.in"), `${line}\n`);
  const release = onSignals((code) => tell(`signal ${basename(at)} ${code - 128}`));
  let wake = (): void => {};
  const watcher = watch(at, () => wake());
  tell(`run ${basename(at)}`);
  try {
    for (;;) {
      const ended = existsSync(join(at, "code"));
      pass();
      if (ended) return Number(readFileSync(join(at, "code"), "utf8"));
      if (!isRunning(folder)) throw failed(`The guest has ended: ${lastWords(folder)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    watcher.close();
    release();
    for (const { fd } of streams) if (fd >= 0) closeSync(fd);
  }
}

function scriptOf(command: readonly string[]): string {
  const names = Object.keys(process.env).filter((name) => /^[A-Za-z_]\w*$/.test(name));
  return [
    ...names.map((name) => `export ${name}=${shellLine([process.env[name] ?? ""])}`),
    `cd ${shellLine([process.cwd()])} || exit 1`,
    `exec ${shellLine(command)}`,
    "",
  ].join("\n");
}

export function isRunning(folder: string): boolean {
  return existsSync(`/proc/${readFileSync(join(folder, "pid"), "utf8")}`);
}

/** The end of what QEMU and the guest's kernel said. */
export function lastWords(folder: string): string {
  const said = ["qemu.log", "console"].flatMap((name) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").split("\n") : [],
  );
  const last = said.map((line) => line.trim()).filter((line) => line !== "");
  return (
    last.findLast((line) => line.startsWith("aoe-guest:")) ??
    (last.slice(-2).join(" ") || "it said nothing")
  );
}
