// A link at whose other end every request is answered at once and well, for what it costs to be an initiator and
// nothing else: no system call, no target, no model. Half of it is `transmit`, which turns the header round
// into the next place of a ring, half is `receive`, which shows what stands there.
//
//   buffer ── header ──▶ [ place | place | … ] ── at most `batch` a turn ──▶ visit
//
// A read's data are whatever the place holds.

import { createArena } from "../../link/arena.ts";
import { type FrameView, type Link, noFrames, type TxBuffer, TO_HOST } from "../../link/link.ts";
import { mapMemory } from "../../sys/memory.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import * as identify from "../../wire/identify.ts";

const MTU = 9000;
const PLACES = 128;
const PLACE_BYTES = 9216;
const OURS = 0x02_00_00_00_00_01;
const THEIRS = 0x02_00_00_00_00_02;
const SECTORS = 131_072;

/** `now`: the clock that received frames are stamped with, ns. */
export function mirrorLink(batch: number, bufferCount: number, now: () => number): Link {
  const arena = createArena(64 << 20);
  const { bytes, view, address } = mapMemory(PLACES * PLACE_BYTES);
  const lengths = new Uint32Array(PLACES);
  const frame = { bytes, view, address, base: 0, length: 0, addressed: TO_HOST, at: 0 };
  const identity = new Uint8Array(identify.LENGTH);
  const said = { serial: "mirror", firmware: "0", model: "mirror", sectors: SECTORS };
  const rest = { writeCache: true, smart: false, physicalSectorBytes: 512, rpm: null, instance: 0 };
  identify.emit({ ...said, ...rest }, new DataView(identity.buffer), 0);
  let filled = 0;
  let taken = 0;
  const counters = noFrames();

  function answer(to: number, request: DataView): number {
    const tag = aoe.tag(request, 0);
    const command = aoe.command(request, 0);
    ethernet.write(view, to, OURS, THEIRS);
    aoe.write(view, to, aoe.FLAG_RESPONSE, 0, 7, 3, command, tag);
    if (command === aoe.COMMAND_CONFIG) {
      config.write(view, to, bufferCount, 1, 16, 0, 0);
      return config.LENGTH;
    }
    const opcode = ata.command(request, 0);
    const sectors = ata.count(request, 0);
    ata.write(view, to, 0, 0, sectors, ata.STATUS_DRDY, ata.lba48(request, 0));
    if (opcode === ata.IDENTIFY) bytes.set(identity, to + ata.LENGTH);
    return ata.LENGTH + (opcode === ata.WRITE_EXT ? 0 : sectors * ata.SECTOR);
  }

  return {
    mac: OURS,
    mtu: MTU,
    onChange: null,
    fds: [],
    counters,
    allocate: (size) => arena.allocate(size),
    free: (buffer) => arena.free(buffer),
    receive(visit: (frame: FrameView) => void, limit: number) {
      const most = Math.min(limit, batch, filled - taken);
      frame.at = now();
      for (let count = 0; count < most; count++) {
        const place = taken++ % PLACES;
        frame.base = place * PLACE_BYTES;
        frame.length = lengths[place] ?? 0;
        visit(frame);
      }
      return most;
    },
    transmit(buffer: TxBuffer) {
      if (filled - taken === PLACES) return false;
      const place = filled++ % PLACES;
      lengths[place] = answer(place * PLACE_BYTES, buffer.view);
      return true;
    },
    flush() {},
    reclaim: () => 0,
    nextDeadline: () => Number.POSITIVE_INFINITY,
    close: () => arena.close(),
  };
}
