// A stop: what is in hand is answered, what was written is durable, and what could not be is said.

import { afterAll, afterEach, expect, test } from "bun:test";

import { insideLabTests, testsInLab } from "../../testing/suites/in_lab.ts";
import { EIO } from "../../sys/errno.ts";
import * as ata from "../../wire/ata.ts";
import {
  cleanUp,
  fresh,
  Peer,
  registers,
  removeFiles,
  serve,
  until,
} from "../../testing/doubles/lab_target.ts";
import {
  ataFrame,
  createProbe,
  pattern,
  readFrame,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { DONE, type Ended, PENDING, type Store } from "../stores/store.ts";
import { createMemoryStore } from "../stores/memory.ts";

afterEach(cleanUp);
afterAll(removeFiles);

/** A store of which every operation goes on until `end` is called, and whose ends wake the waiting caller. */
function slowStore() {
  const inner = createMemoryStore(64);
  const tokens: number[] = [];
  let settled: ((errno: number) => void) | null = null;
  const later = (token: number): number => {
    tokens.push(token);
    return PENDING;
  };
  const ends: (() => void)[] = [];
  const store: Store = {
    ...inner,
    asynchronous: true,
    read: (_lba, _sectors, _memory, _offset, token) => later(token),
    write: (_lba, _sectors, _memory, _offset, token) => later(token),
    flush: later,
    completions: {
      signals: true,
      poll(ended: Ended) {
        for (const end of ends.splice(0)) end();
        for (const token of over.splice(0)) ended(token, DONE, 0);
      },
    },
    settle(ended) {
      settled = ended;
    },
  };
  const over: number[] = [];
  return {
    store,
    end: () => over.push(...tokens.splice(0)),
    settle: (errno: number) => ends.push(() => settled?.(errno)),
    get settles() {
      return settled !== null;
    },
  };
}

if (!insideLabTests) {
  test("what a store has pending is waited for, though its end wakes the loop by itself", () => {
    const slow = slowStore();
    const probe = createProbe({ exported: { store: slow.store } });
    expect(probe.ask(writeFrame(0, pattern(1, 1), { tag: 1 }))).toEqual([]);
    probe.target.close();
    expect(probe.target.isIdle).toBe(false);
    slow.end();
    expect(probe.run(0).map(({ aoe }) => aoe.tag)).toEqual([1]);
    expect(probe.target.isIdle).toBe(true);
  });

  test("what hangs is not waited for", () => {
    const probe = createProbe({ service: "hang:100%" });
    probe.ask(readFrame(0, 1));
    expect([probe.target.inHand, probe.target.isIdle]).toEqual([1, true]);
  });

  test.each([0, EIO])("an export goes once its last flush has ended, with errno %d", (errno) => {
    const slow = slowStore();
    const probe = createProbe({ exported: { store: slow.store } });
    let gone = -1;
    probe.target.removeExport(probe.owner, (told) => {
      gone = told;
    });
    probe.run(0);
    expect([slow.settles, gone, probe.target.isIdle]).toEqual([true, -1, false]);
    slow.settle(errno);
    probe.run(0);
    expect([gone, probe.target.isIdle]).toEqual([errno, true]);
  });
}

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test.each([
    ["writes that wait for the disk", "sync = true", [], () => 1],
    ["the same by Workers", "sync = true", ["--blocking", "worker"], () => 1],
    ["writes and flushes", "", [], (tag: number) => tag % 2],
    ["the same by Workers", "", ["--blocking", "worker"], (tag: number) => tag % 2],
  ])("SIGTERM in the midst of %s: all are answered, exit 0", async (_name, keys, words, writes) => {
    const image = fresh(".img");
    const served = await serve(
      `[[export]]\naddress = "e7.3"\nfile = "${image}"\ncreate = "1m"\n${keys}\n`,
      undefined,
      words,
    );
    const peer = new Peer();
    await peer.ask(readFrame(0, 1, { tag: 1000 }));
    peer.came.length = 0;
    const data = pattern(2, 5);
    for (let tag = 1; tag <= 60; tag++) {
      if (writes(tag) === 1) peer.send(writeFrame(tag * 2, data, { tag }));
      else peer.send(ataFrame({ command: ata.FLUSH_EXT }, { tag }));
    }
    await until("the first answer", () => peer.receive().length > 0);
    served.signal("SIGTERM");
    expect(await served.exited).toBe(0);
    const answers = peer.receive().map((frame) => [frame.aoe.tag, registers(frame).command]);
    expect(answers.map(([tag]) => tag).toSorted((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
    for (const [, status] of answers) expect(status).toBe(ata.STATUS_DRDY);
    expect(served.said()).not.toContain("without an answer");
    expect(served.said()).not.toContain("invariant");
  });
});
