// The suite: every rule in its turn, and the target put back as it was, whatever ended the run.
//
// A rule that leaves the target silent (locked out by its own mask list, or dead) must not make the
// rest look different: after each rule the suite empties what it filled, looks whether the target
// still answers, and where it doesn't the rest is "not tested" and says since when.
//
// Outcomes are made at the end: an answer may come when its rule is over. What was missed then came late, which
// is no rule's matter; what came where silence is due counts; what came twice is P2's.

import * as config from "../../wire/config.ts";
import type { Mac } from "../../wire/mac.ts";
import { printableBytes } from "../../words/printable.ts";
import { formatAddress } from "../../words/address.ts";
import { evenIfEnded, type Turn, unlessEnded } from "./ending.ts";
import type { Facts } from "./facts.ts";
import { prepare } from "./meet.ts";
import type { Prober } from "./prober.ts";
import type { Rule } from "./rule.ts";
import { ATA } from "./rules_ata.ts";
import { CONFIG } from "./rules_config.ts";
import { ENVELOPE } from "./rules_envelope.ts";
import { LISTS } from "./rules_lists.ts";
import { ORDER } from "./rules_order.ts";
import { configString, masks, members, release, setString, unmask } from "./state.ts";
import { type Difference, Subject, tell } from "./subject.ts";

export const RULES: readonly Rule[] = [...ENVELOPE, ...CONFIG, ...LISTS, ...ATA, ...ORDER].sort(
  (a, b) => number(a) - number(b),
);

function number({ id }: Pick<Rule, "id">): number {
  return Number(id.slice(1));
}

export interface RuleOutcome {
  readonly id: string;
  readonly title: string;
  outcome: "passes" | "differs" | "not tested";
  /** What differs, a sentence each. */
  readonly differences: string[];
  /** What was not tried, and why. */
  readonly notTested: string[];
  /** Frames sent for it. */
  questions: number;
}

/** What a rule, or a part of one, has noted. */
interface Noted {
  readonly rule: Rule;
  readonly differences: Difference[];
  readonly left: readonly string[];
  readonly tested: number;
  readonly questions: number;
}

/** Every rule; outcomes in the order of their numbers. What can't be put back is `told` in a sentence. */
export async function runSuite(
  prober: Prober,
  facts: Facts,
  turn: Turn = async () => true,
  told: (sentence: string) => void = () => {},
): Promise<RuleOutcome[]> {
  const subject = new Subject(prober, facts);
  let before: Uint8Array | null = null;
  const noted: Noted[] = [];
  const knows = await unlessEnded(turn, () => {
    before = configString(subject);
  });
  try {
    if (knows) await tryAll(subject, turn, noted);
  } finally {
    prober.rule = "the end";
    if (knows) await evenIfEnded(turn, () => restore(subject, before, told));
  }
  prober.wait(prober.patience.answer);
  comeLate(prober, noted);
  const outcomes: RuleOutcome[] = [];
  for (const each of noted) join(outcomes, each);
  return outcomes.sort((a, b) => number(a) - number(b));
}

async function tryAll(subject: Subject, turn: Turn, noted: Noted[]): Promise<void> {
  const { prober } = subject;
  let gone: string | null = null;
  let goesOn = await unlessEnded(turn, () => {
    prepare(subject);
    setString(subject, "");
  });
  const forget = (): void => {
    subject.differences = [];
    subject.left = [];
    subject.tested = 0;
  };
  const attempt = ({ id, test }: Rule): void => {
    forget();
    if (typeof test === "string") subject.leaves(test);
    else if (gone !== null) subject.leaves(gone);
    else {
      test(subject);
      const end = putBack(subject);
      if (end === null) return;
      subject.expect(false, end);
      gone = `it stopped answering in the test of ${id}`;
    }
  };
  for (const rule of RULES.toSorted((a, b) => (a.last ?? 0) - (b.last ?? 0))) {
    const asked = prober.asked;
    prober.rule = rule.id;
    goesOn &&= await unlessEnded(turn, () => attempt(rule));
    if (!goesOn) {
      forget();
      subject.leaves("a signal ended the run");
    }
    const { differences, left, tested } = subject;
    noted.push({ rule, differences, left, tested, questions: prober.asked - asked });
  }
}

/** Empties what the suite has filled, and sets the config string that stood there. */
function restore(s: Subject, string: Uint8Array | null, told: (sentence: string) => void): void {
  const end = putBack(s);
  if (string !== null) s.prober.answer(s.config(config.FORCE_SET, string));
  const name = formatAddress(s.facts.address);
  if (end !== null) {
    told(
      `${end}, so ${name} may be left with a mask list, a reservation and another config string than it had`,
    );
  } else if (string !== null && String(configString(s)) !== String(string)) {
    told(`${name} had the config string "${printableBytes(string)}", and does not take it back`);
  }
}

/** What came where its rule was no longer listening. */
function comeLate({ questions }: Prober, noted: readonly Noted[]): void {
  const note = (id: string, sentence: string): void => {
    noted.find(({ rule }) => rule.id === id)?.differences.push({ sentence, missed: null });
  };
  for (const { rule, answers, seen, copies, quiet } of questions.values()) {
    const [late] = answers.slice(seen);
    if (late === undefined) continue;
    if (quiet !== null && seen === 0) note(rule, `${quiet}: ${tell(late)}, late`);
    else if (answers.length > copies) note("P2", `an answer came twice (asked for ${rule})`);
  }
}

/** Adds what came of a rule, or of a further part of one. */
function join(
  outcomes: RuleOutcome[],
  { rule, differences, left, tested, questions }: Noted,
): void {
  let outcome = outcomes.find(({ id }) => id === rule.id);
  if (outcome === undefined) {
    outcome = {
      id: rule.id,
      title: rule.title,
      outcome: "not tested",
      differences: [],
      notTested: [],
      questions: 0,
    };
    outcomes.push(outcome);
  }
  const further = outcome.title === rule.title ? "" : `${rule.title}: `;
  const add = (to: string[], sentence: string): void => {
    if (!to.includes(sentence)) to.push(sentence);
  };
  let late = 0;
  for (const { sentence, missed } of differences) {
    if (missed === null || missed.answers.length <= missed.seen) add(outcome.differences, sentence);
    else {
      late++;
      add(outcome.notTested, `${sentence} in time, but later: say a longer --answer`);
    }
  }
  for (const sentence of left) add(outcome.notTested, `${further}${sentence}`);
  outcome.questions += questions;
  if (outcome.differences.length > 0) outcome.outcome = "differs";
  else if (tested > late && outcome.outcome === "not tested") outcome.outcome = "passes";
}

/** Empties what a rule may have filled; what became of it where the target is silent then. */
function putBack(s: Subject): string | null {
  const used: Mac[] = [1, 2, 3, 4, 5, 999].map((index) => s.other(index));
  for (let index = 0; index < 255; index++) used.push(s.other(100 + index));
  // Locked out, or dead.
  if (!s.alive() && (s.lacks.has("mask") || !unmask(s, used))) return "it stopped answering";
  if (!s.lacks.has("mask") && masks(s)?.length !== 0) {
    unmask(s, used);
    if (!s.alive()) return "it stopped answering when its mask list was emptied";
  }
  if (!s.lacks.has("string") && configString(s)?.length !== 0) setString(s, "");
  if (!s.lacks.has("reserve") && members(s)?.length !== 0) release(s);
  return null;
}
