// P16, P17, P28, P29: reservations, mask lists, late copies, unknown sub-commands.

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import { isError, toBytes } from "../../wire/frame.ts";
import type { Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { fitting } from "./meet.ts";
import type { Rule } from "./rule.ts";
import {
  AT_ONCE,
  configString,
  list,
  masks,
  masksIn,
  members,
  release,
  setString,
  text,
  unmask,
} from "./state.ts";
import { isGood, type Subject, tell } from "./subject.ts";

const { DIRECTIVE_ADD: ADD, DIRECTIVE_DELETE: DELETE, DIRECTIVE_NONE: NONE } = mask;

/** Each step stands on the one before: the first that fails is told, and what stands on it is left. */
function reservations(s: Subject): void {
  if (!s.has("reserve")) return;
  const { own } = s.facts;
  if (!release(s)) {
    s.leaves("what a reservation does: the list can't be emptied, or not be read");
    return;
  }
  const friend = s.other(1);
  const stranger = s.other(2);
  const become = (names: readonly Mac[], what: string): boolean => {
    const found = members(s);
    return s.tells(
      found,
      list(...names),
      `${what}: the list has ${found?.length} members, not the ${names.length} of ${what}`,
    );
  };
  if (s.succeeds(s.reserve(reserve.SET, [own, friend]), "a set where the list is empty") === null) {
    return;
  }
  if (!become([own, friend], "a set")) return;
  const reads = s.has("read");
  if (reads) s.good(s.read(0, 1), "a member's read");
  const lying = toBytes(s.reserve(reserve.FORCE_SET, [own]));
  lying[reserve.COUNT] = 200;
  s.refused(lying, aoe.ERROR_ARGUMENT, "a count beyond the frame");
  if (!become([own, friend], "what stood before a refused count")) return;
  if (s.has("hosts")) strangers(s, friend, stranger, reads, become);
  s.succeeds(s.reserve(reserve.FORCE_SET, []), "a release");
  become([], "a release");
  if (reads) s.good(s.read(0, 1), "a read after the release");
}

function strangers(
  s: Subject,
  friend: Mac,
  stranger: Mac,
  reads: boolean,
  become: (names: readonly Mac[], what: string) => boolean,
): void {
  const { own } = s.facts;
  const from = { from: stranger };
  if (reads) {
    s.good(s.read(0, 1, { from: friend }), "another member's read");
    s.refused(s.read(0, 1, from), aoe.ERROR_RESERVED, "a stranger's read");
  }
  if (!s.lacks.has("write")) {
    s.refused(s.write(9, new Uint8Array(512), from), aoe.ERROR_RESERVED, "a stranger's write");
  }
  s.succeeds(s.identify(from), "a stranger's IDENTIFY");
  s.succeeds(s.config(config.READ, "", from), "a stranger's config read");
  s.refused(s.reserve(reserve.SET, [stranger], from), aoe.ERROR_RESERVED, "a stranger's set");
  if (!become([own, friend], "what stood before a refused set")) return;
  if (s.succeeds(s.reserve(reserve.SET, [own], { from: friend }), "a member's set") !== null) {
    if (!become([own], "a member's set")) return;
  }
  const forced = s.succeeds(
    s.reserve(reserve.FORCE_SET, [stranger], from),
    "a stranger's force set",
  );
  if (forced === null || !become([stranger], "a stranger's force set")) return;
  if (reads) s.refused(s.read(0, 1), aoe.ERROR_RESERVED, "a read of who was put off the list");
  s.succeeds(s.reserve(reserve.SET, [], from), "a member's release");
  become([], "a member's release");
}

/** As above. What is left in the list, the suite empties. */
function maskList(s: Subject): void {
  if (!s.has("mask")) return;
  const { own } = s.facts;
  const [friend, third, fourth, stranger] = [s.other(1), s.other(2), s.other(3), s.other(4)];
  const add = (...macs: Mac[]): [number, Mac][] => macs.map((mac) => [ADD, mac]);
  const listed = (names: readonly Mac[], what: string): boolean => {
    const found = masks(s) ?? masks(s, friend);
    const missing = names.filter((mac) => found?.includes(mac) !== true).length;
    return s.tells(
      found,
      list(...names),
      missing > 0
        ? `${what}: ${missing} of ${names.length} entries are missing`
        : `${what}: it lists ${found?.length} entries, not ${names.length}`,
    );
  };
  const first = s.succeeds(s.mask(mask.EDIT, add(own, friend)), "an edit that adds two");
  if (first === null || !listed([own, friend], "after adding two")) return;
  s.tells(masksIn(first), list(own, friend), "the answer to an edit is not the list");
  if (s.has("hosts")) {
    for (const [name, asked] of s.harmless({ from: stranger })) {
      s.silent(asked, `a stranger's ${name}`);
    }
    if (s.has("read")) s.succeeds(s.read(0, 1, { from: friend }), "a listed host's read");
  }
  if (s.succeeds(s.mask(mask.EDIT, add(third)), "a later edit that adds one") === null) return;
  if (!listed([own, friend, third], "after a later edit")) return;
  s.succeeds(s.mask(mask.EDIT, [[NONE, 0]]), "a directive that does nothing");
  const half = s.mask(mask.EDIT, [...add(fourth), [7, stranger], ...add(s.other(5))]);
  const bad = s.answered(half, "an edit with a bad directive");
  if (bad !== null) {
    const { body } = bad.frame;
    s.expect(
      body.kind === "mask" && body.error === mask.ERROR_DIRECTIVE && body.count === 1,
      `an edit whose second directive is bad: ${tell(bad)}, not MError 2 after 1`,
    );
  }
  const four = [own, friend, third, fourth];
  if (!listed(four, "after an edit that is good up to its second directive")) return;
  const lying = toBytes(s.mask(mask.EDIT, add(own)));
  lying[mask.COUNT] = 100;
  s.refused(lying, aoe.ERROR_ARGUMENT, "a directive count beyond the frame");
  if (!listed(four, "after a refused directive count")) return;
  toTheBrim(s, four);
  if (s.succeeds(s.mask(mask.EDIT, [[DELETE, third]]), "an edit that deletes one") === null) return;
  if (s.has("hosts")) {
    s.silent(s.config(config.READ, "", { from: third }), "a deleted host's config read");
  }
  const crowd = Array.from({ length: 255 }, (_, index) => s.other(100 + index));
  unmask(s, [friend, fourth, stranger, ...crowd]);
  const left = masks(s);
  s.tells(left, [], `after each entry is deleted: ${left?.length} are left`);
}

/** What one frame at the smallest MTU of the target's interfaces holds, 255 at most; which MTU that is, is the target's to know. */
function toTheBrim(s: Subject, listed: readonly Mac[]): void {
  const { mtu, mostSectors } = s.facts;
  const most = Math.min(255, Math.floor((mtu + 14 - mask.LENGTH) / mask.DIRECTIVE_LENGTH));
  const crowd = Array.from({ length: most - listed.length }, (_, index) => s.other(100 + index));
  const wanted = [...listed];
  let full = false;
  for (let at = 0; at < crowd.length && !full; at += AT_ONCE) {
    const some = crowd.slice(at, at + AT_ONCE);
    const answer = s.prober.answer(
      s.mask(
        mask.EDIT,
        some.map((mac) => [ADD, mac] as const),
      ),
    );
    const body = answer?.frame.body;
    full = body?.kind === "mask" && body.error === mask.ERROR_FULL;
    wanted.push(...some);
  }
  const found = masks(s);
  if (found === null) {
    s.leaves(`a list of ${most}: a read of it is not answered`);
    return;
  }
  if (full) {
    s.leaves(
      `a list of ${most}: it is full with ${found.length}, as a smaller MTU of its own would have it`,
    );
    return;
  }
  if (
    !s.tells(
      found,
      list(...wanted),
      `of a list of ${most}, ${found.length} are kept, and no MError 3 says so`,
    )
  ) {
    return;
  }
  if (mostSectors !== fitting(mtu)) {
    s.leaves(`an entry beyond ${most}: the target's MTU is not ours`);
    return;
  }
  const over = s.answered(s.mask(mask.EDIT, [[ADD, s.other(999)]]), `an entry beyond ${most}`);
  if (over === null) return;
  const { body } = over.frame;
  s.expect(
    body.kind === "mask" && body.error === mask.ERROR_FULL,
    `an entry beyond ${most}: ${tell(over)}, not MError 3`,
  );
}

/** A target has been seen to end here. */
function onlyEntry(s: Subject): void {
  if (!s.has("mask")) return;
  const { own } = s.facts;
  s.prober.answer(s.mask(mask.EDIT, [[ADD, own]]));
  if (String(masks(s)) !== String([own])) {
    s.leaves("the only entry's end: it can't be made the only one");
    return;
  }
  s.succeeds(s.mask(mask.EDIT, [[DELETE, own]]), "an edit that deletes the only entry");
  s.tells(masks(s), [], "the list is not empty behind it");
}

function unknownSubcommands(s: Subject): void {
  const string = setString(s, "kept");
  for (const command of [5, 9, 15]) {
    s.refused(s.config(command, "gone"), aoe.ERROR_ARGUMENT, `CCmd ${command}`);
  }
  s.tells(configString(s), string, "an unknown CCmd changed the string");
  if (s.has("mask")) {
    const listed = masks(s);
    for (const command of [2, 255]) {
      s.refused(s.mask(command, [[ADD, s.facts.own]]), aoe.ERROR_ARGUMENT, `MCmd ${command}`);
    }
    s.tells(masks(s), listed, "an unknown MCmd changed the list");
  }
  if (s.has("reserve")) {
    const reserved = members(s);
    for (const command of [3, 255]) {
      s.refused(s.reserve(command, [s.other(1)]), aoe.ERROR_ARGUMENT, `RCmd ${command}`);
    }
    s.tells(members(s), reserved, "an unknown RCmd changed the list");
  }
}

/** A copy is one only of what was carried out: each is looked at before. */
function duplicates(s: Subject): void {
  if (s.has("write")) lateWrite(s);
  if (s.has("string") && setString(s, "")?.length === 0) {
    const set = s.config(config.SET, "once");
    s.prober.answer(set);
    const once = configString(s);
    const emptied = setString(s, "");
    if (String(once) === String(text("once")) && emptied?.length === 0) {
      const again = s.answered(set, "a late copy of a config set");
      if (again !== null) {
        s.expect(!isError(again.frame), `a late copy of a config set: ${tell(again)}`);
      }
      s.tells(configString(s), emptied, "a late copy of a config set was carried out");
    } else s.leaves("a late copy of a config set: the set itself is not carried out");
  }
  if (s.has("reserve") && release(s)) {
    const { own } = s.facts;
    const set = s.reserve(reserve.SET, [own]);
    s.prober.answer(set);
    const once = members(s);
    if (String(once) === String([own]) && release(s)) {
      s.answered(set, "a late copy of a reserve set");
      s.tells(members(s), [], "a late copy of a reserve set was carried out");
    } else s.leaves("a late copy of a reserve set: the set itself is not carried out");
  }
  s.leaves("copies of a request that is still in service");
}

function lateWrite(s: Subject): void {
  const older = new Uint8Array(512).fill(0x11);
  const newer = new Uint8Array(512).fill(0x22);
  const first = s.write(11, older);
  s.prober.answer(first);
  const wrote = String(s.data(11, 1)) === String(older);
  s.prober.answer(s.write(11, newer));
  if (!wrote || String(s.data(11, 1)) !== String(newer)) {
    s.leaves("a late copy of a write: the write itself is not carried out");
    return;
  }
  const again = s.answered(first, "a late copy of the first write");
  if (again !== null) s.expect(isGood(again), `a late copy of the first write: ${tell(again)}`);
  s.holds(11, newer, "a late copy of a write undid a later one");
}

export const LISTS: readonly Rule[] = [
  { id: "P16", title: "reserve and release", test: reservations },
  { id: "P17", title: "MAC mask list", test: maskList, last: 2 },
  { id: "P17", title: "the only entry", test: onlyEntry, last: 5 },
  { id: "P28", title: "a late copy is not carried out again", test: duplicates },
  { id: "P29", title: "unknown sub-commands: error 2", test: unknownSubcommands },
];
