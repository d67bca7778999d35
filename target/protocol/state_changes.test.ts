// Changes of what clients set, while an earlier one is being saved: each is answered once it is durable, in its order,
// and nothing else waits for it.

import { expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { EMPTY_STATE, type ExportState } from "./export.ts";
import {
  configFrame,
  createProbe,
  maskFrame,
  maskOf,
  OTHER,
  OURS,
  PEER,
  readFrame,
  reserveFrame,
  reserveOf,
  textOf,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";

/** A target whose saves end when told. */
function build(bufferCount = 64) {
  const saved: ExportState[] = [];
  let ended: (errno: number) => void = () => {};
  const probe = createProbe({
    exported: {
      bufferCount,
      save(state, end) {
        saved.push(state);
        ended = end;
      },
    },
    more: [{ major: 7, minor: 4, store: createMemoryStore(8) }],
  });
  return {
    probe,
    saved,
    /** The save on its way ends; what is answered by that. */
    end(errno = 0) {
      ended(errno);
      return probe.run(0);
    },
  };
}

const set = (text: string, tag: number) => configFrame(config.FORCE_SET, text, { tag });
const strings = (states: readonly ExportState[]): string[] =>
  states.map((state) => new TextDecoder().decode(state.config));

test("a change is answered when it is durable, and until then everyone sees what was", () => {
  const { probe, end } = build();
  expect(probe.ask(set("first", 1))).toEqual([]);
  expect(textOf(probe.answer(configFrame(config.READ, "", { tag: 2 })))).toBe("");
  expect(probe.ask(configFrame(config.TEST, "first", { tag: 3 }))).toEqual([]);
  // Other commands of this export and of others go on.
  expect(probe.ask(readFrame(0, 1, { tag: 4 }))).toHaveLength(1);
  expect(probe.ask(readFrame(0, 1, { tag: 5, minor: 4 }))).toHaveLength(1);
  const [answer, ...more] = end();
  expect([answer?.aoe.tag, more.length]).toEqual([1, 0]);
  expect(textOf(answer as NonNullable<typeof answer>)).toBe("first");
  expect(textOf(probe.answer(configFrame(config.READ, "", { tag: 6 })))).toBe("first");
});

test("what comes while one is saved is gathered in one save, and answered in order, each with its own result", () => {
  const { probe, saved, end } = build();
  probe.ask(set("first", 1));
  for (let tag = 2; tag <= 40; tag++) expect(probe.ask(set(`number ${tag}`, tag))).toEqual([]);
  expect(strings(saved)).toEqual(["first"]);
  expect(end().map(({ aoe: { tag } }) => tag)).toEqual([1]);
  expect(strings(saved)).toEqual(["first", "number 40"]);
  const answers = end();
  expect(answers.map(({ aoe: { tag } }) => tag)).toEqual(
    Array.from({ length: 39 }, (_, index) => index + 2),
  );
  expect(answers.map(textOf)).toEqual(answers.map(({ aoe: { tag } }) => `number ${tag}`));
  expect(saved).toHaveLength(2);
});

test("what says again what is being saved is answered with it, without a save of its own", () => {
  const { probe, saved, end } = build();
  probe.ask(set("same", 1));
  expect(probe.ask(configFrame(config.SET, "same", { tag: 2 }))).toEqual([]);
  expect(probe.ask(set("same", 3))).toEqual([]);
  expect(end().map(({ aoe: { tag } }) => tag)).toEqual([1, 2, 3]);
  expect(strings(saved)).toEqual(["same"]);
});

test("each change begins from the one before, saved or not; what follows from one waits for it", () => {
  const { probe, end } = build();
  probe.ask(configFrame(config.SET, "mine", { tag: 1 }));
  // Refused for what is not durable yet, so not refused yet.
  expect(probe.ask(configFrame(config.SET, "theirs", { tag: 2, from: OTHER }))).toEqual([]);
  expect(probe.ask(configFrame(config.SET, "mine", { tag: 3 }))).toEqual([]);
  probe.ask(maskFrame(mask.EDIT, [[mask.DIRECTIVE_ADD, PEER]], { tag: 4 }));
  probe.ask(maskFrame(mask.EDIT, [[mask.DIRECTIVE_ADD, OTHER]], { tag: 5 }));
  probe.ask(reserveFrame(reserve.SET, [PEER], { tag: 6 }));
  expect(probe.ask(reserveFrame(reserve.SET, [OTHER], { tag: 7, from: OTHER }))).toEqual([]);
  expect(probe.ask(readFrame(0, 1, { tag: 8, from: OTHER }))).toHaveLength(1);
  expect(end().map(({ aoe: { tag } }) => tag)).toEqual([1]);
  const [theirs, mine, first, second, reserved, refused] = end();
  expect([theirs?.aoe.error, mine?.aoe.error]).toEqual([aoe.ERROR_CONFIG_PRESENT, 0]);
  expect(textOf(theirs as NonNullable<typeof theirs>)).toBe("mine");
  const macs = (answer: typeof first) =>
    maskOf(answer as NonNullable<typeof answer>).directives.map(({ mac }) => mac);
  expect([macs(first), macs(second)]).toEqual([[PEER], [PEER, OTHER]]);
  expect(reserveOf(reserved as NonNullable<typeof reserved>).macs).toEqual([PEER]);
  expect(refused?.aoe.error).toBe(aoe.ERROR_RESERVED);
  expect(probe.owner.state).toEqual({
    config: new TextEncoder().encode("mine"),
    masks: [PEER, OTHER],
    reservation: [PEER],
  });
});

test("where a save fails so does what was gathered behind it, and the next change begins from what was", () => {
  const { probe, saved, end } = build();
  probe.ask(set("lost", 1));
  probe.ask(maskFrame(mask.EDIT, [[mask.DIRECTIVE_ADD, PEER]], { tag: 2 }));
  probe.ask(configFrame(config.SET, "lost", { tag: 3 }));
  const [first, second, third, ...more] = end(28);
  expect(more).toEqual([]);
  expect([first?.aoe.error, third?.aoe.error]).toEqual([
    aoe.ERROR_UNAVAILABLE,
    aoe.ERROR_UNAVAILABLE,
  ]);
  expect(textOf(first as NonNullable<typeof first>)).toBe("");
  expect(maskOf(second as NonNullable<typeof second>)).toMatchObject({
    error: mask.ERROR_UNSPECIFIED,
    count: 0,
  });
  expect(probe.owner.state).toEqual(EMPTY_STATE);
  expect(probe.owner.counters).toMatchObject({ storeErrors: 1, lastErrno: 28 });
  probe.ask(configFrame(config.SET, "kept", { tag: 4 }));
  expect(end().map(textOf)).toEqual(["kept"]);
  expect(strings(saved)).toEqual(["lost", "kept"]);
});

test("a mask edit that fails at a directive repeats those that were done, also when it had to wait", () => {
  const { probe, end } = build();
  const good = Array.from({ length: 20 }, (_, index) => [mask.DIRECTIVE_ADD, index + 1] as const);
  expect(probe.ask(maskFrame(mask.EDIT, [...good, [9, PEER], [1, OTHER]], { tag: 1 }))).toEqual([]);
  // Others have come and gone in its place since.
  for (let tag = 2; tag < 9; tag++) probe.ask(configFrame(config.READ, "x".repeat(300), { tag }));
  const [answer] = end();
  const body = maskOf(answer as NonNullable<typeof answer>);
  expect(body).toMatchObject({ error: mask.ERROR_DIRECTIVE, count: 20 });
  expect(body.directives.map(({ command, mac }) => [command, mac])).toEqual(
    good.map(([command, mac]) => [command, mac]),
  );
});

test("while it is saved a copy is dropped (P28), the buffer count holds (P12), and the target is not idle", () => {
  const { probe, end } = build(2);
  probe.ask(set("a", 1));
  probe.ask(set("a", 1));
  probe.ask(set("b", 2));
  probe.ask(set("c", 3));
  expect(probe.target.ports[0]?.counters).toMatchObject({
    duplicatesDropped: 1,
    overBufferCount: 1,
  });
  expect(probe.target.inHand).toBe(2);
  probe.target.close();
  expect(probe.target.isIdle).toBe(false);
  expect([...end(), ...end()].map(textOf)).toEqual(["a", "b"]);
  expect([probe.target.inHand, probe.target.isIdle]).toEqual([0, true]);
});

test("an export is gone, and a link too, only when the change in hand has ended", () => {
  const { probe, end } = build();
  probe.ask(set("a", 1));
  const gone: string[] = [];
  probe.target.removeExport(probe.owner, () => gone.push("export"));
  const [port] = probe.target.ports;
  probe.target.removePort(port as NonNullable<typeof port>, () => gone.push("port"));
  probe.run(1e9);
  expect(gone).toEqual([]);
  expect(end()).toEqual([]);
  expect(gone.toSorted()).toEqual(["export", "port"]);
  expect(strings([probe.owner.state])).toEqual(["a"]);
  expect(OURS).toBe(port?.link.mac ?? 0);
});
