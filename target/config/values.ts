// Values that a command line and a configuration file spell alike. Apart from the schema, so that a target
// without a configuration doesn't load one.

import type { BlockingKind } from "../../sys/blocking_io.ts";
import { expected, usage } from "../../words/failure.ts";
import { parseSize } from "../../words/quantity.ts";
import { SECTOR } from "../../wire/ata.ts";
import { SERIAL_LENGTH } from "../../wire/identify.ts";
import { parseMac } from "../../wire/mac.ts";
import { mostEntries } from "../protocol/mask_commands.ts";

/** What does file operations that block. */
export const BLOCKING = ["io_uring", "worker"] as const satisfies BlockingKind[];

/** What stands for a value in an error sentence. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

export function mac(text: string, what: string): number {
  const found = parseMac(text);
  if (found === null) throw expected(what, "MAC addresses, such as 02:00:00:00:00:0a", text);
  return found;
}

export function word(text: string, what: string): string {
  if (text === "" || text.includes("\0")) throw expected(what, "a text that is not empty", text);
  return text;
}

/** A serial number as an IDENTIFY sector holds it: without spaces at its ends. */
export function serial(text: string, what: string): string {
  const fits = text.length >= 1 && text.length <= SERIAL_LENGTH;
  if (fits && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  throw expected(what, `1 to ${SERIAL_LENGTH} characters of printable ASCII`, text);
}

/** Bytes of whole sectors. */
export function image(text: string, what: string): number {
  const bytes = parseSize(text, what);
  if (bytes < SECTOR || bytes % SECTOR !== 0) {
    throw usage(
      `Expected \`${what}\` to be a multiple of ${SECTOR} bytes, such as 64m for 64 MiB, got \`${text}\`, which is ${bytes} bytes`,
    );
  }
  return bytes;
}

/** The longest mask list: what an announcement at the usual MTU can tell (P17). */
export const MOST_MASKS = mostEntries(1500);
