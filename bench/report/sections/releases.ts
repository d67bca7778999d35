// How late an interface releases transmit buffers, as `aoe bench pins` measured it.

import type { PinsLink, PinsResult } from "../../pins/pins_result.ts";
import { PHASE_NAMES, sentences } from "../../pins/pins_show.ts";
import { tableOf } from "../figure.ts";
import { type Chart, type Section, sectionOf } from "../report.ts";
import { idOf, type Named, topicOf } from "./judged.ts";

export function releases({ name, result }: Named<PinsResult>, at: number): Section {
  const { interface: where, links } = result;
  const rows = links.flatMap((link) => link.spreads.map((spread) => ({ link, ...spread })));
  const best = links.map((link) => `${titleOf(link)}: ${link.fit.model}`).join(", ");
  const finding =
    best === "" ? `Nothing was measured on ${where}.` : `${where} releases as ${best}.`;
  return sectionOf(idOf("pins", at), topicOf("Releases", name, at))(finding, {
    notes: [
      "From the earliest release to the time within which 99 % came; the mark is the median.",
      ...links.flatMap((link) =>
        sentences(link, result).map((sentence) => `${titleOf(link)}: ${sentence}`),
      ),
    ],
    charts: links.map(chartOf),
    table: tableOf(rows, [
      ["link", ({ link }) => titleOf(link)],
      ["frame", ({ phase }) => PHASE_NAMES[phase]],
      ["frames", "count", ({ frames }) => frames],
      ["released", "count", ({ released }) => released],
      ["half within", "time", ({ p50_ns: half }) => half],
      ["90 %", "time", ({ p90_ns: most }) => most],
      ["99 %", "time", ({ p99_ns: nearly }) => nearly],
      ["the last", "time", ({ max_ns: all }) => all],
    ]),
  });
}

function titleOf({ link, tx_usecs: usecs, tx_frames: frames }: PinsLink): string {
  const settings = [
    ...(usecs === null ? [] : [`tx-usecs ${usecs}`]),
    ...(frames === null ? [] : [`tx-frames ${frames}`]),
  ];
  return [link, ...settings].join(", ");
}

function chartOf(link: PinsLink): Chart {
  return {
    kind: "intervals",
    caption: titleOf(link),
    axis: { label: "from transmit to release", unit: "time", log: true, reach: [] },
    names: ["from transmit to release"],
    rows: link.spreads.map(({ phase, histogram, p50_ns: half, p99_ns: nearly }) => {
      const low = Math.min(histogram[0]?.[0] ?? 0, half ?? 0);
      const spread = { median: half ?? 0, low, high: nearly ?? 0, values: [] };
      return { label: PHASE_NAMES[phase], colour: 1, spreads: half === null ? [] : [spread] };
    }),
    reference: null,
  };
}
