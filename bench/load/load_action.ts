// `aoe bench load`: one load against a target that runs, over a raw socket.

import { wallMilliseconds } from "../../sys/clock.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { openRawLink, pinsInKernel } from "../../initiator/session/raw_link.ts";
import { checkLinks } from "../../initiator/session/session_table.ts";
import { pinToCpus } from "../../sys/affinity.ts";
import { parseAddress, formatAddress } from "../../words/address.ts";
import { EXIT, expected, usage } from "../../words/failure.ts";
import { type LateHold, openLateHold } from "../../lab/late_hold.ts";
import { toHgrm, toHlog } from "../../statistics/histogram_files.ts";
import type { Load } from "./load.ts";
import { type LoadCommandTexts, parseLoadCommand } from "./options.ts";
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

/** What a load with a gate says when it waits for its moment. */
const READY = "ready";

type Options = ReturnType<typeof parseLoadCommand>;

/** Returns the exit code. */
export async function loadAction(device: string, given: LoadCommandTexts): Promise<number> {
  const address = parseAddress(device, "<address>");
  const options = parseLoadCommand(given);
  checkLinks(options);
  checkLate(options);
  const [on = "", ...others] = options.interface;
  if (others.length > 0)
    throw expected("--interface", "one for a load", options.interface.join(" "));
  const { cpus, mode, packetLife } = options;
  const machine = options.json || options.ndjson;
  if (options.json && options.ndjson) {
    throw usage("Expected one of `--json` and `--ndjson`, got both");
  }
  const watched = options.targetPid === undefined ? null : watchProcess(options.targetPid);
  const trace = traceOf(options);
  for (const path of [options.hgrm, options.hlog, options.trace]) checkOutput(path);

  const link = openRawLink(on, options, say);
  for (const warning of link.granted.warnings) say(warning);
  const waiter = createPollWaiter();
  for (const fd of link.fds) waiter.add(fd);
  let stopBy = 0;
  let gating = false;
  const restore = onSignals((code, again) => {
    if (again || gating) process.exit(code);
    stopBy = code;
    waiter.wake();
  });
  const startedAt = wallMilliseconds();
  const emit = (event: Record<string, unknown>): void => {
    if (options.ndjson) process.stdout.write(`${printableJson(event)}\n`);
  };
  const progress = progressLine(options.ndjson, emit);
  const gate = async (): Promise<number> => {
    gating = true;
    const moment = await theMoment();
    gating = false;
    return moment;
  };
  let late: LateHold | null = null;
  try {
    // Its process is not to share the load's CPU.
    if (options.late !== undefined) late = await openLateHold(options.late);
    if (cpus !== undefined) pinToCpus(cpus);
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
      patience: options.wait,
      options,
      say: (sentence) => {
        progress.clear();
        say(sentence);
        emit({ event: "warning", sentence });
      },
      onProgress: progress.show,
      interrupted: () => stopBy !== 0,
      ...(options.gate ? { gate } : {}),
      ...(late === null ? {} : { late }),
      ...(watched === null ? {} : { watched }),
      ...(trace === null ? {} : { trace: trace.trace }),
    });
    progress.clear();
    const environmentBlock = {
      device: formatAddress(address),
      interface: on,
      mtu: link.mtu,
      link: options.link,
      ...(options.transmitInterface === undefined
        ? {}
        : { transmit_interface: options.transmitInterface }),
      ...(late === null ? {} : { late: { plan: options.late?.text, ...(await late.close()) } }),
      ...(options.writeLane ? { write_lane: true } : {}),
      // The file of a fit may change: what it said then.
      ...(/^fit:/.test(options.texts["reclaim"] ?? "") ? { reclaim: options.reclaim.text } : {}),
      granted: link.granted,
      mode,
      packet_life_ns: packetLife,
      ...(watched === null ? {} : { target_process: watched.cost }),
      pinning: cpus ?? null,
      ...(options.gate ? { measured: measuredTime(outcome) } : {}),
      provenance: provenance(),
    };
    const document = loadDocument(
      outcome,
      options,
      formatAddress(address),
      startedAt,
      environmentBlock,
    );
    if (options.json) process.stdout.write(`${printableJson(document)}\n`);
    emit({ event: "end", result: document });
    const missing = trace?.shortfall() ?? null;
    if (missing !== null) say(missing);
    for (const line of describeLoad(outcome, options)) tell(machine, line);
    const wrong = shortcomings(outcome);
    for (const sentence of wrong) say(sentence);
    // Last: a disk that is full by now must not cost the figures.
    const { lat } = outcome.load;
    const unwritten = writeBeside([
      [options.hgrm, () => toHgrm(lat)],
      [options.hlog, () => hlogOf(outcome, startedAt)],
      [options.trace, () => trace?.text(environmentBlock) ?? ""],
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

/** The line on stdin that says when to begin. */
async function theMoment(): Promise<number> {
  say(READY);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of Bun.stdin.stream()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  const moment = Number(text.split("\n")[0]);
  if (text !== "" && Number.isFinite(moment)) return moment;
  throw expected("--gate", "told a moment on stdin, in ns", text.trim());
}

/** In ns of this machine's CLOCK_MONOTONIC. */
function measuredTime({ load }: LoadOutcome): { from_ns: number; to_ns: number } {
  return { from_ns: load.measuredFrom, to_ns: load.measuredTo };
}

/** What only buffers that the kernel holds and another device for what leaves make possible. */
function checkLate(options: Pick<Options, "late" | "link" | "transmitInterface">): void {
  const { late, link, transmitInterface } = options;
  if (late === undefined || (pinsInKernel(link) && transmitInterface !== undefined)) return;
  const where = "given only with --link ring or xdp and --transmit-interface";
  throw expected("--late", where, late.text);
}

function hlogOf({ load }: LoadOutcome, startedAt: number): string {
  const { lat, measuredFrom, measuredTo } = load;
  return toHlog([{ start: 0, end: measuredTo - measuredFrom, histogram: lat }], startedAt);
}

/** Human words: on stderr where stdout is a machine's, else they are the output. */
function tell(machine: boolean, line: string): void {
  (machine ? process.stderr : process.stdout).write(`${line}\n`);
}

/** A line that rewrites itself on a terminal, once a second; an `interval` event for --ndjson. */
function progressLine(ndjson: boolean, emit: (event: Record<string, unknown>) => void) {
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
      if (!ndjson) {
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
