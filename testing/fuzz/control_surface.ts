// Lines at the control socket of a running target, between frames: every verb, good and bad keys, any
// JSON and what is none. Each line is answered once, by `ok` and a sentence or figures; no fault of ours is
// told as one; and the target serves on, with every slot back, whatever came and went.
//
//   say LINE     one line, as a client sends it
//   send HEX     a frame;  wait NS   time passes

import { parseExport } from "../../target/config/read.ts";
import { command, type Reply, VERBS } from "../../target/control/verbs.ts";
import type { Running } from "../../target/control/running.ts";
import { Exports } from "../../target/exports/exports.ts";
import { createProbe, pattern, readFrame, writeFrame } from "../doubles/probe.ts";
import { FileIo } from "../../target/stores/file_io.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { toBytes } from "../../wire/frame.ts";
import { environment } from "../../words/failure.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { makeSession } from "./frame_grammar.ts";
import { mutateText } from "./mutate.ts";
import { fromHex, must, pick, type Surface, toHex } from "./surface.ts";

/** Bytes of an export's memory at most: a larger one is refused before it is made. */
const MOST_BYTES = 16 << 20;

function makeLine(random: Random): string {
  const verbs = VERBS.map(({ verb }) => verb) as [string, ...string[]];
  const address = (): string => pick(random, ["e7.3", "e7.3", "e7.4", "e9.9", "7.3", ""]);
  const verb = pick(random, [...verbs, "no such verb"] as [string, ...string[]]);
  const request: Record<string, unknown> = { verb };
  if (random.below(3) === 0) request["id"] = pick<unknown>(random, [1, "a", null, { b: [] }]);
  if (verb === "export add") {
    request["export"] = {
      address: address(),
      memory: pick(random, ["500k", "1m", "512", "64k"]),
      ...(random.below(3) === 0 ? { service: "delay:1ms" } : {}),
      ...(random.below(3) === 0 ? { buffer_count: pick<unknown>(random, [2, 0, 64, "x"]) } : {}),
      ...(random.below(4) === 0 ? { read_only: true } : {}),
    };
  } else if (random.below(5) > 0) {
    request["export"] = address();
  }
  if (verb === "service") {
    request["model"] = pick<unknown>(random, ["", "delay:1ms", "hang:50%", "lanes:1,delay:1ms", 5]);
  }
  if (random.below(8) === 0) request[pick(random, ["exprot", "__proto__", "model"])] = 1;
  const line = JSON.stringify(request);
  return random.below(3) === 0 ? mutateText(line, random, 4).replaceAll(/[\r\n]/g, " ") : line;
}

export const controlSurface: Surface = {
  name: "control",
  about: "lines at the control socket of a target that serves",
  make(random) {
    const frames = makeSession(random, 10, false)
      .split("\n")
      .filter((line) => line.startsWith("send "));
    const own = [readFrame(3, 2), writeFrame(5, pattern(2, 1))].map(
      (frame) => `send ${toHex(toBytes(frame))}`,
    );
    const lines: string[] = [];
    for (let left = 1 + random.below(25); left > 0; left--) {
      const kind = random.below(6);
      if (kind < 3) lines.push(`say ${makeLine(random)}`);
      else if (kind === 3) lines.push(`wait ${random.below(3e6)}`);
      else lines.push(pick(random, [...own, ...frames] as [string, ...string[]]));
    }
    return lines.join("\n");
  },
  run(input) {
    const probe = createProbe();
    const { target, clock } = probe;
    target.removeExport(probe.owner, () => {});
    probe.run(0);
    const context = {
      state: null,
      random: createRandom(1),
      what: "service",
      io: new FileIo(),
      sayOnce: () => {},
    };
    const exports = new Exports(target, context, () => {});
    exports.add(parseExport({ address: "e7.3", memory: "500k" }, "export"));
    const running: Running = {
      target,
      startedAt: 0,
      now: () => clock.now(),
      fileIo: () => null,
      missingInterfaces: () => [],
      setService: (address, model) => exports.setService(address, model),
      addExport(plan) {
        if (plan.store.kind !== "memory" || plan.store.bytes > MOST_BYTES) {
          throw environment("No room for that here");
        }
        exports.add(plan);
      },
      removeExport: (address, gone) => exports.remove(address, gone),
      resizeExport: (address) => exports.resize(address),
      reload(done) {
        const plans = [...exports.all].map(({ plan }) => plan);
        exports.apply(plans, done);
      },
      quit: () => {},
    };
    let asked = 0;
    let answered = 0;
    let good = 0;
    const say = (line: string): void => {
      let replies = 0;
      asked++;
      command(line, running, (reply) => {
        replies++;
        answered++;
        must(replies === 1, () => `${replies} answers to ${line}`);
        const text = textOf(reply);
        must(!text.includes("\n"), () => `an answer of several lines: ${text}`);
        const { ok, error } = JSON.parse(text) as { ok: unknown; error?: unknown };
        must(typeof ok === "boolean", () => `an answer without ok: ${text}`);
        must(
          ok === true || (typeof error === "string" && error !== ""),
          () => `no reason: ${text}`,
        );
        must(!text.includes("a fault in this program"), () => `${line}\n  is answered ${text}`);
        if (ok === true) good++;
      });
    };
    for (const line of input.split("\n")) {
      const rest = line.slice(line.indexOf(" ") + 1);
      if (line.startsWith("say ")) say(rest);
      else if (line.startsWith("wait ")) probe.run(Number(rest) || 0);
      else if (line.startsWith("send ")) {
        const bytes = fromHex(rest);
        if (bytes.length >= ethernet.LENGTH) probe.ask(bytes);
      }
    }
    // What hangs is released, so that exports on their way out can leave.
    for (const { owner } of [...exports.all]) target.setModel(owner, { text: "", stages: [] });
    say('{"verb":"release"}');
    probe.run(10e9);
    must(answered === asked, () => `${answered} answers to ${asked} lines`);
    must(target.inHand === 0, () => `${target.inHand} requests are still in hand`);
    for (const { owner } of exports.all) {
      must(owner.counters.inService === 0, () => `${owner.counters.inService} still in service`);
    }
    return good > 1 ? "obeyed" : "refused";
  },
};

function textOf(reply: Reply): string {
  if (!("next" in reply)) return JSON.stringify(reply);
  let text = "";
  const pieces = reply as Iterator<string>;
  for (let { done, value } = pieces.next(); done !== true; { done, value } = pieces.next()) {
    text += value;
  }
  return text.trimEnd();
}
