// The suite: who the target is, every rule in its turn, and the target put back as it was.
//
// A rule that leaves the target silent (locked out by its own mask list, or dead) must not make the
// rest look different: after each rule the suite empties what it filled, looks whether the target
// still answers, and where it doesn't the rest is "not tested" and says since when.

import * as config from "../../wire/config.ts";
import * as identify from "../../wire/identify.ts";
import * as ata from "../../wire/ata.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import { configFrame } from "../../target/probe.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { environment, failed, notFound } from "../../words/failure.ts";
import { formatDuration } from "../../words/quantity.ts";
import type { Prober } from "./prober.ts";
import type { Rule } from "./rule.ts";
import { ATA } from "./rules_ata.ts";
import { CONTROL } from "./rules_control.ts";
import { ENVELOPE } from "./rules_envelope.ts";
import { type Facts, SCRATCH, Subject } from "./subject.ts";

export const RULES: readonly Rule[] = [...ENVELOPE, ...CONTROL, ...ATA].sort(
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

/** Finds the device and what it says of itself, within `wait` ns. Throws notFound, failed, environment. */
export function meet(prober: Prober, address: Address, wait: number): Facts {
  const { link } = prober.air;
  const { mac: own, mtu } = link;
  const name = formatAddress(address);
  const said = prober.find(
    (tag) => configFrame(config.READ, "", { to: BROADCAST, from: own, ...address, tag }),
    wait,
  );
  if (said === null) throw notFound(`${name} did not answer within ${formatDuration(wait)}`);
  const announcement =
    prober.unsolicited.find(({ frame }) => frame.ethernet.source === prober.target) ?? null;
  const facts: Facts = {
    address,
    target: prober.target,
    own,
    mtu,
    bufferCount: said.bufferCount,
    firmware: said.firmware,
    mostSectors: said.sectorCount === 0 ? 2 : said.sectorCount,
    sectors: 0,
    model: "",
    announcement,
  };
  const subject = new Subject(prober, facts);
  const answer = prober.answer(subject.identify());
  const bytes = answer?.bytes.subarray(ata.LENGTH) ?? new Uint8Array(0);
  const identity = identify.parse(
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    0,
    bytes.length,
  );
  if (isMalformed(identity)) throw failed(`${name} answers discovery, but not IDENTIFY`);
  if (identity.sectors < SCRATCH) {
    throw environment(`${name} has ${identity.sectors} sectors, and the suite needs ${SCRATCH}`);
  }
  if ((subject.masks()?.length ?? 0) > 0 || (subject.members()?.length ?? 0) > 0) {
    throw environment(
      `${name} has a mask list or a reservation, so it is in use: the suite needs a scratch export`,
    );
  }
  return { ...facts, sectors: identity.sectors, model: identity.model };
}

/** Every rule; outcomes in the order of their numbers. `turn` is called before each. */
export async function runSuite(
  prober: Prober,
  facts: Facts,
  turn: (rule: Rule) => Promise<void> = async () => {},
  rules: readonly Rule[] = RULES,
): Promise<RuleOutcome[]> {
  const subject = new Subject(prober, facts);
  const configString = subject.configText() ?? "";
  subject.setConfig("");
  const outcomes: RuleOutcome[] = [];
  let gone: string | null = null;
  const tried = [...rules.filter(({ last }) => !last), ...rules.filter(({ last }) => last)];
  for (const rule of tried) {
    await turn(rule);
    const before = prober.asked;
    prober.rule = rule.id;
    subject.differences = [];
    subject.left = [];
    subject.tested = 0;
    if (typeof rule.test === "string") subject.leaves(rule.test);
    else if (gone !== null) subject.leaves(gone);
    else {
      rule.test(subject);
      if (!putBack(subject)) {
        subject.expect(false, "it stopped answering");
        gone = `it stopped answering in the test of ${rule.id}`;
      }
      prober.settle();
    }
    join(outcomes, rule, subject, prober.asked - before);
  }
  prober.rule = "the end";
  if (gone === null) subject.setConfig(configString);
  prober.wait(prober.patience.silence);
  prober.settle();
  for (const [id, sentences] of prober.late) {
    const outcome = outcomes.find((each) => each.id === id);
    if (outcome === undefined) continue;
    outcome.outcome = "differs";
    outcome.differences.push(...new Set(sentences.map(() => "an answer came late or twice")));
  }
  return outcomes.sort((a, b) => number(a) - number(b));
}

/** Adds what came of a rule, or of a further part of one. */
function join(outcomes: RuleOutcome[], rule: Rule, subject: Subject, questions: number): void {
  const { differences, left, tested } = subject;
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
  outcome.differences.push(...new Set(differences));
  outcome.notTested.push(...left.map((sentence) => `${further}${sentence}`));
  outcome.questions += questions;
  if (differences.length > 0) outcome.outcome = "differs";
  else if (tested > 0 && outcome.outcome === "not tested") outcome.outcome = "passes";
}

/** Empties what a rule may have filled; false: the target has gone silent. */
function putBack(subject: Subject): boolean {
  const used: Mac[] = [1, 2, 3, 4, 5, 999].map((index) => subject.other(index));
  for (let index = 0; index < 255; index++) used.push(subject.other(100 + index));
  if (!subject.alive() && !subject.unmask(used)) return false;
  if (subject.configText() !== "") subject.setConfig("");
  if (subject.members()?.length !== 0) subject.release();
  return true;
}
