// Sending again what was not answered in time, the oldest loss first, as windows allow.
//
// The same bytes go out of the same buffer, pinned or not, as long as path, tag, size and our address stay: nothing is
// rewritten. Where one of them changes the buffer must be nobody's; a pinned one stays behind and
// another is taken, counted. A frame that has become too large for its path is cut.

import * as ethernet from "../../wire/ethernet.ts";
import * as ata from "../../wire/ata.ts";
import { type Command, hasLostMemory } from "./command.ts";
import type { Frame } from "./frame.ts";
import type { Outstanding } from "./outstanding.ts";
import type { Path } from "./path.ts";
import type { Pool } from "../pool/pool.ts";
import { WRITE } from "./operation.ts";

/** Returns a command that has lost its memory, so that it can't go on; null: none was met. */
export function resend(frames: Outstanding, now: number): Command | null {
  const { counters, paths, waiting } = frames;
  let lost: Command | null = null;
  let after: Frame | null;
  for (let frame = waiting.first; frame !== null; frame = after) {
    after = frame.after;
    // The pieces of a fall-back, and urgent commands, are more frames than were counted.
    if (frames.isFull) break;
    const command = frame.command as Command;
    if (hasLostMemory(command)) {
      lost = command;
      continue;
    }
    const { path: only } = command;
    const path = only === null ? paths.pickAgain(frame.path as Path) : paths.only(only);
    if (path === null) continue;
    if (frame.operation === WRITE && isBarred(frames, frame, now)) {
      if (!frame.barred) counters.retransmitsBarred++;
      frame.barred = true;
      continue;
    }
    const { sectors } = path.limitOf(frame.operation);
    if (frame.sectors > sectors) {
      split(frames, frame, path, sectors);
      // The pieces stand at the end of the list: they are met in this same walk.
      after = frame.after;
    }
    if (prepare(frames, frame, path, now) && !frames.transmit(frame, path, now)) break;
  }
  return lost;
}

/** Whether a copy of this write may not be sent now. Sets when to look again, where time alone will tell. */
function isBarred(frames: Outstanding, frame: Frame, now: number): boolean {
  const command = frame.command as Command;
  if (frames.holdback.size > 0) {
    const until = frames.holdback.until(frame.lba, frame.sectors, command, now);
    if (until > now) {
      frames.barredAt = Math.min(frames.barredAt, until);
      return true;
    }
  }
  if (frame.transmits === 0) return false;
  // A write that was sent later and overlaps: its answer first, or a late copy of ours undoes it.
  const end = frame.lba + frame.sectors;
  for (let other = frames.inFlight.first; other !== null; other = other.after) {
    if (other.operation !== WRITE || other.command === command) continue;
    if (frame.lba >= other.lba + other.sectors || other.lba >= end) continue;
    if (other.lastSentAt > frame.lastSentAt) return true;
  }
  return false;
}

/** Makes of a frame too large for `path` one of `most` sectors and others for the rest, all unsent. */
function split(frames: Outstanding, frame: Frame, path: Path, most: number): void {
  const { holdback, host } = frames;
  const command = frame.command as Command;
  if (frame.operation === WRITE && frame.transmits > 0) {
    // The whole one may still travel: its own pieces pass, later writes don't.
    const bar = frame.bar ?? holdback.begin(frame.lba, frame.sectors, command);
    holdback.end(bar, frame.lastSentAt);
    frames.barsChanged = true;
    frame.bar = null;
  }
  const start = frame.offset - command.offset;
  for (let done = most; done < frame.sectors; done += most) {
    const sectors = Math.min(most, frame.sectors - done);
    const offset = start + done * ata.SECTOR;
    const piece = frames.make(command, path, frame.lba + done, sectors, offset);
    piece.since = frame.since;
    frames.wait(piece, command);
  }
  frame.sectors = most;
  frame.transmits = 0;
  if (frame.tag !== 0) host.tags.give(frame.tag);
  frame.tag = 0;
}

/** Sees that the frame's buffer holds its request for `path`; false: no buffer is available. */
function prepare(frames: Outstanding, frame: Frame, path: Path, now: number): boolean {
  const { buffers, counters, host } = frames;
  const command = frame.command as Command;
  const newTag = host.settings.newTags && frame.transmits > 0;
  if (frame.buffer !== null && frame.tag !== 0 && !newTag && path === frame.path) {
    // To an address that we no longer have nothing would be answered.
    if (ethernet.source(frame.buffer.view, 0) === path.port.link.mac) return true;
  }
  const own = frame.path as Path;
  if (frame.buffer === null || frame.buffer.pins > 0 || own.port !== path.port) {
    if (buffers.isDry(path.port)) return false;
    const pool =
      frame.pool !== null && own.port === path.port ? frame.pool : buffers.poolOf(path.port, true);
    const buffer = buffers.acquire(pool, path.port, now);
    if (buffer === null) return false;
    if (frame.buffer !== null) {
      buffers.release(frame.pool as Pool, frame.buffer, own.port, now);
      counters.retransmitBuffers++;
    }
    frame.buffer = buffer;
    frame.pool = pool;
  }
  frame.path = path;
  if (newTag && frame.tag !== 0) {
    host.tags.give(frame.tag);
    frame.tag = 0;
  }
  frames.write(frame, command);
  return true;
}
