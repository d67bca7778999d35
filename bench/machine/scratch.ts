// A folder for what nobody needs later: it goes when it is removed, or with the process, unless SIGKILL ends that.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SIGNALS } from "../../words/signals.ts";

export interface Scratch {
  readonly folder: string;
  remove(): void;
}

export function makeScratch(name: string, within = tmpdir()): Scratch {
  const folder = mkdtempSync(join(within, `aoe-${name}-`));
  const remove = (): void => {
    process.off("exit", remove);
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", remove);
  // A program of its own, which aoe.ts has not started: a signal would end it without a word.
  if (process.listenerCount("SIGTERM") === 0) {
    for (const [signal, code] of Object.entries(SIGNALS))
      process.on(signal, () => process.exit(code));
  }
  return { folder, remove };
}
