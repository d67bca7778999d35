// `aoe target top`: what a target does now. On a terminal a view that is drawn again each interval, the
// busiest exports first; elsewhere a line for each interval, and only for what did something.

import { connectControl } from "./client.ts";
import { shownBytes, shownTime } from "../../words/shown.ts";
import { onSignals } from "../../words/signals.ts";
import { type Column, formatTable } from "../../words/table.ts";

export interface TopOptions {
  /** Of `--socket`. */
  readonly socket: string | undefined;
  /** ns. */
  readonly interval: number;
  /** Intervals; Infinity: until told. */
  readonly count: number;
  readonly now: () => number;
}

/** A target, an interface or an export as `stats` tells it. */
type Figures = Readonly<Record<string, unknown>>;

export interface Sample {
  /** ns. */
  readonly at: number;
  readonly target: Figures;
  readonly interfaces: readonly Figures[];
  readonly exports: readonly Figures[];
}

export async function top(options: TopOptions): Promise<void> {
  const client = await connectControl(options.socket);
  const terminal = process.stdout.isTTY;
  const screen = terminal ? new Screen() : null;
  try {
    let before = await sample(client, options.now);
    for (let shown = 0; shown < options.count && screen?.hasLeft() !== true; shown++) {
      await (screen === null
        ? Bun.sleep(options.interval / 1e6)
        : screen.sleep(options.interval / 1e6));
      if (screen?.hasLeft() === true) break;
      const after = await sample(client, options.now);
      if (screen === null)
        for (const line of plain(before, after)) process.stdout.write(`${line}\n`);
      else screen.draw(view(before, after, process.stdout.columns, process.stdout.rows));
      before = after;
    }
  } finally {
    screen?.close();
    client.close();
  }
}

async function sample(
  client: Awaited<ReturnType<typeof connectControl>>,
  now: () => number,
): Promise<Sample> {
  const told = await client.ask({ verb: "stats" });
  return { at: now(), ...told } as unknown as Sample;
}

function figure(of: Figures | undefined, key: string): number {
  const value = of?.[key];
  return typeof value === "number" ? value : 0;
}

/** What one export or interface did between two samples. */
interface Rates {
  readonly name: string;
  /** Per second. */
  rate(key: string): number;
  /** Since the sample before, and now. */
  change(key: string): number;
  now(key: string): number;
}

function ratesOf(
  before: readonly Figures[],
  after: readonly Figures[],
  name: "export" | "interface",
  seconds: number,
): Rates[] {
  const old = new Map(before.map((figures) => [figures[name], figures]));
  return after.map((figures) => {
    const was = old.get(figures[name]);
    // One that came back under its name counts from 0 again.
    const change = (key: string): number => {
      const difference = figure(figures, key) - figure(was, key);
      return difference < 0 ? figure(figures, key) : difference;
    };
    return {
      name: String(figures[name]),
      rate: (key) => change(key) / seconds,
      change,
      now: (key) => figure(figures, key),
    };
  });
}

function commands({ rate }: Rates): number {
  return rate("reads") + rate("writes") + rate("flushes") + rate("other_ata");
}

function meanTime({ change }: Rates): string {
  const count = change("reads") + change("writes") + change("flushes") + change("other_ata");
  const ns = change("read_ns") + change("write_ns") + change("other_ns");
  // Of what was answered in the iteration of the loop in which it came no time is measured.
  return ns === 0 ? "-" : shownTime(ns / count);
}

function errors({ change }: Rates): number {
  return (
    change("ata_errors") + change("aoe_errors") + change("store_errors") + change("queue_over")
  );
}

/** One line for each export and interface that did something. */
export function plain(before: Sample, after: Sample): string[] {
  const seconds = (after.at - before.at) / 1e9;
  const lines: string[] = [];
  for (const one of ratesOf(before.exports, after.exports, "export", seconds)) {
    if (commands(one) === 0 && one.now("in_service") === 0) continue;
    const { rate } = one;
    lines.push(
      `${one.name} read ${rate("reads").toFixed(0)}/s ${shownBytes(rate("read_bytes"))}/s write ${rate("writes").toFixed(0)}/s ${shownBytes(rate("written_bytes"))}/s mean ${meanTime(one)} queue ${one.now("in_service")} errors ${errors(one)}`,
    );
  }
  for (const one of ratesOf(before.interfaces, after.interfaces, "interface", seconds)) {
    if (one.rate("rx") === 0 && one.rate("tx") === 0) continue;
    lines.push(
      `${one.name} rx ${one.rate("rx").toFixed(0)}/s ${shownBytes(one.rate("rx_bytes"))}/s tx ${one.rate("tx").toFixed(0)}/s ${shownBytes(one.rate("tx_bytes"))}/s lost ${one.change("rx_buffers_full")} dropped ${one.change("dropped")}`,
    );
  }
  return lines;
}

/** The lines of the whole screen, none wider than `columns`. */
export function view(before: Sample, after: Sample, columns: number, rows: number): string[] {
  const seconds = (after.at - before.at) / 1e9;
  const interfaces = ratesOf(before.interfaces, after.interfaces, "interface", seconds);
  const exports = ratesOf(before.exports, after.exports, "export", seconds).toSorted(
    (a, b) => commands(b) - commands(a) || b.now("in_service") - a.now("in_service"),
  );
  const head = [
    `aoe target, pid ${String(after.target["pid"])}, up ${upFor(figure(after.target, "uptime_ns"))}: ${exports.length} exports, ${figure(after.target, "in_hand")} requests in progress   (q ends)`,
    "",
    ...table(
      INTERFACES,
      interfaces.map((one) => [
        one.name,
        one.rate("rx").toFixed(0),
        shownBytes(one.rate("rx_bytes")),
        one.rate("tx").toFixed(0),
        shownBytes(one.rate("tx_bytes")),
        String(one.now("rx_buffers_full")),
        String(one.now("dropped")),
        String(one.now("duplicates_dropped") + one.now("duplicates_answered")),
      ]),
      columns,
    ),
    "",
  ];
  const room = Math.max(1, rows - head.length - 2);
  const lines = [
    ...head,
    ...table(
      EXPORTS,
      exports
        .slice(0, room)
        .map((one) => [
          one.name,
          one.rate("reads").toFixed(0),
          shownBytes(one.rate("read_bytes")),
          one.rate("writes").toFixed(0),
          shownBytes(one.rate("written_bytes")),
          meanTime(one),
          String(one.now("in_service")),
          String(one.now("ata_errors") + one.now("aoe_errors") + one.now("store_errors")),
        ]),
      columns,
    ),
  ];
  return lines.slice(0, rows).map((line) => line.slice(0, columns));
}

/** Wide enough for most figures, so that columns stand still; where there is no room the amounts go first. */
const number = (name: string, drop = 0): Column => ({
  name,
  right: true,
  least: Math.max(7, name.length),
  drop,
});
const INTERFACES: readonly Column[] = [
  { name: "INTERFACE", least: 12 },
  number("RX/S"),
  number("RX B/S", 3),
  number("TX/S"),
  number("TX B/S", 2),
  number("LOST"),
  number("DROPPED"),
  number("DUPLICATES", 1),
];
const EXPORTS: readonly Column[] = [
  { name: "EXPORT", least: 12 },
  number("READ/S"),
  number("READ B/S", 4),
  number("WRITE/S"),
  number("WRITE B/S", 3),
  number("MEAN", 1),
  number("QUEUE", 2),
  number("ERRORS"),
];

function table(
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  columns: number,
): string[] {
  // Without the line that names what was left out: the screen has no room for it either.
  return formatTable(head, rows, columns)
    .split("\n")
    .slice(0, rows.length + 1);
}

function upFor(ns: number): string {
  const seconds = Math.floor(ns / 1e9);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0
    ? `${hours}h ${minutes}m`
    : minutes > 0
      ? `${minutes}m ${seconds % 60}s`
      : `${seconds}s`;
}

/** The terminal's other screen, and the key that leaves it. */
class Screen {
  private left = false;
  private readonly release: () => void;
  private wake: () => void = () => {};
  private readonly leave = (): void => {
    this.left = true;
    this.wake();
  };
  private readonly key = (typed: Buffer): void => {
    // q, and Ctrl-C, which a raw terminal hands over as a byte.
    if (typed.includes(0x71) || typed.includes(0x03)) this.leave();
  };

  constructor() {
    process.stdout.write("\x1b[?1049h\x1b[?25l");
    this.release = onSignals(this.leave);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.on("data", this.key);
    }
  }

  hasLeft(): boolean {
    return this.left;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  draw(lines: readonly string[]): void {
    const [first = "", ...rest] = lines;
    const text = [`\x1b[1m${first}\x1b[0m`, ...rest].map((line) => `${line}\x1b[K`).join("\r\n");
    process.stdout.write(`\x1b[H${text}\x1b[J`);
  }

  close(): void {
    this.release();
    if (process.stdin.isTTY) {
      process.stdin.off("data", this.key);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    process.stdout.write("\x1b[?25h\x1b[?1049l");
  }
}
