// `aoe bench load`: one load against a target that runs, over a raw socket.

import type { DriveMode } from "../../link/drive.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import {
  openRawLink,
  parseRawLink,
  type RawLinkOptions,
  type RawLinkTexts,
} from "../../initiator/session/raw_link.ts";
import { pinToCpus } from "../../sys/affinity.ts";
import { parseAddress, formatAddress } from "../../words/address.ts";
import { EXIT, expected, usage } from "../../words/failure.ts";
import { parseDuration, parseInteger } from "../../words/quantity.ts";
import { type LateHold, openLateHold } from "../../lab/late_hold.ts";
import { type LatePlan, parseLatePlan } from "../../lab/late_plan.ts";
import { toHgrm, toHlog } from "../../statistics/histogram_files.ts";
import type { Load } from "./load.ts";
import { type LoadTexts, parseLoad } from "./options.ts";
import { describeLoad, loadDocument, shortcomings } from "./load_document.ts";
import { type LoadOutcome, runLoad } from "./run_load.ts";
import { traceOf } from "./trace/trace_option.ts";
import { watchProcess } from "../machine/process_cost.ts";
import { checkOutput, writeBeside } from "../machine/output.ts";
import { provenance } from "../machine/provenance.ts";
import { printableJson } from "../../words/printable.ts";
import { sayAs } from "../../words/say.ts";
import { onSignals } from "../../words/signals.ts";
import { createStatusLine } from "../../words/status_line.ts";
import { rate } from "../../words/shown.ts";

const say = sayAs("aoe bench load");

interface Flags extends LoadTexts, RawLinkTexts {
  readonly interface?: string;
  readonly late?: string;
  readonly cpus?: string;
  readonly wait?: string;
  readonly mode?: DriveMode;
  readonly targetPid?: string;
  readonly packetLife?: string;
  readonly json?: boolean;
  readonly ndjson?: boolean;
  readonly hgrm?: string;
  readonly hlog?: string;
  readonly trace?: string;
  readonly traceLimit?: string;
}

/** Returns the exit code. */
export async function loadAction(
  device: string,
  given: Readonly<Record<string, string | boolean>>,
): Promise<number> {
  const flags = given as Flags;
  const address = parseAddress(device, "<address>");
  const options = parseLoad(flags);
  const raw = parseRawLink(flags);
  const plan = parseLate(flags.late, raw);
  const patience = parseDuration(flags.wait ?? "5s", "--wait");
  const packetLife =
    flags.packetLife === undefined ? undefined : parseDuration(flags.packetLife, "--packet-life");
  const on = flags.interface ?? "";
  if (flags.json === true && flags.ndjson === true) {
    throw usage("Expected one of `--json` and `--ndjson`, got both");
  }
  const watched =
    flags.targetPid === undefined
      ? null
      : watchProcess(parseInteger(flags.targetPid, "--target-pid", 1));
  const trace = traceOf(flags);
  for (const path of [flags.hgrm, flags.hlog, flags.trace]) checkOutput(path);
  const cpus = flags.cpus?.split(",").map((cpu) => parseInteger(cpu, "--cpus", 0)) ?? null;

  const link = openRawLink(on, raw, say);
  for (const warning of link.granted.warnings) say(warning);
  const waiter = createPollWaiter();
  for (const fd of link.fds) waiter.add(fd);
  let stopBy = 0;
  const restore = onSignals((code, again) => {
    if (again) process.exit(code);
    stopBy = code;
    waiter.wake();
  });
  const startedAt = Date.now();
  const emit = (event: Record<string, unknown>): void => {
    if (flags.ndjson === true) process.stdout.write(`${printableJson(event)}\n`);
  };
  const progress = progressLine(flags, emit);
  let late: LateHold | null = null;
  try {
    // Its process is not to share the load's CPU.
    if (plan !== null) late = await openLateHold(plan);
    if (cpus !== null) pinToCpus(cpus);
    emit({
      event: "start",
      at: new Date(startedAt).toISOString(),
      device,
      interface: on,
      options: options.texts,
    });
    const outcome = await runLoad({
      link,
      waiter,
      address,
      patience,
      options,
      say: (sentence) => {
        progress.clear();
        say(sentence);
        emit({ event: "warning", sentence });
      },
      onProgress: progress.show,
      interrupted: () => stopBy !== 0,
      ...(flags.mode === undefined ? {} : { mode: flags.mode }),
      ...(packetLife === undefined ? {} : { packetLife }),
      ...(late === null ? {} : { late }),
      ...(watched === null ? {} : { watched }),
      ...(trace === null ? {} : { trace: trace.trace }),
    });
    progress.clear();
    const environmentBlock = {
      device: formatAddress(address),
      interface: on,
      mtu: link.mtu,
      link: raw.link,
      ...(raw.transmitInterface === undefined ? {} : { transmit_interface: raw.transmitInterface }),
      ...(late === null ? {} : { late: { plan: plan?.text, ...(await late.close()) } }),
      ...(raw.writeLane === true ? { write_lane: true } : {}),
      granted: link.granted,
      ...(flags.mode === undefined ? {} : { mode: flags.mode }),
      ...(packetLife === undefined ? {} : { packet_life_ns: packetLife }),
      ...(watched === null ? {} : { target_process: watched.cost }),
      pinning: cpus,
      provenance: provenance(),
    };
    const document = loadDocument(
      outcome,
      options,
      formatAddress(address),
      startedAt,
      environmentBlock,
    );
    if (flags.json === true) process.stdout.write(`${printableJson(document)}\n`);
    emit({ event: "end", result: document });
    const missing = trace?.shortfall() ?? null;
    if (missing !== null) say(missing);
    for (const line of describeLoad(outcome, options)) tell(flags, line);
    const wrong = shortcomings(outcome);
    for (const sentence of wrong) say(sentence);
    // Last: a disk that is full by now must not cost the figures.
    const { lat } = outcome.load;
    const unwritten = writeBeside([
      [flags.hgrm, () => toHgrm(lat)],
      [flags.hlog, () => hlogOf(outcome, startedAt)],
      [flags.trace, () => trace?.text(environmentBlock) ?? ""],
    ]);
    for (const sentence of unwritten) say(sentence);
    if (stopBy !== 0) return stopBy;
    if (wrong.length > 0) return EXIT.failed;
    return unwritten.length > 0 ? EXIT.environment : EXIT.done;
  } finally {
    restore();
    late?.end();
    link.close();
    waiter.close();
  }
}

/** What only the ring link's buffers and another device for what leaves make possible. */
function parseLate(text: string | undefined, raw: RawLinkOptions): LatePlan | null {
  if (text === undefined) return null;
  const plan = parseLatePlan(text, "--late");
  if (raw.link === "ring" && raw.transmitInterface !== undefined) return plan;
  throw expected("--late", "given beside --link ring and --transmit-interface only", text);
}

function hlogOf({ load }: LoadOutcome, startedAt: number): string {
  const { lat, measuredFrom, measuredTo } = load;
  return toHlog([{ start: 0, end: measuredTo - measuredFrom, histogram: lat }], startedAt);
}

/** Human words: on stderr where stdout is a machine's, else they are the output. */
function tell(flags: Flags, line: string): void {
  (flags.json === true || flags.ndjson === true ? process.stderr : process.stdout).write(
    `${line}\n`,
  );
}

/** A line that rewrites itself on a terminal, once a second; an `interval` event for --ndjson. */
function progressLine(flags: Flags, emit: (event: Record<string, unknown>) => void) {
  const line = createStatusLine();
  let shownAt = 0;
  let shown = 0;
  const show = (load: Load, now: number): void => {
    if (!load.isMeasured || now - shownAt < 1e9) return;
    const perSecond = shownAt === 0 ? 0 : ((load.completed - shown) * 1e9) / (now - shownAt);
    if (shownAt !== 0 && now <= load.measuredTo) {
      const seconds = (now - load.measuredFrom) / 1e9;
      emit({
        event: "interval",
        elapsed_ns: Math.round(now - load.measuredFrom),
        iops: perSecond,
        completed: load.completed,
      });
      if (flags.ndjson !== true) {
        line.show(
          `${seconds.toFixed(0)} s of ${((load.measuredTo - load.measuredFrom) / 1e9).toFixed(0)} s: ${rate(perSecond)} IOPS`,
        );
      }
    }
    shownAt = now;
    shown = load.completed;
  };
  return { show, clear: line.clear };
}
