// How a request ended, packed into one number, so that a stored result (P28) costs four bytes:
//
//   bits 0–7  AoE error   8–15  ATA status, MError   16–23  ATA error, directives done
//
// The answer is built from the request, the outcome and the export as it stands: a stored result sent
// again says what happened then, and carries the config string or list of now (P10).

export type Outcome = number;

/** Not yet known. */
export const UNDECIDED: Outcome = -1;
/** No answer at all, whatever was done. */
export const SILENCE: Outcome = -2;
export const SUCCESS: Outcome = 0;

export function aoeFailure(error: number): Outcome {
  return error;
}
/** An ATA command's end; also a mask edit's, with MError for `status` and the directives done for `error`. */
export function registers(status: number, error: number): Outcome {
  return (status << 8) | (error << 16);
}
export function aoeError(outcome: Outcome): number {
  return outcome & 0xff;
}
export function status(outcome: Outcome): number {
  return (outcome >> 8) & 0xff;
}
export function error(outcome: Outcome): number {
  return (outcome >> 16) & 0xff;
}
