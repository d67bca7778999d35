// An answer and what follows from it: data delivered, path credited, round trip measured, command ended.
//
// Only what comes from one of the device's addresses and what `judge` takes for an answer gets this far; all
// else is counted, and the request goes again when its time comes.

import { copyMemory } from "../../link/copy_memory.ts";
import type { FrameView } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { CONTRADICTORY, judge, TOO_SHORT } from "./answer.ts";
import { AOE_ERROR, ATA_ERROR, type Command, hasLostMemory, MEMORY_LOST, OK } from "./command.ts";
import type { Exchange } from "./exchange.ts";
import { answerBytes, type Frame, IN_FLIGHT } from "./frame.ts";
import { SMALL_SECTORS } from "./frame_limit.ts";
import type { Path } from "./path.ts";
import { CONTROL, isTransfer, IDENTIFY, READ } from "./operation.ts";

/**
 * What came by `path`, one of the device's, has the tag of `frame`. False: it is no answer to it all the same, and
 * was counted.
 */
export function receiveAnswer(
  exchange: Exchange,
  frame: Frame,
  path: Path,
  view: FrameView,
): boolean {
  const { counters, frames, host } = exchange;
  const { command } = frame;
  const verdict = judge(frame, command, frames.facts, exchange.echo, view);
  if (verdict === CONTRADICTORY || verdict === TOO_SHORT) {
    return refuse(exchange, frame, path, view, verdict);
  }
  // A link that tells only when it was polled may have polled before this frame's request was sent.
  if (view.at < frame.lastSentAt) host.look();
  const at = view.at >= frame.lastSentAt ? view.at : host.now;
  exchange.progressAt = at;
  credit(exchange, frame, path, at);
  if (command === null) {
    counters.orphanAnswers++;
    frames.end(frame, true);
  } else if (verdict === OK && deliver(frame, command, view)) {
    if (waitsForRelease(frame)) frames.settle(frame, command);
    else exchange.frameDone(frame, command, at);
  } else if (verdict === AOE_ERROR && isRefusedSize(frame, command)) {
    counters.aoeErrors++;
    // It goes again, in pieces.
    command.aoeError = 0;
    exchange.paths.refused(frame.path as Path, frame.sectors);
    if (frame.state === IN_FLIGHT) frames.rest(frame, command);
  } else {
    if (verdict === ATA_ERROR) counters.ataErrors++;
    else if (verdict === AOE_ERROR) counters.aoeErrors++;
    frames.end(frame, true);
    command.frames--;
    exchange.fail(command, verdict === OK ? MEMORY_LOST : verdict, at);
  }
  return true;
}

/** What came has the tag of `frame` and is no answer to it: counted. */
function refuse(
  exchange: Exchange,
  frame: Frame,
  path: Path,
  view: FrameView,
  verdict: number,
): boolean {
  const { counters } = exchange;
  const { ignored } = path.port;
  const { command } = frame;
  if (verdict === CONTRADICTORY) {
    counters.contradictory++;
    ignored.contradictory++;
    if (command !== null) command.contradictions++;
  } else {
    counters.tooShort++;
    ignored.tooShort++;
    if (command !== null) {
      command.shortAnswers++;
      command.shortBytes = Math.max(0, view.length - ata.LENGTH);
      command.wantedBytes = answerBytes(frame);
    }
  }
  return false;
}

/** An answer by `path` to a frame that nobody waits for any more: it says at least what the path carries. */
export function receiveLate(path: Path, { view, base, length }: FrameView, now: number): void {
  if (length < ata.LENGTH || aoe.command(view, base) !== aoe.COMMAND_ATA) return;
  if (aoe.isError(view, base) || (ata.status(view, base) & ata.STATUS_FAILED) !== 0) return;
  path.window.late();
  // A write's answer has no data, but most targets echo the count.
  if (length > ata.LENGTH + SMALL_SECTORS * ata.SECTOR) path.reads.heard(now);
  else if (ata.count(view, base) > SMALL_SECTORS) path.writes.heard(now);
}

/**
 * P23's answer to a count above what the interface carries: its MTU has shrunk and the announcement, which
 * nobody repeats, did not come through.
 */
function isRefusedSize(frame: Frame, command: Command): boolean {
  const several = isTransfer(frame.operation) && frame.sectors > 1;
  return several && command.aoeError === aoe.ERROR_ARGUMENT;
}

/**
 * The path that the answer took has proved itself; the frame's own gets a sample where the frame went once
 * (Karn). The two differ where a target answers by another of its addresses (P6).
 */
function credit(exchange: Exchange, frame: Frame, path: Path, at: number): void {
  const own = frame.path as Path;
  exchange.paths.answered(path, frame);
  if (frame.state === IN_FLIGHT) own.window.answered(own.inFlight, exchange.host.now);
  const timed = isTransfer(frame.operation) || frame.operation === IDENTIFY;
  if (frame.transmits !== 1 || path !== own) return;
  if (frame.sequence > own.heardSequence) own.heardSequence = frame.sequence;
  if (timed) own.rtt.sample(at - frame.lastSentAt);
}

/** Whether the answer is half of what the command waits for: its buffer is still the link's. */
function waitsForRelease({ pool, buffer, operation }: Frame): boolean {
  return pool?.endsAtRelease === true && buffer?.pins !== 0 && isTransfer(operation);
}

/** Puts the answer's data where the command wants them; false: that memory is there no more. */
function deliver(frame: Frame, command: Command, view: FrameView): boolean {
  const { memory } = command;
  if (frame.operation === CONTROL) command.answerLength = view.length - aoe.LENGTH;
  if (memory === null) return true;
  if (frame.operation === READ) {
    if (hasLostMemory(command)) return false;
    const bytes = frame.sectors * ata.SECTOR;
    copyMemory(view, view.base + ata.LENGTH, memory, frame.offset, bytes);
  } else if (frame.operation === IDENTIFY) {
    copyMemory(view, view.base + ata.LENGTH, memory, command.offset, ata.SECTOR);
  } else if (frame.operation === CONTROL) {
    const bytes = Math.min(memory.bytes.length - command.offset, command.answerLength);
    copyMemory(view, view.base + aoe.LENGTH, memory, command.offset, bytes);
  }
  return true;
}
