// `aoe bench peers`: our target beside its peers, measured now or read from results of earlier runs.

import { accessSync, constants, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { catchInterrupt } from "../../initiator/commands/interrupted.ts";
import { isInMemory } from "../../sys/file.ts";
import { now } from "../../sys/clock.ts";
import { EXIT, usage } from "../../words/failure.ts";
import { makeBed } from "../run/bed.ts";
import { codeOf } from "../machine/cut_short.ts";
import { checkOutput, writeOutput } from "../machine/output.ts";
import { provenance } from "../machine/provenance.ts";
import { cellName } from "./bars.ts";
import { joined, readPeers } from "./joined.ts";
import { parsePeers, type PeersTexts } from "./peers_options.ts";
import { PEERS, type PeersResult } from "./peers_result.ts";
import { type PeersEvents, runPeers } from "./peers_run.ts";
import { describePeers, peersMarkdown } from "./peers_table.ts";
import { summaryOf } from "./summary_of.ts";
import { printableJson } from "../../words/printable.ts";
import { widthOf } from "../../words/table.ts";
import { createStatusLine } from "../../words/status_line.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { rate } from "../../words/shown.ts";

interface Flags extends PeersTexts {
  readonly json?: boolean;
  readonly markdown?: boolean;
  readonly output?: string;
}

/** Options that do not change what is measured. */
const SHOWN = ["json", "markdown", "output"];

/** Returns the exit code. */
export async function peersAction(
  files: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  const options = parsePeers(flags);
  checkOutput(flags.output);
  if (files.length > 0) {
    const [first] = Object.keys(flags).filter(
      (name) => !SHOWN.includes(name) && !(name === "peer" && options.peers.length === 0),
    );
    if (first !== undefined) {
      throw usage(
        `Expected results alone, since they are not measured again, got \`--${first}\` too`,
      );
    }
    return report(joined(files.map(readPeers)), flags);
  }
  const startedAt = now();
  const date = new Date().toISOString();
  const bed = makeBed("packet", options.seed);
  const images = makeBed("packet", options.seed, options.imageIn ?? inMemory(options.imageBytes));
  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  try {
    const measured = await runPeers(options, { ...bed, image: images.image }, progress(), signal);
    const one = provenance();
    const code = report(
      {
        schema_version: SCHEMA_VERSION,
        kind: PEERS,
        started_at: date,
        elapsed_ns: now() - startedAt,
        seeds: [options.seed],
        provenance: { ...one, cpus_allowed: [...one.cpus_allowed] },
        ...measured,
        ...summaryOf(measured),
      },
      flags,
    );
    return measured.cut_short ? codeOf(signal) : code;
  } finally {
    images.remove();
    bed.remove();
    interrupt.release();
  }
}

/**
 * A file system in memory with room for the image: no write waits for a disk there, and none is paid for by whoever
 * comes first after the pages have been written back. Without one, the folder for temporary files.
 */
function inMemory(bytes: number): string {
  const folder = "/dev/shm";
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return isInMemory(folder) && bavail * bsize > 2 * bytes ? folder : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** A line for each trial; on a terminal one that rewrites itself, but for what failed. */
function progress(): PeersEvents {
  const { step } = createStatusLine();
  return {
    trial(trial, at, of) {
      const outcome = trial.figures === null ? trial.failure : `${rate(trial.figures.iops)} IOPS`;
      const part = trial.part === "cells" ? "" : `${trial.part}: `;
      step(
        `${String(at).padStart(String(of).length)}/${of}  ${part}${cellName(trial)}, ${trial.arm}: ${outcome}`,
        trial.failure !== null || at === of,
      );
    },
    idle(arm) {
      step(`idle: ${arm}`, true);
    },
    warn(sentence) {
      step(sentence, true);
    },
  };
}

function report(result: PeersResult, flags: Flags): number {
  const text = `${printableJson(result)}\n`;
  if (flags.json === true) process.stdout.write(text);
  const people = flags.json === true ? process.stderr : process.stdout;
  const width = widthOf(people);
  people.write(flags.markdown === true ? peersMarkdown(result) : describePeers(result, width));
  // Last: a disk that is full by now must not cost the figures.
  if (flags.output !== undefined) writeOutput(flags.output, text);
  return result.trials.some(({ failure }) => failure !== null) ? EXIT.failed : EXIT.done;
}
