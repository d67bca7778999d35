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
import { formatTable, widthOf } from "../../words/table.ts";
import { printableBytes, printableJson } from "../../words/printable.ts";

export function discoverCommand(): Command {
  return addSessionOptions(
    new Command("discover")
      .description("list the devices that answer on an interface")
      .option("--watch", "go on, and say who comes and goes, until Ctrl-C"),
  ).action(run);
}

interface Options extends SessionTexts {
  readonly watch?: boolean;
}

async function run(texts: Options): Promise<void> {
  const wait = parseWait(texts);
  if (texts.watch) {
    await withSession(texts, (session) => watch(session, wait, texts.json ?? false));
    return;
  }
  await withSession(texts, async (session) => {
    const devices = sortDevices(await session.discover(wait, true));
    if (texts.json) {
      process.stdout.write(`${printableJson(devices.map((device) => toJson(device, session)))}\n`);
    } else if (devices.length > 0) {
      process.stdout.write(
        formatTable(
          HEAD,
          devices.flatMap((device) => toRows(device, session)),
          widthOf(process.stdout),
        ),
      );
    }
    if (devices.length === 0) throw notFound(`No device answered within ${formatDuration(wait)}`);
  });
}

/** Each round asks for `wait` ns; who answers in none of two rounds is gone. */
async function watch(session: Session, wait: number, json: boolean): Promise<never> {
  const heard = new Map<Device, { silent: number; said: string }>();
  const say = (event: string, device: Device, said: string): void => {
    const at = new Date().toISOString();
    const line = json
      ? printableJson({ at, event, ...toJson(device, session) })
      : `${at} ${event} ${said}`;
    process.stdout.write(`${line}\n`);
  };
  for (;;) {
    const start = session.waiter.now();
    for (const device of sortDevices(await session.discover(wait, true))) {
      const answered = device.paths.some(({ heardAt }) => heardAt >= start);
      const said = describe(device, session);
      const known = heard.get(device);
      if (known === undefined) {
        heard.set(device, { silent: 0, said });
        say("found", device, said);
        continue;
      }
      if (answered && known.silent >= 2) say("back", device, said);
      else if (answered && known.said !== said) say("changed", device, said);
      known.silent = answered ? 0 : known.silent + 1;
      if (answered) known.said = said;
      if (known.silent === 2) say("gone", device, formatAddress(device));
    }
  }
}

function describe(device: Device, session: Session): string {
  const [first = [], ...others] = toRows(device, session);
  return [...first, ...others.flatMap(([, , name, mac]) => [name, mac])].join(" ").trimEnd();
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
    index === 0 ? printableBytes(device.configString) : "",
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
    config: printableBytes(device.configString),
    config_base64: Buffer.from(device.configString).toString("base64"),
    paths: device.paths.map((path) => ({
      interface: session.raw[path.port.index]?.interface ?? null,
      mac: formatMac(path.target),
      sectors: path.sectors,
    })),
  };
}
