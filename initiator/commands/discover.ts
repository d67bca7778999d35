// `aoe initiator discover`: who is there, on which interface, how large.

import { Command } from "commander";

import { formatMac } from "../../wire/mac.ts";
import { SECTOR } from "../../wire/ata.ts";
import { formatAddress } from "../../words/address.ts";
import { notFound } from "../../words/failure.ts";
import { formatDuration, formatSize } from "../../words/quantity.ts";
import type { Device } from "../device.ts";
import { sortDevices } from "../device_list.ts";
import type { Session } from "../session.ts";
import { addSessionOptions, parseWait, type SessionTexts, withSession } from "./session_options.ts";
import { formatTable } from "./table.ts";

export function discoverCommand(): Command {
  return addSessionOptions(
    new Command("discover").description("list the devices that answer on an interface"),
  ).action(run);
}

async function run(texts: SessionTexts): Promise<void> {
  const wait = parseWait(texts);
  await withSession(texts, async (session) => {
    const devices = sortDevices(await session.discover(wait, true));
    if (texts.json) {
      process.stdout.write(`${JSON.stringify(devices.map((device) => toJson(device, session)))}\n`);
    } else if (devices.length > 0) {
      process.stdout.write(
        formatTable(
          HEAD,
          devices.flatMap((device) => toRows(device, session)),
        ),
      );
    }
    if (devices.length === 0) throw notFound(`No device answered within ${formatDuration(wait)}`);
  });
}

const HEAD = ["DEVICE", "SIZE", "INTERFACE", "MAC", "BUFFERS", "SECTORS", "MODEL", "CONFIG"];

/** A line for the device, and one for each further path. */
function toRows(device: Device, session: Session): string[][] {
  const size = device.identity === null ? "?" : formatSize(device.sectors * SECTOR);
  return device.paths.map((path, index) => [
    index === 0 ? formatAddress(device) : "",
    index === 0 ? size : "",
    session.raw[path.port.index]?.interface ?? "",
    formatMac(path.target),
    index === 0 ? `${device.bufferCount}` : "",
    `${path.sectors}`,
    index === 0 ? (device.identity?.model ?? "?") : "",
    index === 0 ? configText(device.configString) : "",
  ]);
}

function toJson(device: Device, session: Session): object {
  return {
    device: formatAddress(device),
    shelf: device.major,
    slot: device.minor,
    size_bytes: device.identity === null ? null : device.sectors * SECTOR,
    model: device.identity?.model ?? null,
    serial: device.identity?.serial ?? null,
    buffer_count: device.saidBufferCount,
    firmware: device.firmware,
    most_sectors: device.sectorCount,
    config: configText(device.configString),
    config_base64: Buffer.from(device.configString).toString("base64"),
    paths: device.paths.map((path) => ({
      interface: session.raw[path.port.index]?.interface ?? null,
      mac: formatMac(path.target),
      sectors: path.sectors,
    })),
  };
}

/** A config string is bytes: what would move a terminal's cursor is shown as a dot. */
export function configText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, ".");
}
