// `aoe initiator info eS.L`: what a device says of itself.

import { Command } from "commander";

import { SECTOR } from "../../wire/ata.ts";
import { checksum, describe, toHdparm } from "../../wire/identify.ts";
import { formatMac } from "../../wire/mac.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { shownBytes } from "../../words/shown.ts";
import type { Device } from "../protocol/device.ts";
import type { Session } from "../session/session.ts";
import { rivalsJson } from "./discover.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { formatTable, widthOf } from "../../words/table.ts";
import { printableBytes, printableJson } from "../../words/printable.ts";

interface Options extends RawSessionOptions {
  readonly words?: boolean;
  readonly hdparm?: boolean;
}

export function infoCommand(): Command {
  return addSessionOptions(
    new Command("info")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator info e7.3 --interface eth1
  aoe initiator info e7.3 --interface eth1 --json`,
      )
      .description("show a device's paths, config string and decoded IDENTIFY sector")
      .argument("<device>", "its address, such as e7.3")
      .option("--words", "every field of the IDENTIFY sector")
      .option("--hdparm", "the IDENTIFY sector as `hdparm --Istdin` reads it, and nothing else"),
  ).action(run);
}

async function run(name: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const wait = parseWait(texts);
  await withSession(texts, async (session) => {
    const device = await session.find(address, wait);
    const view = new DataView(device.identifySector.buffer);
    if (texts.hdparm) process.stdout.write(toHdparm(view, 0));
    else if (texts.json) process.stdout.write(`${printableJson(toJson(device, session, view))}\n`);
    else process.stdout.write(toText(device, session, view, texts.words ?? false));
  });
}

function toText(device: Device, session: Session, view: DataView, words: boolean): string {
  const { identity } = device;
  const lines = [
    ["device", formatAddress(device)],
    [
      "size",
      `${device.sectors * SECTOR} bytes (${shownBytes(device.sectors * SECTOR)}, ${device.sectors} sectors)`,
    ],
    ["model", identity?.model ?? ""],
    ["serial", identity?.serial ?? ""],
    ["firmware", identity?.firmware ?? ""],
    ["write cache", identity?.writeCache ? "on" : "off"],
    ["identify checksum", checksum(view, 0)],
    ["config string", printableBytes(device.configString)],
    ["buffer count", `${device.saidBufferCount}`],
    ["most sectors", `${device.sectorCount}`],
    ["target firmware", `${device.firmware}`],
    ...device.paths.map((path) => [
      "path",
      `${session.raw[path.port.index]?.interface ?? ""} to ${formatMac(path.target)}, ${path.sectors} sectors a frame${path.standby ? ", stands by" : ""}`,
    ]),
    ...device.rivals.map((rival) => [
      "claimed by",
      `${formatMac(rival.path.target)} on ${session.raw[rival.path.port.index]?.interface ?? ""} too: serial ${rival.identity.serial}, ${rival.identity.sectors} sectors; not used`,
    ]),
  ];
  let text = "";
  for (const [label, value] of lines) text += `${(label ?? "").padEnd(18)}${value}\n`;
  if (words) {
    const rows = describe(view, 0).map(({ word, name, value }) => [
      `${word}`,
      typeof value === "number" ? `${value} (0x${value.toString(16)})` : value,
      name,
    ]);
    text += `\n${formatTable(["WORD", "VALUE", "MEANING"], rows, widthOf(process.stdout))}`;
  }
  return text;
}

function toJson(device: Device, session: Session, view: DataView): object {
  return {
    device: formatAddress(device),
    size_bytes: device.sectors * SECTOR,
    sectors: device.sectors,
    identity: device.identity,
    identify_checksum: checksum(view, 0),
    identify: describe(view, 0),
    config: printableBytes(device.configString),
    buffer_count: device.saidBufferCount,
    most_sectors: device.sectorCount,
    firmware: device.firmware,
    paths: device.paths.map((path) => ({
      interface: session.raw[path.port.index]?.interface ?? null,
      mac: formatMac(path.target),
      sectors: path.sectors,
      standby: path.standby,
    })),
    rivals: rivalsJson(device, session),
  };
}
