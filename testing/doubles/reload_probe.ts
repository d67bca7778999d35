// A target under the virtual clock that takes sets of plans, with images and states on a disk: for tests of what a
// reload and a resize make of it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as ata from "../../wire/ata.ts";
import { Failure } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { parseExport } from "../../target/config/read.ts";
import { Exports } from "../../target/exports/exports.ts";
import {
  ataFrame,
  ataOf,
  createProbe,
  discovery,
  pattern,
  type Probe,
  readFrame,
} from "./probe.ts";
import type { Applied } from "../../target/exports/reload.ts";
import { StateSaver } from "../../target/exports/state_saver.ts";
import { FileIo } from "../../target/stores/file_io.ts";

export const directory = mkdtempSync(join(tmpdir(), "aoe-reload-"));

export function removeFiles(): void {
  rmSync(directory, { recursive: true, force: true });
}

let files = 0;
/** An image whose sectors tell `seed`. */
export function image(sectors: number, seed = 1): string {
  // Files that are tested in one process share it.
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(sectors, seed));
  return path;
}

/** As [[export]] has it. */
export type Table = Readonly<Record<string, unknown>>;

/** A target that serves `tables`. */
export function build(tables: readonly Table[]) {
  const probe = createProbe();
  probe.target.removeExport(probe.owner, () => {});
  probe.run(0);
  const said: string[] = [];
  const state = join(directory, `state-${files++}`);
  mkdirSync(state, { recursive: true });
  const saver = new StateSaver();
  const io = new FileIo();
  const context = {
    state: { directory: state, saver },
    random: createRandom(1),
    what: "service",
    io,
    sayOnce: (sentence: string) => said.push(sentence),
  };
  const exports = new Exports(probe.target, context, (sentence) => said.push(sentence));
  for (const table of tables) exports.add(parseExport(table, "export"));
  probe.run(1e9);
  return {
    probe,
    said,
    state,
    exports,
    /** The end of it, reached while commands are served. */
    async reload(next: readonly Table[]): Promise<Applied | Failure> {
      const ended: (Applied | Failure)[] = [];
      try {
        exports.apply(
          next.map((table) => parseExport(table, "export")),
          (told) => ended.push(told),
        );
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return error;
      }
      for (;;) {
        const [told] = ended;
        if (told !== undefined) return told;
        await Bun.sleep(1);
        saver.poll();
        probe.run(1e6);
      }
    },
  };
}

/** Why a reload changed nothing. */
export function refused(ended: Applied | Failure): string {
  if (!(ended instanceof Failure)) throw new Error(`applied: ${JSON.stringify(ended)}`);
  return ended.message;
}

/** Who answers a broadcast, and with how many sectors. */
export function served(probe: Probe): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { aoe } of probe.ask(discovery())) {
    const { major, minor } = aoe;
    const answer = probe.answer(
      ataFrame({ command: ata.IDENTIFY, count: 1, flags: 0 }, { major, minor, tag: minor }),
    );
    const words = new DataView(answer.rest.buffer, answer.rest.byteOffset);
    found[`e${major}.${minor}`] = words.getUint32(200, true);
  }
  return found;
}

/** The first byte of a sector as e8.MINOR reads it, however long that takes. */
export async function byteOf(probe: Probe, minor: number, lba: number): Promise<number> {
  probe.send(readFrame(lba, 1, { major: 8, minor, tag: 9 }));
  for (;;) {
    const answer = probe.run(1e6).find(({ aoe }) => aoe.tag === 9);
    if (answer !== undefined) {
      if (ataOf(answer).command !== ata.STATUS_DRDY) throw new Error(`sector ${lba} can't be read`);
      return answer.rest[0] as number;
    }
    await Bun.sleep(1);
  }
}
