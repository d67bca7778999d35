// `aoe initiator ping eS.L`: round trips of one small question at a time, as ping(8) shows them.

import { Command } from "commander";

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import { formatMac } from "../../wire/mac.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { failed } from "../../words/failure.ts";
import { shownTime } from "../../words/shown.ts";
import { MS, parseInteger, S } from "../../words/quantity.ts";
import { CANCELLED, Command as Request, OK, TIMEOUT } from "../protocol/command.ts";
import { controlCommand } from "../protocol/control_command.ts";
import { describeOutcome } from "../protocol/describe.ts";
import type { Path } from "../protocol/path.ts";
import { durationOf } from "../session/session_table.ts";
import { catchInterrupt, pause } from "./interrupted.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { printableJson } from "../../words/printable.ts";
import { IDENTIFY } from "../protocol/operation.ts";

interface Options extends RawSessionOptions {
  readonly count?: string;
  readonly interval?: string;
  readonly ata?: boolean;
}

export function pingCommand(): Command {
  return addSessionOptions(
    new Command("ping")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator ping e7.3 --interface eth1
  aoe initiator ping e7.3 --interface eth1 --ata --interval 10ms -c 100`,
      )
      .description("measure round trips to a device, one request at a time")
      .argument("<device>", "its address, such as e7.3")
      .option("-c, --count <n>", "number of requests (default: until Ctrl-C)")
      .option("--interval <d>", "time between requests (default 1s)")
      .option(
        "--ata",
        "request the IDENTIFY sector, which passes through the target's disk, not the config string",
      ),
  ).action(run);
}

async function run(name: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const count = texts.count === undefined ? Infinity : parseInteger(texts.count, "--count", 1);
  const interval = durationOf(texts.interval, "--interval", S);
  const timeout = durationOf(texts.timeout, "--timeout", S);
  const wait = parseWait(texts);
  const say = (line: string): void => {
    if (!texts.json) process.stdout.write(`${line}\n`);
  };
  // One frame for each question: what is sent again would hide a loss.
  const rtt = { first: timeout, floor: timeout, ceiling: timeout };
  const more = { timeout, rtt };
  const interrupt = catchInterrupt();
  try {
    await withSession(
      texts,
      async (session) => {
        const device = await session.locate(address, wait);
        const times: number[] = [];
        let sent = 0;
        const start = performance.now();
        say(`PING ${formatAddress(device)}: ${texts.ata ? "IDENTIFY" : "config"} queries`);
        while (sent < count && !interrupt.signal.aborted) {
          const path = nextPath(device.paths, sent);
          const request = question(texts.ata ?? false);
          request.path = path;
          const withdraw = (): void => device.cancel(request);
          interrupt.signal.addEventListener("abort", withdraw, { once: true });
          const at = performance.now();
          await session.perform(device, request);
          interrupt.signal.removeEventListener("abort", withdraw);
          if (request.outcome === CANCELLED) break;
          sent++;
          const by = path === null ? "" : session.raw[path.port.index]?.interface;
          const from = path === null ? "" : formatMac(path.target);
          if (request.outcome === OK) {
            const time = request.doneAt - request.sentAt;
            times.push(time);
            say(`answer from ${from} by ${by}: seq=${sent} time=${shownTime(time)}`);
          } else if (request.outcome === TIMEOUT) {
            say(`no answer from ${from} by ${by}: seq=${sent} (${shownTime(timeout)})`);
          } else {
            say(`${describeOutcome(device, request)}: seq=${sent}`);
          }
          if (sent < count) await pause(interval / MS - (performance.now() - at), interrupt.signal);
        }
        const elapsed = (performance.now() - start) * MS;
        const figures = summary(times);
        const lost = sent === 0 ? 0 : (sent - times.length) / sent;
        if (texts.json) {
          const document = {
            device: formatAddress(device),
            sent,
            answered: times.length,
            lost,
            elapsed_ns: Math.round(elapsed),
            rtt_ns: figures,
            rtts_ns: times.map(Math.round),
          };
          process.stdout.write(`${printableJson(document)}\n`);
        } else {
          say(`--- ${formatAddress(device)} ping statistics ---`);
          say(
            `${sent} sent, ${times.length} answered, ${Number((100 * lost).toFixed(1))} % lost, in ${shownTime(elapsed)}`,
          );
          if (figures !== null) {
            const { min, mean, max, deviation } = figures;
            const words = [min, mean, max, deviation].map(shownTime).join(" / ");
            say(`rtt min/avg/max/mdev = ${words}`);
          }
        }
        if (sent > 0 && times.length === 0) {
          throw failed(`${formatAddress(device)} answered none of ${sent}`);
        }
      },
      more,
    );
  } finally {
    interrupt.release();
  }
}

/** Each in its turn; those that are silent only where all are. */
function nextPath(paths: readonly Path[], turn: number): Path | null {
  const heard = paths.filter(({ alive }) => alive);
  const usable = heard.length > 0 ? heard : paths;
  return usable[turn % usable.length] ?? null;
}

function question(ata: boolean): Request {
  if (!ata) {
    return controlCommand(aoe.COMMAND_CONFIG, config.LENGTH, (view) =>
      config.write(view, 0, 0, 0, 0, config.READ, 0),
    );
  }
  const request = new Request();
  request.operation = IDENTIFY;
  return request;
}

/** ns; null: nothing was answered. */
function summary(times: readonly number[]) {
  if (times.length === 0) return null;
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const square = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / times.length;
  return {
    min: Math.round(Math.min(...times)),
    mean: Math.round(mean),
    max: Math.round(Math.max(...times)),
    deviation: Math.round(Math.sqrt(square)),
  };
}
