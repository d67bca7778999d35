// An answer and what follows from it: data delivered, path credited, round trip measured, command ended.
//
// Only what comes from one of the device's addresses and what `judge` takes for an answer gets this far; all
// else is counted, and the request goes again when its time comes.

import { copyMemory } from "../../link/copy_memory.ts";
import type { FrameView } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import type { Mac } from "../../wire/mac.ts";
import { CONTRADICTORY, judge, TOO_SHORT } from "./answer.ts";
import {
  AOE_ERROR,
  ATA_ERROR,
  type Command,
  hasLostMemory,
  MEMORY_LOST,
  OK,
  units,
} from "./command.ts";
import type { Exchange } from "./exchange.ts";
import { answerBytes, type Frame, IN_FLIGHT, isExtended } from "./frame.ts";
import type { Path } from "./path.ts";
import type { PortState } from "./port.ts";
import { refuse } from "./resend.ts";
import { CONTROL, isTransfer, IDENTIFY, READ } from "./operation.ts";

/** An answer with the tag of `frame`, one of the exchange's, came by `port` from `source`. */
export function receiveAnswer(
  exchange: Exchange,
  frame: Frame,
  port: PortState,
  source: Mac,
  view: FrameView,
): void {
  const { counters, device } = exchange;
  const own = frame.path as Path;
  const path = own.port === port && own.target === source ? own : exchange.paths.find(port, source);
  if (path === null) {
    device.foreign(port, source);
    return;
  }
  const { command } = frame;
  const verdict = judge(
    frame,
    command,
    device.major,
    device.minor,
    isExtended(frame, device.opcodes),
    exchange.echo,
    view.view,
    view.base,
    view.length,
  );
  if (verdict === CONTRADICTORY) {
    counters.contradictory++;
    port.ignored.contradictory++;
    if (command !== null) command.contradictions++;
    return;
  }
  if (verdict === TOO_SHORT) {
    counters.tooShort++;
    port.ignored.tooShort++;
    if (command !== null) {
      command.shortAnswers++;
      command.shortBytes = Math.max(0, view.length - ata.LENGTH);
      command.wantedBytes = answerBytes(frame);
    }
    return;
  }
  const { host } = exchange;
  // A link that tells only when it was polled may have polled before this frame's request was sent.
  if (view.at < frame.lastSentAt) host.look();
  const at = view.at >= frame.lastSentAt ? view.at : host.now;
  exchange.progressAt = at;
  credit(exchange, frame, path, at);
  if (command === null) {
    counters.orphanAnswers++;
    exchange.end(frame, true);
  } else if (verdict === OK && deliver(frame, command, view)) {
    exchange.end(frame, true);
    command.frames--;
    const whole = command.frames === 0 && command.issued >= units(command);
    if (whole) exchange.finish(command, OK, at);
  } else if (verdict === AOE_ERROR && isRefusedSize(frame, command)) {
    counters.aoeErrors++;
    refuse(exchange, frame, command);
  } else {
    if (verdict === ATA_ERROR) counters.ataErrors++;
    else if (verdict === AOE_ERROR) counters.aoeErrors++;
    exchange.end(frame, true);
    command.frames--;
    exchange.fail(command, verdict === OK ? MEMORY_LOST : verdict, at);
  }
  // What waits to go again may be answered by the next frame of this same slice: it waits for the end. So does
  // what there is to do where nothing is to be sent.
  if (exchange.waiting.size > 0 || exchange.queued === 0) {
    device.touch();
  } else {
    host.look();
    exchange.drive();
  }
}

/**
 * P23's answer to a count above what the interface carries: its MTU has shrunk and the announcement, which
 * nobody repeats, did not come through.
 */
function isRefusedSize(frame: Frame, command: Command): boolean {
  const several = isTransfer(frame.operation) && frame.sectors > 1;
  return several && command.aoeError === aoe.ERROR_ARGUMENT && command.path === null;
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
