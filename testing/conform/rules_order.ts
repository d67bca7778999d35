// P33 and P34: what a wildcard address may do, and which check comes first.

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import type { Frame } from "../../wire/frame.ts";
import type { Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { look } from "./meet.ts";
import type { Rule } from "./rule.ts";
import { configString, masks, members, release, unmask } from "./state.ts";
import { isRefused, type Subject } from "./subject.ts";

const NONE = new Uint8Array(0);
const ALL = { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR };

/** Whether a change sent to a wildcard can reach nobody else. */
function isAlone(s: Subject): boolean {
  if (s.facts.permits.alone === true) return true;
  look(s.prober);
  const [first] = s.prober.neighbours;
  if (first === undefined) return true;
  s.leaves(
    `another address answers here, ${first}, which may obey a change to a wildcard address: --alone sends them all the same`,
  );
  return false;
}

function wildcards(s: Subject): void {
  if (s.has("read")) s.succeeds(s.read(7, 1, ALL), "a wildcard read");
  s.succeeds(s.identify(ALL), "a wildcard IDENTIFY");
  if (!isAlone(s)) return;
  const before = s.place(7);
  if (before !== null) {
    for (const extra of [ALL, { major: aoe.ANY_MAJOR }, { minor: aoe.ANY_MINOR }]) {
      s.silent(s.write(7, new Uint8Array(512).fill(0xee), extra), "a wildcard write");
    }
    s.holds(7, before, "after wildcard writes");
  }
  if (s.has("string")) {
    const string = configString(s);
    s.silent(s.config(config.SET, "w", ALL), "a wildcard config set");
    s.silent(s.config(config.FORCE_SET, "w", ALL), "a wildcard config force set");
    s.tells(configString(s), string, "a wildcard config set changed the string");
  }
  if (s.has("reserve")) {
    const listed = members(s);
    s.silent(s.reserve(reserve.SET, [s.facts.own], ALL), "a wildcard reserve set");
    s.tells(members(s), listed, "a wildcard reserve changed the list");
  }
}

/** Two, since a target has been seen to end where the only entry is deleted. */
function addTwo(s: Subject): [number, Mac][] {
  return [s.facts.own, s.other(2)].map((mac) => [mask.DIRECTIVE_ADD, mac]);
}

function wildcardMask(s: Subject): void {
  if (!s.has("mask") || !isAlone(s)) return;
  const listed = masks(s);
  s.silent(s.mask(mask.EDIT, addTwo(s), ALL), "a wildcard mask edit");
  s.tells(masks(s), listed, "a wildcard mask edit changed the list");
}

/** Whether a question is answered for which no answer is due; that is another rule's. */
function isHeard({ prober }: Subject, asked: Frame): boolean {
  const [answers] = prober.burst([asked], 3 * prober.patience.answer);
  return (answers?.length ?? 0) > 0;
}

/** Only where each of two checks is made alone does it say something which comes first. */
function order(s: Subject): void {
  const { own, mostSectors, sectors } = s.facts;
  const { prober } = s;
  const isMade = (asked: Frame, code: number): boolean => {
    const answer = prober.answer(asked);
    return answer !== null && isRefused(answer, code);
  };
  if (isHeard(s, s.config(config.READ, "", { flags: aoe.FLAG_RESPONSE }))) {
    s.leaves("P3 before P7 and P8: a response is answered");
  } else {
    s.silent(s.bare(0x7f, NONE, { flags: aoe.FLAG_RESPONSE, version: 2 }), "P3 before P7 and P8");
  }
  const unknown = isMade(s.bare(0x7f), aoe.ERROR_UNRECOGNIZED);
  if (!unknown) s.leaves("P8 and its neighbours: an unknown command is not refused as one");
  else {
    if (isMade(s.config(config.READ, "", { version: 2 }), aoe.ERROR_VERSION)) {
      s.refused(s.bare(0x7f, NONE, { version: 2 }), aoe.ERROR_VERSION, "P7 before P8");
    } else s.leaves("P7 before P8: another version is not refused as one");
    s.refused(
      s.bare(0x7f, NONE, { major: aoe.ANY_MAJOR }),
      aoe.ERROR_UNRECOGNIZED,
      "P8 before P33 (an unknown command to every shelf)",
    );
  }
  const tooMany = mostSectors < 255 && isMade(s.read(0, 255), aoe.ERROR_ARGUMENT);
  if (!tooMany) s.leaves("P23 and its neighbours: a read of too many sectors is not refused");
  else if (isMade(s.read(0, mostSectors + 1), aoe.ERROR_ARGUMENT)) {
    s.refused(s.read(sectors, mostSectors + 1), aoe.ERROR_ARGUMENT, "P23 before P24");
  }
  if (!tooMany || !s.has("reserve") || !s.has("hosts")) return;
  const stranger = s.other(1);
  prober.answer(s.reserve(reserve.FORCE_SET, [own]));
  if (isMade(s.read(0, 1, { from: stranger }), aoe.ERROR_RESERVED)) {
    s.refused(
      s.read(sectors, 255, { from: stranger }),
      aoe.ERROR_RESERVED,
      "the reservation before arguments and range",
    );
  } else s.leaves("the reservation before arguments and range: it keeps nobody out");
  release(s);
}

function maskFirst(s: Subject): void {
  if (!s.has("mask") || !s.has("hosts")) return;
  const stranger = s.other(1);
  const { prober } = s;
  const { own } = s.facts;
  prober.answer(s.mask(mask.EDIT, addTwo(s)));
  if (isHeard(s, s.config(config.READ, "", { from: stranger }))) {
    s.leaves("the mask list before other checks: it keeps nobody out");
    unmask(s, [stranger]);
    return;
  }
  s.silent(s.config(config.READ, "", { from: stranger, version: 2 }), "the mask list before P7");
  s.silent(s.bare(0x7f, NONE, { from: stranger }), "the mask list before P8");
  if (s.has("reserve")) {
    prober.answer(s.reserve(reserve.FORCE_SET, [own]));
    s.silent(s.read(0, 1, { from: stranger }), "the mask list before the reservation");
    release(s);
  }
  unmask(s, [stranger]);
}

export const ORDER: readonly Rule[] = [
  { id: "P33", title: "a wildcard changes nothing", test: wildcards },
  { id: "P33", title: "a wildcard mask edit", test: wildcardMask, last: 4 },
  { id: "P34", title: "the order of checks", test: order },
  { id: "P34", title: "the mask list's place", test: maskFirst, last: 3 },
];
