// The result of `aoe bench pins`. `fit:FILE` reads `links[0].fit.model` (link/reclaim_fit.ts).

import * as v from "valibot";
import { PINNING_LINKS } from "../../initiator/session/raw_link.ts";
import { headOf } from "../machine/head.ts";
import { number, text } from "../machine/schema.ts";
import { PHASES } from "./observed.ts";

export const PINS = "aoe bench pins";

const setting = v.nullable(v.number());
const ns = (what: string) => v.nullable(number(`${what}, ns`));

const SpreadSchema = v.object({
  phase: v.picklist(PHASES),
  frames: v.number(),
  released: number("of them, while it was watched"),
  p50_ns: ns("from transmit to release"),
  p90_ns: ns("the same"),
  p99_ns: ns("the same"),
  max_ns: ns("the same"),
  /** [least duration, frames], ten bins for each power of ten. */
  histogram: v.array(v.tuple([v.number(), v.number()])),
});

const DemandSchema = v.object({
  buffers: number("most that the pool had"),
  headroom: number("of them, beyond the commands' own"),
  dry: number("how often there was none"),
});

/** `found` is the real pool's over the link. */
const NeedSchema = v.object({ found: DemandSchema, predicted: DemandSchema });

const CandidateSchema = v.object({ model: v.string(), error_ns: v.number() });

const PinsLinkSchema = v.object({
  link: v.picklist(PINNING_LINKS),
  tx_usecs: setting,
  tx_frames: setting,
  frames: number("sent"),
  skipped: number("not sent: no idle buffer, or no room"),
  received: number("frames that came in meanwhile"),
  resolution_ns: number("how often was looked"),
  gap_ns: number("between two frames of a burst"),
  most_held: number("frames at one time"),
  together: number("median of the frames that were released at one look"),
  spreads: v.array(SpreadSchema),
  fit: v.object({
    ...CandidateSchema.entries,
    error_share: number("of the mean hold"),
    mean_hold_ns: v.number(),
    depends_on: text("by what such a driver releases"),
    candidates: v.array(CandidateSchema),
  }),
  needs: v.object({
    frame_bytes: v.number(),
    scan_swap: NeedSchema,
    fixed: NeedSchema,
    by_formula: number("buffers: what is sent while a frame is held, at least the commands' own"),
    hold_ns: number("the hold in that formula: the longest of long frames in a burst"),
  }),
});

export const PinsSchema = v.object({
  ...headOf(PINS),
  interface: v.string(),
  mtu: v.number(),
  setting: v.object({
    to: v.string(),
    rate: v.number(),
    iodepth: v.number(),
    burst: v.number(),
    bursts: v.number(),
    runtime_ns: v.number(),
    patience_ns: v.number(),
  }),
  links: v.array(PinsLinkSchema),
});

export type PinsResult = v.InferOutput<typeof PinsSchema>;
export type PinsLink = v.InferOutput<typeof PinsLinkSchema>;
export type Spread = v.InferOutput<typeof SpreadSchema>;
