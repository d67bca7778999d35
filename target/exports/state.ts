// What clients set about an export — config string, mask list, reservation — as a file that a crash at any
// moment leaves either as it was or as it is to be (sys/replace_file.ts). The client hears of a change only after it
// is durable.
//
//   e7.0.json   {"version": 1, "config": "68656c6c6f", "masks": ["02:00:00:00:00:0a"], "reservation": []}
//
// A file that is there and is none of ours is damage: the export is not served, since it might have been for few.

import { constants, lstatSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

import { type Address, formatAddress } from "../../words/address.ts";
import { environment, EXIT, Failure } from "../../words/failure.ts";
import { LONGEST_STRING } from "../../wire/config.ts";
import { formatMac, type Mac, parseMac } from "../../wire/mac.ts";
import { cantRead } from "../../words/file_error.ts";
import { readRegular } from "../../sys/read_text.ts";
import type { ExportState } from "../protocol/export.ts";

/** What stands in the place of an export's state is none. */
export class DamagedState extends Failure {
  /** What is wrong with it. */
  readonly fault: string;

  constructor({ name, path }: StateFile, fault: string) {
    super(
      `${name} is not served: its state file ${path} ${fault}; --reset-state keeps it as ${path}.damaged and starts ${name} without config string, mask list and reservation`,
      EXIT.environment,
    );
    this.fault = fault;
  }
}

export interface StateFile {
  /** Of the export: `e7.0`. */
  readonly name: string;
  readonly path: string;
}

/** The state file of one export in `directory`, which is made where it is missing. */
export function stateFile(directory: string, address: Address): StateFile {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw environment(`Can't make the state directory ${directory}: ${(error as Error).message}`);
  }
  const name = formatAddress(address);
  return { name, path: join(directory, `${name}.json`) };
}

/** Null: nothing has been saved. Throws a DamagedState for a file that is not one of ours. */
export function loadState(file: StateFile): ExportState | null {
  let bytes: Uint8Array;
  try {
    bytes = readRegular(file.path, constants.O_NOFOLLOW);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    if (code === "EACCES" || code === "EPERM") throw cantRead(`the state ${file.path}`, error);
    throw new DamagedState(file, `can't be read: ${code ?? message}`);
  }
  return parse(new TextDecoder().decode(bytes), file);
}

/** Gives the place free, and says where the file is now. */
export function setAside({ path }: StateFile): string {
  for (let number = 1; ; number++) {
    const aside = `${path}.damaged${number === 1 ? "" : `-${number}`}`;
    if (lstatSync(aside, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      renameSync(path, aside);
    } catch (error) {
      throw environment(`Can't move the state file ${path} away: ${(error as Error).message}`);
    }
    return aside;
  }
}

const VERSION = 1;

export function formatState(state: ExportState): Uint8Array {
  const record = {
    version: VERSION,
    config: Buffer.from(state.config).toString("hex"),
    masks: state.masks.map(formatMac),
    reservation: state.reservation.map(formatMac),
  };
  return new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`);
}

function parse(text: string, file: StateFile): ExportState {
  const broken = (fault: string): DamagedState => new DamagedState(file, fault);
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw broken("is not JSON");
  }
  if (typeof record !== "object" || record === null) throw broken("is not an object");
  const { version, config, masks, reservation } = record as Record<string, unknown>;
  if (version !== VERSION) throw broken(`has version ${String(version)}, not ${VERSION}`);
  if (typeof config !== "string" || !/^(?:[0-9a-f]{2})*$/.test(config)) {
    throw broken("has no `config` of hexadecimal digits");
  }
  if (config.length > 2 * LONGEST_STRING) throw broken("has a `config` that is too long");
  const macs = (value: unknown, name: string): Mac[] => {
    if (!Array.isArray(value) || value.length > 255) throw broken(`has no list \`${name}\``);
    return value.map((item) => {
      const mac = typeof item === "string" ? parseMac(item) : null;
      if (mac === null) throw broken(`names \`${String(item)}\` in \`${name}\`, not a MAC`);
      return mac;
    });
  };
  return {
    config: new Uint8Array(Buffer.from(config, "hex")),
    masks: macs(masks, "masks"),
    reservation: macs(reservation, "reservation"),
  };
}
