// `aoe initiator path eS.L`: by which interfaces and addresses a device is reached, and what they carry.

import { Command } from "commander";

import { MTU_HEADERS, SECTOR, sectorsWithin } from "../../wire/ata.ts";
import { formatMac } from "../../wire/mac.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { failed } from "../../words/failure.ts";
import { shownTime } from "../../words/shown.ts";
import { MS } from "../../words/quantity.ts";
import type { Path } from "../protocol/path.ts";
import { type Carried, probePath } from "../protocol/path_probe.ts";
import type { Session } from "../session/session.ts";
import { durationOf } from "../session/session_table.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { formatTable, widthOf } from "../../words/table.ts";
import { printableJson } from "../../words/printable.ts";

export function pathCommand(): Command {
  return addSessionOptions(
    new Command("path")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator path e7.3 --interface eth1
  aoe initiator path e7.3 --interface eth1 --interface eth2`,
      )
      .description("measure the paths to a device: MTU, largest frames, mismatches")
      .argument("<device>", "its address, such as e7.3"),
  ).action(run);
}

interface Report extends Carried {
  readonly path: Path;
  readonly name: string;
  readonly mtu: number;
  readonly findings: readonly string[];
}

async function run(name: string, texts: RawSessionOptions): Promise<void> {
  const address = parseAddress(name, "device");
  const wait = parseWait(texts);
  const timeout = durationOf(texts.timeout, "--timeout", 200 * MS);
  // A probe that gets lost is sent once more, then it counts as lost.
  const rtt = { first: timeout / 2, floor: timeout / 2, ceiling: timeout };
  await withSession(
    texts,
    async (session) => {
      const device = await session.find(address, wait);
      const reports: Report[] = [];
      for (const path of device.paths) {
        const carried = await probePath(session.perform.bind(session), device, path, timeout);
        const on = session.raw[path.port.index]?.interface ?? "";
        const { mtu } = path.port.link;
        const findings = judge(carried, on, mtu, device.sectorCount);
        reports.push({ ...carried, path, name: on, mtu, findings });
      }
      print(session, formatAddress(device), device.sectorCount, reports, texts.json ?? false);
      const broken = reports.filter(
        ({ out, mostOut, back, mostBack }) => out < mostOut || back < mostBack,
      );
      if (broken.length > 0) {
        throw failed(
          `${broken.length} of ${reports.length} paths to ${formatAddress(device)} lose frames that their MTU allows (each size was given ${shownTime(timeout)})`,
        );
      }
    },
    { rtt },
  );
}

/** What is odd about a path by interface `on`, whose target takes `offered` sectors a frame. */
export function judge(carried: Carried, on: string, mtu: number, offered: number): string[] {
  const { out, back, mostOut, mostBack } = carried;
  const findings: string[] = [];
  if (out === 0) findings.push("no frame arrives at the target");
  else if (out < mostOut) {
    findings.push(
      `frames above ${out} bytes get lost on their way to the target, though ${on} has an MTU of ${mtu}: something on the path has ${out}`,
    );
  }
  if (back === 0) findings.push("no read is answered");
  else if (back < mostBack) {
    findings.push(
      `answers above ${back} bytes get lost on their way back, though target and ${on} agree on ${mostBack}`,
    );
  }
  const fits = sectorsWithin(mtu);
  if (offered < Math.min(fits, 255)) {
    const least = MTU_HEADERS + offered * SECTOR;
    const most = least + SECTOR - 1;
    findings.push(
      `the target takes ${offered} sectors a frame where ${on} would carry ${Math.min(fits, 255)}: ${
        out > most
          ? `it chose so, since frames of ${out} bytes arrive there`
          : `its own MTU is between ${least} and ${most}`
      }`,
    );
  } else if (offered > fits) {
    findings.push(`the target takes ${offered} sectors a frame, of which ${on} carries ${fits}`);
  }
  return findings;
}

const HEAD = ["INTERFACE", "MAC", "MTU", "TARGET", "SECTORS", "OUT", "BACK"];

function print(
  session: Session,
  device: string,
  offered: number,
  reports: readonly Report[],
  json: boolean,
): void {
  if (json) {
    const document = {
      device,
      most_sectors: offered,
      paths: reports.map(({ path, name, mtu, out, back, mostOut, mostBack, findings }) => ({
        interface: name,
        mac: formatMac(path.port.link.mac),
        mtu,
        target: formatMac(path.target),
        sectors: path.sectors,
        out_bytes: out,
        back_bytes: back,
        most_out_bytes: mostOut,
        most_back_bytes: mostBack,
        findings,
      })),
    };
    process.stdout.write(`${printableJson(document)}\n`);
    return;
  }
  const rows = reports.map(({ path, name, mtu, out, back }) => [
    name,
    formatMac(path.port.link.mac),
    `${mtu}`,
    formatMac(path.target),
    `${path.sectors}`,
    `${out}`,
    `${back}`,
  ]);
  process.stdout.write(formatTable(HEAD, rows, widthOf(process.stdout)));
  const silent = session.raw.filter(
    (_, index) => !reports.some(({ path }) => path.port.index === index),
  );
  for (const { interface: name } of silent) {
    process.stdout.write(`${name}: ${device} does not answer there\n`);
  }
  for (const { name, findings } of reports) {
    for (const finding of findings) process.stdout.write(`${name}: ${finding}\n`);
  }
}
