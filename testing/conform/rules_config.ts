// P9–P12: query config, the announcement, the buffer count.

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { isError, toBytes } from "../../wire/frame.ts";
import { BROADCAST } from "../../wire/mac.ts";
import { printableBytes } from "../../words/printable.ts";
import type { Question } from "./prober.ts";
import type { Rule } from "./rule.ts";
import { configString, setString, text } from "./state.ts";
import { isRefused, type Subject, tell } from "./subject.ts";

/** Tests, prefixes and sets go by the string that the target has, whether or not it was set by us. */
function configCommands(s: Subject): void {
  const lying = toBytes(s.config(config.READ));
  new DataView(lying.buffer).setUint16(config.STRING_LENGTH, 1024);
  s.succeeds(lying, "a read whose length field says 1024");

  setString(s, "");
  const forced = s.succeeds(s.config(config.FORCE_SET, "shelf seven"), "a force set");
  const ours = configString(s);
  if (forced !== null) {
    s.tells(ours, text("shelf seven"), "a force set did not change the string");
  }
  if (ours === null) {
    s.leaves("what goes by the string: a read of it is not answered");
    return;
  }
  const { length } = ours;
  const other = ours.map((byte) => byte ^ 1);
  const longer = new Uint8Array([...ours, 0x20]);
  s.succeeds(s.config(config.TEST, ours), "a test of the same string");
  s.succeeds(
    s.config(config.TEST_PREFIX, ours.subarray(0, length >> 1)),
    "a test of a prefix as one",
  );
  s.succeeds(s.config(config.TEST_PREFIX, ""), "a test of the empty prefix");
  if (length < config.LONGEST_STRING) {
    s.silent(s.config(config.TEST, longer), "a test of more than the string");
    s.silent(s.config(config.TEST_PREFIX, longer), "a test of more than the string as a prefix");
  }
  if (length > 0) {
    s.silent(s.config(config.TEST, ours.subarray(0, length - 1)), "a test of a prefix");
    s.silent(s.config(config.TEST, other), "a test of another string");
    s.silent(s.config(config.TEST_PREFIX, other), "a test of what is no prefix");
    s.refused(s.config(config.SET, other), aoe.ERROR_CONFIG_PRESENT, "a set over another string");
    s.tells(configString(s), ours, "a refused set changed the string");
    s.succeeds(s.config(config.SET, ours), "a set of the same string");
    s.tells(configString(s), ours, "a set of the same string changed it");
  } else s.leaves("tests of another string, and sets over one: its string is empty");
  if (s.has("string")) settable(s);
}

function settable(s: Subject): void {
  const room = ethernet.LENGTH + s.facts.mtu;
  const long = "x".repeat(config.LONGEST_STRING);
  if (room >= config.LENGTH + config.LONGEST_STRING) {
    const answer = s.answered(s.config(config.FORCE_SET, long), "a force set of 1024 bytes");
    if (answer !== null && isRefused(answer, aoe.ERROR_ARGUMENT)) {
      s.leaves("a string of 1024 bytes is refused, as a smaller MTU of its own would have it");
    } else if (answer !== null) {
      s.expect(!isError(answer.frame), `a force set of 1024 bytes: ${tell(answer)}`);
      s.tells(configString(s), text(long), "a string of 1024 bytes does not come back");
    }
  } else s.leaves(`a string of ${config.LONGEST_STRING} bytes, for which this MTU is too small`);
  if (setString(s, "")?.length === 0) {
    if (s.succeeds(s.config(config.SET, "first"), "a set where there is no string") !== null) {
      s.tells(configString(s), text("first"), "a set where there is no string did not set it");
    }
  }
  const before = configString(s);
  for (const [name, said, carried] of [
    ["a length of 1025", 1025, 1025],
    ["a length beyond the frame", 200, 10],
    // A header's worth beyond: what a check that forgets the header lets pass.
    ["a length 32 bytes beyond the frame", 132, 100],
  ] as const) {
    if (config.LENGTH + carried > room) continue;
    const bytes = toBytes(s.config(config.FORCE_SET, "y".repeat(carried)));
    new DataView(bytes.buffer).setUint16(config.STRING_LENGTH, said);
    s.refused(bytes, aoe.ERROR_ARGUMENT, name);
  }
  s.tells(configString(s), before, "force sets of a wrong length changed the string");
}

function configAnswers(s: Subject): void {
  const told = setString(s, "told");
  // What is said to be current may change by itself: only what stays the same can be missed in an answer.
  const reads: config.Config[] = [];
  for (let index = 0; index < 4; index++) {
    const answer = s.answered(s.config(config.READ), "read");
    if (answer?.frame.body.kind === "config" && !isError(answer.frame)) {
      reads.push(answer.frame.body);
    }
  }
  const [first] = reads;
  if (told === null || first === undefined) {
    s.leaves("what an answer carries: a read is not answered");
    return;
  }
  // Where the string can be set, ours is what must come; where it can't, what stands there.
  const wanted = s.lacks.has("string") ? told : text("told");
  const fields = [
    ["buffer count", (body: config.Config) => body.bufferCount],
    ["firmware version", (body: config.Config) => body.firmware],
    ["number of sectors a command", (body: config.Config) => body.sectorCount],
  ] as const;
  const steady = fields.filter(([name, value]) => {
    const same = reads.every((body) => value(body) === value(first));
    if (!same) s.leaves(`its ${name} changes from one read to the next`);
    return same;
  });
  for (const [name, asked] of [
    ["read", s.config(config.READ)],
    ["test", s.config(config.TEST, wanted)],
    ["test prefix", s.config(config.TEST_PREFIX, wanted.subarray(0, 2))],
    ["force set", s.lacks.has("string") ? null : s.config(config.FORCE_SET, "told")],
    ["wildcard read", s.config(config.READ, "", { major: aoe.ANY_MAJOR, to: BROADCAST })],
  ] as const) {
    const answer = asked === null ? null : s.prober.answer(asked);
    // Whether it is answered is P9's; what an error carries is P31's.
    if (answer === null || isError(answer.frame) || answer.frame.body.kind !== "config") continue;
    const { body } = answer.frame;
    for (const [field, value] of steady) {
      const is = value(body);
      s.expect(
        is === value(first),
        `${name}: a ${field} of ${is}, where reads say ${value(first)}`,
      );
    }
    s.expect(body.version === aoe.VERSION, `${name}: version ${body.version}`);
    s.expect(
      String(body.string) === String(wanted),
      `${name}: the string \`${printableBytes(body.string)}\`, not \`${printableBytes(wanted)}\``,
    );
  }
}

function announcement(s: Subject): void {
  const { announcement: heard } = s.facts;
  if (heard === null) {
    s.leaves("it was there before the suite listened; start it after the suite (--wait 30s)");
    return;
  }
  const { body, aoe: header } = heard.frame;
  s.expect(header.tag === 0, `the announcement has tag ${header.tag}`);
  s.expect(header.version === aoe.VERSION, `the announcement has AoE version ${header.version}`);
  if (body.kind === "config") {
    s.expect(body.version === aoe.VERSION, `the announcement says version ${body.version}`);
  }
  s.leaves("a change of its MTU");
}

function bufferCount(s: Subject): void {
  const { bufferCount: count } = s.facts;
  s.expect(count >= 2, `a buffer count of ${count} leaves Linux with a dead device`);
  if (!s.has("read")) return;
  const { prober } = s;
  const burst = Math.min(count, 256);
  // A frame may be lost on its way, once or twice; room that is missing is missing each time.
  let most = 0;
  let missed: Question | null = null;
  for (let time = 0; time < 3 && most < burst; time++) {
    const asked = Array.from({ length: burst }, (_, index) => s.read(index % 32, 1));
    const answers = prober.burst(asked, 3 * prober.patience.answer);
    most = Math.max(most, answers.filter((each) => each.length > 0).length);
    const tag = asked[answers.findIndex((each) => each.length === 0)]?.aoe.tag ?? 0;
    missed = prober.questions.get(tag) ?? null;
  }
  s.expect(most === burst, `${most} of ${burst} reads at once are answered`, missed);
  if (burst < count) s.leaves(`more than ${burst} of its ${count} messages at once`);
}

export const CONFIG: readonly Rule[] = [
  { id: "P9", title: "config read, test, prefix, set, force set", test: configCommands },
  { id: "P10", title: "what every config answer carries", test: configAnswers },
  { id: "P11", title: "it announces itself", test: announcement },
  { id: "P12", title: "buffer count ≥ 2, and as many at once", test: bufferCount },
];
