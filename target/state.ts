// What clients set about an export — config string, mask list, reservation — as a file that a crash at any
// moment leaves either as it was or as it is to be:
//
//   write e7.0.json.new ─▶ fsync ─▶ rename over e7.0.json ─▶ fsync the directory ─▶ answer the client
//
// The client hears of a change only after the last step. A `.new` that a crash left behind is never
// read, and the next change writes over it.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { type Address, formatAddress } from "../words/address.ts";
import { environment } from "../words/failure.ts";
import { LONGEST_STRING } from "../wire/config.ts";
import { formatMac, type Mac, parseMac } from "../wire/mac.ts";
import type { ExportState } from "./export.ts";

export interface StateFile {
  readonly path: string;
  /** Null: nothing has been saved. Throws an environment failure for a file that is not one of ours. */
  load(): ExportState | null;
  /** 0 once it is durable, else an errno: the file is as it was. */
  save(state: ExportState): number;
}

/** The state file of one export in `directory`, which is made where it is missing. */
export function openStateFile(directory: string, address: Address): StateFile {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw environment(`Can't make the state directory ${directory}: ${(error as Error).message}`);
  }
  const path = join(directory, `${formatAddress(address)}.json`);
  return {
    path,
    load() {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw environment(`Can't read the state ${path}: ${(error as Error).message}`);
      }
      return parse(text, path);
    },
    save(state) {
      try {
        replace(directory, path, format(state));
        return 0;
      } catch (error) {
        const { errno } = error as NodeJS.ErrnoException;
        if (errno === undefined) throw error;
        return Math.abs(errno);
      }
    },
  };
}

function replace(directory: string, path: string, text: string): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, "w", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const folder = openSync(directory, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const VERSION = 1;

function format(state: ExportState): string {
  const record = {
    version: VERSION,
    config: Buffer.from(state.config).toString("hex"),
    masks: state.masks.map(formatMac),
    reservation: state.reservation.map(formatMac),
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

function parse(text: string, path: string): ExportState {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw broken(path, "is not JSON");
  }
  if (typeof record !== "object" || record === null) throw broken(path, "is not an object");
  const { version, config, masks, reservation } = record as Record<string, unknown>;
  if (version !== VERSION) throw broken(path, `has version ${String(version)}, not ${VERSION}`);
  if (typeof config !== "string" || !/^(?:[0-9a-f]{2})*$/.test(config)) {
    throw broken(path, "has no `config` of hexadecimal digits");
  }
  if (config.length > 2 * LONGEST_STRING) throw broken(path, "has a `config` that is too long");
  return {
    config: new Uint8Array(Buffer.from(config, "hex")),
    masks: macs(masks, "masks", path),
    reservation: macs(reservation, "reservation", path),
  };
}

function macs(value: unknown, name: string, path: string): Mac[] {
  if (!Array.isArray(value) || value.length > 255) throw broken(path, `has no list \`${name}\``);
  return value.map((item) => {
    const mac = typeof item === "string" ? parseMac(item) : null;
    if (mac === null) throw broken(path, `names \`${String(item)}\` in \`${name}\`, not a MAC`);
    return mac;
  });
}

function broken(path: string, what: string): Error {
  return environment(`The state file ${path} ${what}; without it the export starts empty`);
}
