// What `aoe bench faults` does: one run, its figures, a verdict.

import { createProgress } from "../../initiator/commands/progress.ts";
import { EXIT } from "../../words/failure.ts";
import { shownTime } from "../../words/shown.ts";
import { parseInteger } from "../../words/quantity.ts";
import { FAULT_RUN_DEFAULTS, type FaultRunFigures, faultRun } from "./lossy_run.ts";
import { printableJson } from "../../words/printable.ts";

interface Flags {
  readonly commands?: string;
  readonly seed?: string;
  readonly json?: boolean;
}

/** Returns the exit code. */
export async function faultRunAction(flags: Flags): Promise<number> {
  const commands = parseInteger(flags.commands ?? "1000000", "--commands", 1, 1e9);
  const seed = parseInteger(flags.seed ?? "1", "--seed", 0, 2 ** 32 - 1);
  const progress = createProgress("Commands", commands, flags.json ?? false, { format: String });
  const figures = await faultRun({ ...FAULT_RUN_DEFAULTS, commands, seed }, progress.tell);
  progress.end();
  if (flags.json) process.stdout.write(`${printableJson({ seed, ...figures })}\n`);
  else for (const line of describe(figures)) process.stdout.write(`${line}\n`);
  return figures.wrong === 0 && figures.stale_writes === 0 ? EXIT.done : EXIT.failed;
}

function describe(figures: FaultRunFigures): string[] {
  const { commands, ok, failed, timeouts } = figures;
  return [
    `${commands} requests ended, ${ok} of them well, ${failed} with an error (${timeouts} unanswered), in ${shownTime(figures.virtual_ns)} of virtual time`,
    `${figures.transmits} frames sent, ${figures.retransmits} of them again; ${figures.frames_with_faults} with a fault, ${figures.frames_damaged} damaged; ${figures.held_back} writes held back`,
    `${figures.sectors_verified} sectors verified: ${figures.wrong} wrong; stamps caught ${figures.caught_in_flight} damaged on their way back and ${figures.caught_smashed} behind ${figures.sectors_smashed} damaged writes`,
    `${figures.stale_writes} stale writes`,
  ];
}
