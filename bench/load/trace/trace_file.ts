// A trace as Chrome's trace event format, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
//
//   process 1  commands   a row for each of the load's commands:  |── read ─────────────────────────|
//                                                                 |window|buffer|transmit|target, wire|
//   process 2  buffers    a row for each buffer:                  |─ owned ─|── held by the link ──|
//              counter    how many are owned, how many held
//   process 3  pool       |── dry, nothing outstanding ──▶ kick
//
// Times are microseconds since the measured time began, to the nanosecond. Events stand in the order in
// which they begin; a slice comes before those inside it. What was open at the end is cut there.

import { OK } from "../../../initiator/protocol/command.ts";
import { HELD, OWNED, type Trace } from "./trace.ts";
import { outcomeName } from "../../../initiator/protocol/outcomes.ts";
import { FLUSH, READ, WRITE } from "../../../initiator/protocol/operation.ts";

const COMMANDS = 1;
const BUFFERS = 2;
const POOL = 3;

const OPERATIONS: Readonly<Record<number, string>> = {
  [READ]: "read",
  [WRITE]: "write",
  [FLUSH]: "flush",
};
const STRETCHES = { [OWNED]: "owned", [HELD]: "held by the link" } as const;
const PARTS = ["hold-back", "window wait", "buffer wait", "link wait", "target and wire"];
/** Columns of a command's record (trace.ts) at which its parts begin; the next one ends it. */
const PARTS_FROM = 7;

export interface TraceEvent {
  readonly name: string;
  /** X a slice, i an instant, C a counter, M a name. */
  readonly ph: "X" | "i" | "C" | "M";
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly s?: "p";
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface TraceDocument {
  readonly displayTimeUnit: "ns";
  readonly otherData: Readonly<Record<string, unknown>>;
  readonly traceEvents: readonly TraceEvent[];
}

/** `about`: the origin of the trace, as texts and numbers. */
export function traceDocument(
  trace: Trace,
  about: Readonly<Record<string, unknown>>,
): TraceDocument {
  const end = lastMoment(trace);
  const events = [...commandEvents(trace), ...bufferEvents(trace, end), ...kickEvents(trace)];
  // The sort is stable: a slice that begins with the one around it stays behind it.
  events.sort((a, b) => a.ts - b.ts);
  return {
    displayTimeUnit: "ns",
    otherData: {
      ...about,
      measured_ns: trace.stoppedAt - trace.startedAt,
      commands: trace.commands.length,
      commands_left_out: trace.commands.leftOut,
      buffer_stretches: trace.buffers.length,
      buffer_stretches_left_out: trace.buffers.leftOut,
      kicks: trace.kicks.length,
      kicks_left_out: trace.kicks.leftOut,
    },
    traceEvents: [...names(trace), ...events],
  };
}

/** One sentence where records were left out, else null. */
export function shortfall(trace: Trace): string | null {
  const { commands, buffers, kicks } = trace;
  if (commands.leftOut + buffers.leftOut + kicks.leftOut === 0) return null;
  return `The trace holds the first ${commands.length} of ${commands.length + commands.leftOut} commands; \`--trace-limit\` sets how many.`;
}

/** When the last thing that the trace knows of happened, ns. */
function lastMoment(trace: Trace): number {
  const { commands, buffers } = trace;
  let last = trace.startedAt;
  for (let row = 0; row < commands.length; row++) last = Math.max(last, commands.get(row, 11));
  for (let row = 0; row < buffers.length; row++) {
    const to = buffers.get(row, 3);
    last = Math.max(last, to === Number.POSITIVE_INFINITY ? buffers.get(row, 2) : to);
  }
  return last;
}

function micros(trace: Trace, at: number): number {
  return Math.round(at - trace.startedAt) / 1e3;
}

function slice(
  trace: Trace,
  event: Pick<TraceEvent, "name" | "cat" | "pid" | "tid" | "args">,
  from: number,
  to: number,
): TraceEvent {
  // The difference of two rounded times, so that slices that touch do not overlap by a nanosecond.
  const ts = micros(trace, from);
  const dur = Math.round((micros(trace, to) - ts) * 1e3) / 1e3;
  return { ...event, ph: "X", ts, dur };
}

function* commandEvents(trace: Trace): Generator<TraceEvent> {
  const { commands } = trace;
  for (let row = 0; row < commands.length; row++) {
    const column = (at: number): number => commands.get(row, at);
    const row_ = { cat: "command", pid: COMMANDS, tid: column(0) };
    yield slice(
      trace,
      {
        ...row_,
        name: OPERATIONS[column(1)] ?? `operation ${column(1)}`,
        args: {
          lba: column(2),
          sectors: column(3),
          outcome: outcomeName(column(4)),
          transmits: column(5),
          schedule_wait_us: Math.round(column(7) - column(6)) / 1e3,
        },
      },
      column(7),
      column(12),
    );
    if (column(4) !== OK) continue;
    for (const [part, name] of PARTS.entries()) {
      const from = column(PARTS_FROM + part);
      const to = column(PARTS_FROM + part + 1);
      if (to > from) yield slice(trace, { ...row_, cat: "part", name }, from, to);
    }
  }
}

function* bufferEvents(trace: Trace, end: number): Generator<TraceEvent> {
  const { buffers } = trace;
  const edges: { at: number; kind: number; by: number }[] = [];
  for (let row = 0; row < buffers.length; row++) {
    const kind = buffers.get(row, 1);
    const from = buffers.get(row, 2);
    const to = buffers.get(row, 3);
    const open = to === Number.POSITIVE_INFINITY;
    const name = kind === HELD ? STRETCHES[HELD] : STRETCHES[OWNED];
    const args = open ? { args: { cut: "open at the end" } } : {};
    const event = { name, cat: "buffer", pid: BUFFERS, tid: buffers.get(row, 0), ...args };
    yield slice(trace, event, from, open ? end : to);
    edges.push({ at: from, kind, by: 1 });
    if (!open) edges.push({ at: to, kind, by: -1 });
  }
  yield* counterEvents(trace, edges);
}

/** The two levels, once for each moment at which one changes. */
function* counterEvents(
  trace: Trace,
  edges: { at: number; kind: number; by: number }[],
): Generator<TraceEvent> {
  edges.sort((a, b) => a.at - b.at);
  const level = [0, 0];
  for (const [index, { at, kind, by }] of edges.entries()) {
    level[kind] = (level[kind] ?? 0) + by;
    if (edges[index + 1]?.at === at) continue;
    const args = { owned: level[OWNED] ?? 0, held: level[HELD] ?? 0 };
    yield { name: "buffers", ph: "C", pid: BUFFERS, tid: 0, ts: micros(trace, at), args };
  }
}

function* kickEvents(trace: Trace): Generator<TraceEvent> {
  const { kicks } = trace;
  for (let row = 0; row < kicks.length; row++) {
    const from = Math.max(kicks.get(row, 0), trace.startedAt);
    const to = kicks.get(row, 1);
    const event = { cat: "pool", pid: POOL, tid: 0 };
    yield slice(trace, { ...event, name: "dry, nothing outstanding" }, from, to);
    yield { ...event, name: "kick", ph: "i", s: "p", ts: micros(trace, to) };
  }
}

/** What the rows are called. */
function names(trace: Trace): TraceEvent[] {
  const name = (what: string, pid: number, tid: number, text: string): TraceEvent => ({
    name: what,
    ph: "M",
    pid,
    tid,
    ts: 0,
    args: { name: text },
  });
  const rows = (records: Trace["commands"]): number[] => {
    const found = new Set<number>();
    for (let row = 0; row < records.length; row++) found.add(records.get(row, 0));
    return [...found].sort((a, b) => a - b);
  };
  return [
    name("process_name", COMMANDS, 0, "commands"),
    name("process_name", BUFFERS, 0, "transmit buffers"),
    name("process_name", POOL, 0, "pool"),
    name("thread_name", POOL, 0, "kicks"),
    ...rows(trace.commands).map((slot) =>
      name("thread_name", COMMANDS, slot, `outstanding ${slot}`),
    ),
    ...rows(trace.buffers).map((index) => name("thread_name", BUFFERS, index, `buffer ${index}`)),
  ];
}
