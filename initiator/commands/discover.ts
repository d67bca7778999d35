// `aoe initiator discover`: who is there, on which interface, how large.

import { Command } from "commander";

import { formatMac } from "../../wire/mac.ts";
import { SECTOR } from "../../wire/ata.ts";
import { formatAddress } from "../../words/address.ts";
import { notFound } from "../../words/failure.ts";
import { shownBytes, shownTime } from "../../words/shown.ts";
import type { Identify } from "../../wire/identify.ts";
import type { Device } from "../protocol/device.ts";
import type { Path } from "../protocol/path.ts";
import { sortDevices } from "../protocol/device_list.ts";
import type { Session } from "../session/session.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { formatTable, widthOf } from "../../words/table.ts";
import { printableBytes, printableJson } from "../../words/printable.ts";

export function discoverCommand(): Command {
  return addSessionOptions(
    new Command("discover")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator discover --interface eth1
  aoe initiator discover --interface eth1 --interface eth2 --wait 3s --json
  aoe initiator discover --interface eth1 --watch`,
      )
      .description("list the devices that answer on an interface")
      .option("--watch", "run until Ctrl-C and print each change"),
  ).action(run);
}

interface Options extends RawSessionOptions {
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
    if (devices.length === 0) throw notFound(`No device answered within ${shownTime(wait)}`);
  });
}

/** Each round asks for `wait` ns; who answers in none of two rounds is gone. */
async function watch(session: Session, wait: number, json: boolean): Promise<never> {
  // By address: another disk at one that was found is a change.
  const heard = new Map<string, { silent: number; said: string }>();
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
      const name = formatAddress(device);
      const known = heard.get(name);
      if (known === undefined) {
        heard.set(name, { silent: 0, said });
        say("found", device, said);
        continue;
      }
      if (answered && known.silent >= 2) say("back", device, said);
      else if (answered && known.said !== said) say("changed", device, said);
      known.silent = answered ? 0 : known.silent + 1;
      if (answered) known.said = said;
      if (known.silent === 2) say("gone", device, name);
    }
  }
}

function describe(device: Device, session: Session): string {
  const [first = [], ...others] = toRows(device, session);
  return [...first, ...others.flatMap(([, , name, mac]) => [name, mac])].join(" ").trimEnd();
}

const HEAD = ["DEVICE", "SIZE", "INTERFACE", "MAC", "BUFFERS", "SECTORS", "MODEL", "CONFIG"];

/** Stands behind the address of a device that several targets claim. */
const CLAIMED = "!";

/** A line for the device, one for each further path, and one for each address that leads to another disk. */
function toRows(device: Device, session: Session): string[][] {
  const { identity, rivals } = device;
  const name = formatAddress(device) + (rivals.length > 0 ? CLAIMED : "");
  const rows = device.paths.map((path, index) => [
    index === 0 ? name : "",
    index === 0 ? sizeOf(identity) : "",
    interfaceOf(path, session),
    formatMac(path.target),
    index === 0 ? `${device.bufferCount}` : "",
    `${path.sectors}`,
    index === 0 ? (identity?.model ?? "?") : "",
    index === 0 ? printableBytes(device.configString) : "",
  ]);
  const others = rivals.map((rival) => [
    name,
    sizeOf(rival.identity),
    interfaceOf(rival.path, session),
    formatMac(rival.path.target),
    "",
    "",
    rival.identity.model,
    "",
  ]);
  return [...rows, ...others];
}

function sizeOf(identity: Identify | null): string {
  return identity === null ? "?" : shownBytes(identity.sectors * SECTOR);
}

function interfaceOf({ port }: Path, session: Session): string {
  return session.raw[port.index]?.interface ?? "";
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
      standby: path.standby,
    })),
    claimed: device.rivals.length > 0,
    rivals: rivalsJson(device, session),
  };
}

/** Addresses that answer for the device and lead to another disk. */
export function rivalsJson(device: Device, session: Session): object[] {
  return device.rivals.map(({ path, identity }) => ({
    interface: session.raw[path.port.index]?.interface ?? null,
    mac: formatMac(path.target),
    serial: identity.serial,
    model: identity.model,
    size_bytes: identity.sectors * SECTOR,
  }));
}
