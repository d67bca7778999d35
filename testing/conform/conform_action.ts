// `aoe bench conform`: opens the interface, runs the suite, prints what came of it.

import { epochSeconds, wallMilliseconds } from "../../sys/clock.ts";
import { createCapture } from "../../link/capture.ts";
import { openCaptureFile } from "../../link/capture_file.ts";
import type { Link } from "../../link/link.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { interfaceDriver } from "../../sys/interface_driver.ts";
import { formatMac } from "../../wire/mac.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { EXIT, usage } from "../../words/failure.ts";
import { printableJson } from "../../words/printable.ts";
import { parseDuration } from "../../words/quantity.ts";
import { say } from "../../words/say.ts";
import { onSignals } from "../../words/signals.ts";
import { Interrupted, type Turn, unlessEnded } from "./ending.ts";
import { type Facts, type Permits, SCRATCH } from "./facts.ts";
import { meet } from "./meet.ts";
import { Prober } from "./prober.ts";
import { formatOutcome, formatTable, formatTotals, toJson } from "./report.ts";
import { runSuite } from "./suite.ts";

export interface ConformFlags {
  readonly interface: string;
  readonly yesScratch?: boolean;
  readonly alone?: boolean;
  readonly pastEnd?: boolean;
  readonly json?: boolean;
  readonly markdown?: string;
  readonly capture?: string;
  readonly wait?: string;
  readonly answer?: string;
  readonly silence?: string;
}

/** Interfaces of software alone: a short frame arrives as it was sent. */
const NEVER_PAD = ["veth", "tun"];

/** The exit code: 0 where no rule differs, that of the signal where one ended the run. */
export async function conformAction(text: string, flags: ConformFlags): Promise<number> {
  const address = parseAddress(text, "ADDRESS");
  const name = formatAddress(address);
  const wait = parseDuration(flags.wait ?? "5s", "--wait");
  const patience = {
    answer: parseDuration(flags.answer ?? "500ms", "--answer"),
    silence: parseDuration(flags.silence ?? "50ms", "--silence"),
  };
  const permits = { alone: flags.alone === true, pastEnd: flags.pastEnd === true };
  if (flags.yesScratch !== true) {
    const behind = permits.pastEnd ? ", writes a sector behind its end" : "";
    throw usage(
      `The suite writes to the first ${SCRATCH} sectors of ${name}${behind} and sets its config string, mask list and reservation: say --yes-scratch where nothing on it is needed`,
    );
  }
  const waiter = createPollWaiter();
  const raw = openPacketLink({ interface: flags.interface, promiscuous: true });
  for (const warning of raw.granted.warnings) say(warning);
  const file = flags.capture === undefined ? null : openCaptureFile(flags.capture, say);
  const link: Link =
    file === null
      ? raw
      : createCapture(raw, {
          clock: waiter,
          sink: file.sink,
          header: false,
          epochSeconds: epochSeconds(),
        });
  for (const fd of link.fds) waiter.add(fd);
  let ended = 0;
  const deafen = onSignals((code, again) => {
    if (again) process.exit(code);
    ended = code;
  });
  const turn: Turn = async () => {
    await eventLoopTurn();
    return ended === 0;
  };
  const pass = (until: number): void => {
    waiter.wait(until);
    if (waiter.interrupted) throw new Interrupted();
  };
  try {
    const pads = !NEVER_PAD.includes(interfaceDriver(flags.interface) ?? "");
    const prober = new Prober(
      { link, pads, now: waiter.now, pass },
      address,
      patience,
      // A late copy of an earlier run's questions must not look like one of this run's (P28).
      (wallMilliseconds() % 0x1_0000) * 0x1_0000,
    );
    say(`Listening on ${flags.interface} for ${name}`);
    let met: Facts | null = null;
    await unlessEnded(turn, async () => {
      met = await meet(prober, address, wait, permits, turn);
    });
    if (met === null) return ended;
    const facts: Facts = met;
    say(
      `Testing ${name} at ${formatMac(facts.source)} (${facts.model || "no model name"}, ${facts.sectors} sectors) on ${flags.interface}, MTU ${facts.mtu}`,
    );
    warn(name, facts, permits, prober.neighbours);
    const started = new Date(wallMilliseconds()).toISOString();
    const outcomes = await runSuite(prober, facts, turn, say);
    if (flags.json === true) {
      process.stdout.write(`${printableJson(toJson(facts, outcomes, started))}\n`);
    } else if (flags.markdown !== undefined) {
      process.stdout.write(`${formatTable(flags.markdown, outcomes)}\n`);
    } else {
      for (const outcome of outcomes) process.stdout.write(`${formatOutcome(outcome)}\n`);
    }
    say(`${formatTotals(outcomes)}; ${prober.asked} frames sent`);
    if (ended !== 0) return ended;
    return outcomes.some(({ outcome }) => outcome === "differs") ? EXIT.failed : EXIT.done;
  } finally {
    deafen();
    link.close();
    waiter.close();
    file?.close();
  }
}

/** What may reach beyond the export's own first sectors, before it does. */
function warn(name: string, facts: Facts, permits: Permits, neighbours: ReadonlySet<string>): void {
  if (permits.pastEnd === true) {
    say(
      `Sector ${facts.sectors}, behind the end of ${name}, is written: a target that takes it grows its image, or writes what is another's`,
    );
  }
  for (const lack of facts.lacks.values()) say(`What needs it is not tested: ${lack}`);
  if (neighbours.size === 0) return;
  const others = [...neighbours].slice(0, 8).join(", ");
  say(
    permits.alone === true
      ? `${others} may obey what is sent to every address: a write, a config string, a reservation, a mask list`
      : `${others} answers here too: no change is sent to every address, so P33 is tested in part`,
  );
}

/** So that a signal is heard between two rules. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
