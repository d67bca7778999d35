// `error:KIND/P`: with probability P a command is not executed and fails: with an ATA error (unc, idnf,
// abrt: the AoE answer is a success, P15) or with an AoE error code (1 … 6).

import { ERROR_ABRT, ERROR_IDNF, ERROR_UNC, STATUS_DRDY, STATUS_ERR } from "../../wire/ata.ts";
import type { Random } from "../../words/random.ts";
import { type Outcome, aoeFailure, registers } from "../outcome.ts";
import { type Stage, idle } from "./stage.ts";

const FAILED = STATUS_ERR | STATUS_DRDY;

export const ERRORS: Readonly<Record<string, Outcome>> = {
  unc: registers(FAILED, ERROR_UNC),
  idnf: registers(FAILED, ERROR_IDNF),
  abrt: registers(FAILED, ERROR_ABRT),
  1: aoeFailure(1),
  2: aoeFailure(2),
  3: aoeFailure(3),
  4: aoeFailure(4),
  5: aoeFailure(5),
  6: aoeFailure(6),
};

export function createError(
  outcome: Outcome,
  probability: number,
  random: Random,
  text: string,
): Stage {
  return {
    ...idle,
    text,
    enter(job, now) {
      if (random.float() < probability) job.decided = outcome;
      return now;
    },
  };
}
