// What P28's table costs for one request of 36 bytes: looked for, noted and released.

import { Duplicates } from "../../target/protocol/duplicates.ts";
import { SUCCESS } from "../../target/outcome.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Memory } from "../../link/link.ts";
import type { MicroCase } from "./micro_case.ts";

const SOURCE = 0x0200_0000_00a0;
/** Answered requests that are remembered at 10 µs each for two seconds: more than the table takes. */
const EVERY = 10e3;

export const DUPLICATE_CASES: readonly MicroCase[] = [
  {
    name: "duplicates read",
    about: "a deferred read looked for, noted and forgotten, 64 in service",
    make() {
      const { table, frame, ask } = world();
      for (let tag = 1; tag <= 64; tag++) note(table, frame, ask(tag), 0);
      return (call) => {
        const tag = ask(call + 64);
        if (table.find(frame, 0, ata.LENGTH, SOURCE, tag, 0) >= 0)
          throw new Error("invariant: new");
        table.forget(note(table, frame, tag, 0));
      };
    },
  },
  {
    name: "duplicates write",
    about: "a write looked for, noted and kept, in a table that is full: the oldest goes",
    make() {
      const { table, frame, ask } = world();
      let now = 1;
      const work = (call: number): void => {
        now += EVERY;
        const tag = ask(call);
        if (table.find(frame, 0, ata.LENGTH, SOURCE, tag, now) >= 0) {
          throw new Error("invariant: new");
        }
        table.complete(note(table, frame, tag, now), SUCCESS, 0, now);
      };
      for (let call = 1; call <= 70_000; call++) work(-call);
      return work;
    },
  },
  {
    name: "duplicates copy",
    about: "a copy of a write found among 65,536",
    make() {
      const { table, frame, ask } = world();
      for (let call = 0; call < 65_536; call++) {
        table.complete(note(table, frame, ask(call), 1), SUCCESS, 0, 1);
      }
      return (call) => {
        const tag = ask(call & 0xffff);
        if (table.find(frame, 0, ata.LENGTH, SOURCE, tag, 2) < 0)
          throw new Error("invariant: kept");
      };
    },
  },
];

function note(table: Duplicates, frame: Memory, tag: number, now: number): number {
  return table.insert(frame, 0, ata.LENGTH, SOURCE, tag, now);
}

function world() {
  const bytes = new Uint8Array(ethernet.SHORTEST);
  const view = new DataView(bytes.buffer);
  ethernet.write(view, 0, 0x0200_0000_00b0, SOURCE);
  aoe.write(view, 0, 0, 0, 7, 3, aoe.COMMAND_ATA, 0);
  ata.write(view, 0, ata.FLAG_EXTENDED | ata.FLAG_WRITE, 0, 1, ata.WRITE_EXT, 0);
  const frame: Memory = { bytes, view, address: 0 };
  /** Makes the frame that request, and returns its tag. */
  const ask = (call: number): number => {
    const tag = call >>> 0;
    view.setUint32(aoe.TAG, tag);
    view.setUint32(ata.LBA, tag, true);
    return tag;
  };
  return { table: new Duplicates(), frame, ask };
}
