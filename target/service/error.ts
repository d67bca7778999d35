// `error:KIND/P[/COMMAND][/FIRST-LAST]`: with probability P a command is not executed and fails: with an ATA error
// (unc, idnf, abrt: the AoE answer is a success, P15) or with an AoE error code (1 … 6).
//
//   error:unc/1%                     one in a hundred of the reads, writes and flushes
//   error:unc/100%/read/2048-4095    every read of one of these sectors: a bad spot on the medium
//   error:abrt/100%/flush            every flush
//   error:2/5%/all                   IDENTIFY, CHECK POWER and SMART too
//
// An ATA error names the first bad sector, as a disk does.

import * as ata from "../../wire/ata.ts";
import { expected } from "../../words/failure.ts";
import type { Random } from "../../words/random.ts";
import { parseInteger, parseProbability } from "../../words/quantity.ts";
import { type Outcome, aoeFailure, registers } from "../outcome.ts";
import { type Job, type Stage, idle } from "./stage.ts";

const FAILED = ata.STATUS_ERR | ata.STATUS_DRDY;

const ERRORS: ReadonlyMap<string, Outcome> = new Map([
  ["unc", registers(FAILED, ata.ERROR_UNC)],
  ["idnf", registers(FAILED, ata.ERROR_IDNF)],
  ["abrt", registers(FAILED, ata.ERROR_ABRT)],
  ...[1, 2, 3, 4, 5, 6].map((code) => [String(code), aoeFailure(code)] as const),
]);

const READ = 1;
const WRITE = 2;
const FLUSH = 4;
const OTHER = 8;
const COMMANDS: ReadonlyMap<string, number> = new Map([
  ["read", READ],
  ["write", WRITE],
  ["flush", FLUSH],
  ["all", READ | WRITE | FLUSH | OTHER],
]);
/** What fails without a COMMAND: a device that can't be identified is not found, and none of its reads could fail. */
const USUAL = READ | WRITE | FLUSH;

const FORM =
  "error:KIND/P[/COMMAND][/FIRST-LAST] with KIND one of unc, idnf, abrt or an AoE error 1 to 6, and COMMAND one of read, write, flush, all";

/** Throws the usage Failure where `values` are no KIND/P and what may follow; `what` names the stage's values. */
export function createError(
  values: readonly string[],
  what: string,
  random: Random,
  text: string,
): Stage {
  const [kind = "", share = "", ...rest] = values;
  const outcome = ERRORS.get(kind);
  if (outcome === undefined || share === "") throw expected(what, FORM, text);
  const probability = parseProbability(share, what);
  const range = /^\d/.test(rest.at(-1) ?? "") ? parseRange(rest.pop() ?? "", what) : null;
  const [command, ...more] = rest;
  const known = command === undefined ? USUAL : COMMANDS.get(command);
  if (known === undefined || more.length > 0) throw expected(what, FORM, text);
  if (range !== null && known === FLUSH) {
    throw expected(what, "a range of sectors of read or write, since a flush has none", text);
  }
  const [first, last] = range ?? [0, Infinity];
  return {
    ...idle,
    text,
    enter(job, now) {
      if ((kindOf(job) & known) === 0) return now;
      if (range !== null) {
        if (job.lba > last || job.lba + job.sectors <= first) return now;
      }
      if (random.float() >= probability) return now;
      job.decided = outcome;
      if (job.lba < first) job.failedLba = first;
      return now;
    },
  };
}

function kindOf(job: Job): number {
  switch (job.opcode) {
    case ata.READ:
    case ata.READ_EXT:
      return READ;
    case ata.WRITE:
    case ata.WRITE_EXT:
      return WRITE;
    case ata.FLUSH:
    case ata.FLUSH_EXT:
      return FLUSH;
    default:
      return OTHER;
  }
}

/** The first and the last sector, both included. */
function parseRange(text: string, what: string): [number, number] {
  const [from = "", to, ...more] = text.split("-");
  const first = parseInteger(from, what, 0);
  const last = to === undefined ? first : parseInteger(to, what, first);
  if (more.length > 0)
    throw expected(what, "a range of sectors FIRST-LAST, such as 2048-4095", text);
  return [first, last];
}
