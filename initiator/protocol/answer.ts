// Whether what came in is an answer to the frame that its tag names, and what it says.
//
// Nothing but the tag's echo is guaranteed (P18, P19): vblade answers reads with count 0. So the
// length of a read's data comes from the request, a shorter answer is no answer, and bytes behind are
// padding. Most targets echo the LBA too; where one has always done so, an answer with
// another LBA is one whose request or tag was damaged under way, and is dropped (Echo).

import type { FrameView } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { AOE_ERROR, ATA_ERROR, type Command, OK } from "./command.ts";
import type { Facts } from "./facts.ts";
import { answerBytes, type Frame, isExtended } from "./frame.ts";
import { CONTROL, READ, WRITE } from "./operation.ts";

/** Not an answer to this frame: it contradicts it. */
export const CONTRADICTORY = -1;
/** Shorter than its headers or its data. */
export const TOO_SHORT = -2;

/** An echo scores one, a difference costs eight; from TRUST on a difference counts as damage. */
const TRUST = 16;
const MOST = 64;
const COST = 8;

/** Whether a target echoes the LBA and the count of a request in its successful answers. */
export class Echo {
  private lba = 0;
  private count = 0;
  private bare = 0;

  /** False: this answer echoes something else than its request said, at a target that never does. */
  agrees(frame: Frame, view: DataView, base: number, extended: boolean): boolean {
    const lba = extended ? ata.lba48(view, base) : ata.lba28(view, base);
    const sameLba = lba === frame.lba;
    const sameCount = ata.count(view, base) === frame.sectors;
    const agrees = (sameLba || this.lba < TRUST) && (sameCount || this.count < TRUST);
    // A zero that comes back as zero tells nothing.
    if (!sameLba) this.lba = Math.max(0, this.lba - COST);
    else if (lba !== 0 && this.lba < MOST) this.lba++;
    if (!sameCount) this.count = Math.max(0, this.count - COST);
    else if (this.count < MOST) this.count++;
    return agrees;
  }

  /**
   * False: this answer to a write brings data, at a target whose answers to writes never do (P22). One bit of the
   * opcode makes a read of a write, and its success would pass for that of a write that never was.
   */
  isBare(frame: Frame, length: number): boolean {
    const bare = length < ata.LENGTH + frame.sectors * ata.SECTOR;
    const agrees = bare || this.bare < TRUST;
    this.bare = bare ? Math.min(MOST, this.bare + 1) : Math.max(0, this.bare - COST);
    return agrees;
  }
}

/**
 * OK, ATA_ERROR, AOE_ERROR (the fields of `command`, where there is one, are set), CONTRADICTORY or
 * TOO_SHORT for what came in, which has the tag of `frame`.
 */
export function judge(
  frame: Frame,
  command: Command | null,
  facts: Facts,
  echo: Echo,
  { view, base, length }: FrameView,
): number {
  const lba48 = isExtended(frame, facts);
  if (aoe.major(view, base) !== facts.major) return CONTRADICTORY;
  if (aoe.minor(view, base) !== facts.minor) return CONTRADICTORY;
  if (aoe.command(view, base) !== frame.aoeCommand) return CONTRADICTORY;
  if (aoe.isError(view, base)) {
    if (command !== null) command.aoeError = aoe.error(view, base);
    return AOE_ERROR;
  }
  if (frame.operation === CONTROL) return OK;
  if (length < ata.LENGTH) return TOO_SHORT;
  const status = ata.status(view, base);
  if ((status & ata.STATUS_FAILED) !== 0) {
    if (command !== null) {
      command.ataStatus = status;
      command.ataError = ata.error(view, base);
      command.failedLba = lba48 ? ata.lba48(view, base) : ata.lba28(view, base);
    }
    return ATA_ERROR;
  }
  if (length < ata.LENGTH + answerBytes(frame)) return TOO_SHORT;
  if (frame.operation === READ || frame.operation === WRITE) {
    if (!echo.agrees(frame, view, base, lba48)) return CONTRADICTORY;
    if (frame.operation === WRITE && !echo.isBare(frame, length)) return CONTRADICTORY;
  }
  if (command !== null) command.ataStatus = status;
  return OK;
}
