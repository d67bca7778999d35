// What `aoe bench search` found, and each value that it tried.

import type { SearchResult } from "../../judge/search/search_file.ts";
import { tableOf } from "../figure.ts";
import { type Section, sectionOf } from "../report.ts";
import { idOf, type Named, topicOf } from "./judged.ts";

export function searched({ name, result }: Named<SearchResult>, at: number): Section {
  const { sentence, steps, value, what } = result;
  const cap = what === "cap";
  const unit = cap ? "count" : "time";
  const label = cap ? "IOPS" : "p99";

  return sectionOf(idOf("search", at), topicOf("Search", name, at))(sentence, {
    notes: ["Each mark is a value that was tried, in the order of the search."],
    charts: [
      {
        kind: "intervals",
        caption: "",
        axis: { label, unit, log: false, reach: [] },
        names: [label],
        rows: steps.map(({ value: tried, figure, enough }) => ({
          label: `${what} ${tried.toLocaleString("en-US")}${enough ? "" : ", not enough"}`,
          colour: enough ? 1 : "soft",
          spreads:
            figure === null
              ? []
              : [{ median: figure, low: figure, high: figure, values: [figure] }],
        })),
        reference: null,
      },
    ],
    table: tableOf(
      [...steps].sort((a, b) => a.value - b.value),
      [
        [what, "count", (step) => step.value],
        [label, unit, ({ figure }) => figure],
        ["enough", ({ enough }) => (enough ? "yes" : "no")],
        ["", (step) => (step.value === value ? "found" : "")],
      ],
    ),
  });
}
