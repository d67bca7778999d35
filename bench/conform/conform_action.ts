// `aoe bench conform`: opens the interface, runs the suite, prints what came of it.

import { closeSync, openSync, writeSync } from "node:fs";

import { createCapture } from "../../link/capture.ts";
import type { Link } from "../../link/link.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { formatMac } from "../../wire/mac.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { environment, EXIT, usage } from "../../words/failure.ts";
import { parseDuration } from "../../words/quantity.ts";
import { Prober } from "./prober.ts";
import { formatOutcome, formatTable, formatTotals, toJson } from "./report.ts";
import { meet, runSuite } from "./suite.ts";
import { SCRATCH } from "./subject.ts";
import { printableJson } from "../../words/printable.ts";

export interface ConformFlags {
  readonly interface: string;
  readonly yesScratch?: boolean;
  readonly json?: boolean;
  readonly markdown?: string;
  readonly capture?: string;
  readonly wait?: string;
  readonly answer?: string;
  readonly silence?: string;
}

/** The exit code: 0 where no rule differs. */
export async function conformAction(text: string, flags: ConformFlags): Promise<number> {
  const address = parseAddress(text, "ADDRESS");
  const name = formatAddress(address);
  const wait = parseDuration(flags.wait ?? "5s", "--wait");
  const patience = {
    answer: parseDuration(flags.answer ?? "500ms", "--answer"),
    silence: parseDuration(flags.silence ?? "50ms", "--silence"),
  };
  if (flags.yesScratch !== true) {
    throw usage(
      `The suite writes to the first ${SCRATCH} sectors of ${name} and sets its config string, mask list and reservation: say --yes-scratch where nothing on it is needed`,
    );
  }
  const waiter = createPollWaiter();
  const raw = openPacketLink({ interface: flags.interface, promiscuous: true });
  for (const warning of raw.granted.warnings) process.stderr.write(`${warning}\n`);
  const file = flags.capture === undefined ? null : openCapture(flags.capture);
  const link: Link =
    file === null
      ? raw
      : createCapture(raw, {
          clock: waiter,
          sink: (bytes) => writeSync(file, bytes),
          epochSeconds: Date.now() / 1e3 - waiter.now() / 1e9,
        });
  for (const fd of link.fds) waiter.add(fd);
  try {
    const prober = new Prober(
      { link, now: waiter.now, pass: (until) => waiter.wait(until) },
      address,
      patience,
      // A late copy of an earlier run's questions must not look like one of this run's (P28).
      (Date.now() % 0x1_0000) * 0x1_0000,
    );
    process.stderr.write(`Listening on ${flags.interface} for ${name}\n`);
    const facts = meet(prober, address, wait);
    process.stderr.write(
      `Testing ${name} at ${formatMac(facts.target)} (${facts.model || "no model name"}, ${facts.sectors} sectors) on ${flags.interface}, MTU ${facts.mtu}\n`,
    );
    const started = new Date(Date.now()).toISOString();
    const outcomes = await runSuite(prober, facts, eventLoopTurn);
    if (flags.json === true) {
      process.stdout.write(`${printableJson(toJson(facts, outcomes, started))}\n`);
    } else if (flags.markdown !== undefined) {
      process.stdout.write(`${formatTable(flags.markdown, outcomes)}\n`);
    } else {
      for (const outcome of outcomes) process.stdout.write(`${formatOutcome(outcome)}\n`);
    }
    process.stderr.write(`${formatTotals(outcomes)}; ${prober.asked} frames sent\n`);
    return outcomes.some(({ outcome }) => outcome === "differs") ? EXIT.failed : EXIT.done;
  } finally {
    link.close();
    waiter.close();
    if (file !== null) closeSync(file);
  }
}

/** So that a signal is heard between two rules. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function openCapture(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw environment(`Can't write the capture ${path}: ${(error as Error).message}`);
  }
}
