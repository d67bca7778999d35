// `aoe bench pins`: for each link and each setting of ethtool -C: probe, fit, and what a pool
// needs.

import { formatMac } from "../../wire/mac.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { TxBuffer } from "../../link/link.ts";
import { openRawLink, PINNING_LINKS, type RawLink } from "../../initiator/session/raw_link.ts";
import { now } from "../../sys/clock.ts";
import { median } from "../../statistics/quantile.ts";
import { EXIT, environment } from "../../words/failure.ts";
import { type OptionValues, parseOptions, type RawOptions } from "../../words/option.ts";
import { sayAs } from "../../words/say.ts";
import { interfaceFacts, setCoalescing } from "../machine/interfaces.ts";
import { beginMeasuring, type Measuring } from "../machine/measuring.ts";
import { checkOutput, type OutputFlags, publish } from "../machine/output.ts";
import { byFormula, demand, type Load, predict } from "./demand.ts";
import { bestFit, dependsOn, mostHeld } from "./fit.ts";
import { groups, type Observed } from "./observed.ts";
import { NOBODY, PINS_OPTIONS } from "./pins_options.ts";
import { atHand, probe, type Probed, writeQuery } from "./release_probe.ts";
import { PINS, type PinsLink, type PinsResult } from "./pins_result.ts";
import { showPins } from "./pins_show.ts";
import { spreads } from "./spread.ts";

const say = sayAs("aoe bench pins");

type Options = OptionValues<typeof PINS_OPTIONS>;

/** Frames on an idle line. */
const IDLES = 20;
/** A write of 1 KiB, where the MTU admits one. */
const LONG = 1060;
/** Bursts through a real pool, as many again are predicted. */
const POOL_BURSTS = 4;

interface Setting {
  readonly txUsecs: number | undefined;
  readonly txFrames: number | undefined;
}

/** Returns the exit code. */
export async function pinsAction(
  name: string,
  flags: RawOptions<typeof PINS_OPTIONS> & OutputFlags,
): Promise<number> {
  const options = parseOptions(PINS_OPTIONS, flags);
  checkOutput(flags.output);
  const kinds = options.link.length === 0 ? PINNING_LINKS : options.link;
  const settings = settingsOf(options);
  const before = settings.length > 1 || isSet(settings[0]) ? coalescingOf(name) : null;
  const measuring = beginMeasuring();
  const links: PinsLink[] = [];
  let mtu = 0;
  try {
    await measuring.untilCut(async () => {
      for (const setting of settings) {
        setTransmits(name, setting);
        for (const kind of kinds) {
          const link = openRawLink(name, { link: kind }, say);
          ({ mtu } = link);
          try {
            const measured = await measure(link, options, measuring);
            links.push({ link: kind, ...settingIn(setting), ...measured });
          } finally {
            link.close();
          }
        }
      }
    });
  } finally {
    if (before !== null) setTransmits(name, before);
    measuring.release();
  }
  const result: PinsResult = {
    ...measuring.head(PINS),
    interface: name,
    mtu,
    setting: {
      to: formatMac(options.to ?? NOBODY),
      rate: options.rate,
      iodepth: options.iodepth,
      burst: options.burst,
      bursts: options.bursts,
      runtime_ns: options.runtime,
      patience_ns: options.patience,
    },
    links,
  };
  publish(result, (width) => showPins(result, width), flags);
  return measuring.exitCode(EXIT.done);
}

function setTransmits(name: string, setting: Setting): void {
  setCoalescing({ interface: name, rxUsecs: undefined, rxFrames: undefined, ...setting });
}

function settingsOf({ txUsecs = [], txFrames = [] }: Options): Setting[] {
  const usecs: readonly (number | undefined)[] = txUsecs.length === 0 ? [undefined] : txUsecs;
  const frames: readonly (number | undefined)[] = txFrames.length === 0 ? [undefined] : txFrames;
  return usecs.flatMap((one) => frames.map((other) => ({ txUsecs: one, txFrames: other })));
}

function isSet(setting: Setting | undefined): boolean {
  return setting?.txUsecs !== undefined || setting?.txFrames !== undefined;
}

function settingIn({ txUsecs, txFrames }: Setting): Pick<PinsLink, "tx_usecs" | "tx_frames"> {
  return { tx_usecs: txUsecs ?? null, tx_frames: txFrames ?? null };
}

/** What is to be put back. */
function coalescingOf(name: string): Setting {
  const { coalescing } = interfaceFacts(name);
  const of = (key: string): number | undefined => {
    const value = Number(coalescing[key]);
    return Number.isInteger(value) ? value : undefined;
  };
  const before = { txUsecs: of("tx-usecs"), txFrames: of("tx-frames") };
  if (isSet(before)) return before;
  throw environment(`No coalescing of transmits to sweep on ${name}: \`ethtool -c\` names none`);
}

/** Throws when a signal comes. */
async function measure(
  link: RawLink,
  options: Options,
  { signal }: Measuring,
): Promise<Omit<PinsLink, "link" | "tx_usecs" | "tx_frames">> {
  const long = Math.min(LONG, link.mtu + ethernet.LENGTH);
  const { burst, rate, iodepth: depth } = options;
  atHand(link, 3 * burst + depth, long);
  const lengths = [ethernet.SHORTEST, long];
  const seen = await probe(
    link,
    { ...options, to: options.to ?? NOBODY, idles: IDLES, lengths },
    signal,
  );
  signal.throwIfAborted();
  if (seen.sends.length === 0) {
    throw environment("No frame left: the interface is down, or something else has its queue");
  }
  const { model, ...fitted } = bestFit(seen);
  const gap = gapOf(seen);
  const load: Load = { depth, burst, rate, bursts: POOL_BURSTS, length: long };
  const needs = needsOf(link, load, options, model, gap, longestHold(seen, long));
  return {
    frames: seen.sends.length,
    skipped: seen.skipped,
    received: seen.receives.length,
    resolution_ns: seen.resolution,
    gap_ns: gap,
    most_held: mostHeld(seen),
    together: median(groups(seen)),
    spreads: spreads(seen),
    fit: { model, ...fitted, candidates: [...fitted.candidates], depends_on: dependsOn(model) },
    needs,
  };
}

function needsOf(
  link: RawLink,
  load: Load,
  options: Options,
  model: string,
  gap: number,
  hold: number,
): PinsLink["needs"] {
  // A look costs what it costs: who waits looks again at once.
  const clock = { now, until: () => {} };
  const { to = NOBODY } = options;
  const fill = (buffer: TxBuffer, length: number): void => writeQuery(buffer, length, to, link.mac);
  const need = (strategy: "scan-swap" | "completion") => ({
    found: demand(strategy, link, clock, load, fill),
    predicted: predict(strategy, model, load, gap),
  });
  return {
    frame_bytes: load.length,
    scan_swap: need("scan-swap"),
    // The most that are not idle at one time: what there must be where none is added.
    fixed: need("completion"),
    by_formula: byFormula(load, hold, gap),
    hold_ns: hold,
  };
}

/** Between two frames of a burst, ns. */
function gapOf({ sends }: Probed): number {
  const gaps = sends.flatMap(({ at, phase }, index) => {
    const before = sends[index - 1];
    return before?.phase === "burst" && (phase === "burst" || phase === "last")
      ? [at - before.at]
      : [];
  });
  return gaps.length === 0 ? 0 : median(gaps);
}

/** The longest of frames of `length` in each burst, of which the median: some are seen late. */
function longestHold({ sends, until }: Observed, length: number): number {
  const longest: number[] = [];
  let most = 0;
  for (const { at, length: own, phase, released } of sends) {
    if (own !== length) continue;
    most = Math.max(most, (released ?? until) - at);
    if (phase !== "last") continue;
    longest.push(most);
    most = 0;
  }
  return longest.length === 0 ? 0 : median(longest);
}
