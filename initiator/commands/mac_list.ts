// What `mask` and `reserve` share: MACs on the command line, and a list of them as the answer.

import type { Device } from "../protocol/device.ts";
import { formatMac, type Mac, parseMac } from "../../wire/mac.ts";
import { formatAddress } from "../../words/address.ts";
import { expected } from "../../words/failure.ts";
import { printableJson } from "../../words/printable.ts";

export function parseMacs(texts: readonly string[]): Mac[] {
  return texts.map((text) => {
    const mac = parseMac(text);
    if (mac === null) throw expected("mac", "an address such as 02:00:00:00:00:a0", text);
    return mac;
  });
}

/** One a line on stdout; of an empty list `empty` on stderr. */
export function printMacs(
  device: Device,
  macs: readonly Mac[],
  json: boolean,
  empty: string,
): void {
  if (json) {
    const document = { device: formatAddress(device), macs: macs.map(formatMac) };
    process.stdout.write(`${printableJson(document)}\n`);
    return;
  }
  for (const mac of macs) process.stdout.write(`${formatMac(mac)}\n`);
  if (macs.length === 0) process.stderr.write(`${empty}\n`);
}
