// A suite's outcome as lines for people, as JSON, and as rows for a table in a document.

import { formatMac } from "../../wire/mac.ts";
import { formatAddress } from "../../words/address.ts";
import { printable } from "../../words/printable.ts";
import type { Facts } from "./facts.ts";
import type { RuleOutcome } from "./suite.ts";

const SCHEMA = 1;

/** Sentences of one rule in a line or a cell; JSON has all of them. */
const MOST = 2;

export function formatOutcome(outcome: RuleOutcome): string {
  return printable(
    `${outcome.id.padEnd(4)} ${outcome.outcome.padEnd(10)} ${outcome.title}${why(outcome)}`,
  );
}

function why({ outcome, differences, notTested }: RuleOutcome): string {
  const said = outcome === "differs" ? differences : notTested;
  if (said.length === 0) return "";
  const lead = outcome === "passes" ? "; not tested: " : ": ";
  return `${lead}${few(said)}`;
}

function few(sentences: readonly string[]): string {
  const more = sentences.length - MOST;
  const shown = sentences.slice(0, MOST).join("; ");
  return more > 0 ? `${shown}; and ${more} more` : shown;
}

export interface Totals {
  readonly passes: number;
  readonly differs: number;
  readonly notTested: number;
}

function totalsOf(outcomes: readonly RuleOutcome[]): Totals {
  const count = (outcome: RuleOutcome["outcome"]): number =>
    outcomes.filter((each) => each.outcome === outcome).length;
  return { passes: count("passes"), differs: count("differs"), notTested: count("not tested") };
}

export function formatTotals(outcomes: readonly RuleOutcome[]): string {
  const { passes, differs, notTested } = totalsOf(outcomes);
  return `${passes} pass, ${differs} differ, ${notTested} not tested`;
}

/** A cell of a table: the verdict and, where it is not a plain pass, why. */
export function cell(outcome: RuleOutcome): string {
  const said = outcome.outcome === "differs" ? outcome.differences : outcome.notTested;
  if (outcome.outcome === "passes" || said.length === 0) return outcome.outcome;
  return printable(`${outcome.outcome}: ${few(said)}`).replaceAll("|", "\\|");
}

/** Rows `| P1 | title | cell |`, under a head that names the target. */
export function formatTable(name: string, outcomes: readonly RuleOutcome[]): string {
  return [
    `| rule | what | ${name} |`,
    "|---|---|---|",
    ...outcomes.map((outcome) => `| ${outcome.id} | ${outcome.title} | ${cell(outcome)} |`),
  ].join("\n");
}

export function toJson(facts: Facts, outcomes: readonly RuleOutcome[], started: string): object {
  const { passes, differs, notTested } = totalsOf(outcomes);
  return {
    schema: SCHEMA,
    started,
    device: formatAddress(facts.address),
    mtu_bytes: facts.mtu,
    target: {
      mac: formatMac(facts.target),
      model: facts.model,
      firmware: facts.firmware,
      buffer_count: facts.bufferCount,
      most_sectors: facts.mostSectors,
      sectors: facts.sectors,
    },
    passes,
    differs,
    not_tested: notTested,
    rules: outcomes.map(({ notTested: left, ...rest }) => ({ ...rest, not_tested: left })),
  };
}
