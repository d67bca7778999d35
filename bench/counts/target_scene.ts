// The target's path: a request from its arrival to its answer, asked by frames made before.

import { iterate } from "../../link/loop.ts";
import type { FrameView, TxBuffer } from "../../link/link.ts";
import { Export } from "../../target/protocol/export.ts";
import { Target } from "../../target/protocol/target.ts";
import type { Store } from "../../target/stores/store.ts";
import { US } from "../../words/quantity.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Ends, Gate, Scene } from "./counted_scene.ts";

const MAJOR = 7;
const MINOR = 3;
/** Sectors of a store, at least. */
export const DISK = 4096;

export interface TargetWork {
  /** One of wire/ata.ts. */
  readonly opcode: number;
  readonly sectors: number;
  readonly store: Store;
}

export function targetScene(work: TargetWork, ends: Ends, gate: Gate): Scene {
  const { opcode, sectors, store } = work;
  const target = new Target();
  target.addExport(new Export({ major: MAJOR, minor: MINOR, store }));
  target.addPort(ends.near, "near");
  const { far } = ends;
  const flags = ata.FLAG_EXTENDED | (ata.isWrite(opcode) ? ata.FLAG_WRITE : 0);
  const carried = ata.requestDataLength(opcode, flags, sectors);
  const length = Math.max(ethernet.SHORTEST, ata.LENGTH + carried);
  const request = bufferOf(far.allocate(length));
  let tag = 0;
  let answers = 0;
  const visit = ({ view, base }: FrameView): void => {
    if (aoe.tag(view, base) === tag && ata.status(view, base) === ata.STATUS_DRDY) answers++;
  };
  return {
    run(commands) {
      const last = answers + commands;
      while (answers < last) {
        const before = answers;
        // A tag of its own for each, or it is answered from memory.
        tag = (tag + 1) >>> 0;
        const lba = (tag * sectors) % DISK;
        ethernet.write(request.view, 0, ends.near.mac, far.mac);
        aoe.write(request.view, 0, 0, 0, MAJOR, MINOR, aoe.COMMAND_ATA, tag);
        ata.write(request.view, 0, flags, 0, sectors, opcode, lba);
        far.transmit(request, length);
        far.flush();
        ends.arrive(far, ends.near);
        gate.open = true;
        iterate(target, ends.now());
        gate.open = false;
        ends.tick(10 * US);
        ends.arrive(ends.near, far);
        far.receive(visit, 64);
        if (answers === before) throw new Error("invariant: a request is answered at once");
      }
    },
  };
}

function bufferOf(buffer: TxBuffer | null): TxBuffer {
  if (buffer === null) throw new Error("invariant: room for a request");
  return buffer;
}
