// What a running target tells and is told, without sockets: verbs, stats, metrics, and top's lines.
// Long, since all of it is asked of one target.

import { describe, expect, test } from "bun:test";

import { FileIo } from "../stores/file_io.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { createRandom } from "../../words/random.ts";
import { Exports } from "../exports/exports.ts";
import {
  createProbe,
  type Probe,
  pattern,
  readFrame,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { parseExport } from "../config/read.ts";
import { Target } from "../protocol/target.ts";
import { requestOf } from "./ctl.ts";
import { EXPORT_FIGURES, INTERFACE_FIGURES, TARGET_FIGURES } from "./figures.ts";
import { metricsPieces } from "./metrics.ts";
import type { Running } from "./running.ts";
import { plain, type Sample, view } from "./top.ts";
import { command, type Reply, VERBS } from "./verbs.ts";

interface World {
  readonly probe: Probe;
  readonly running: Running;
  readonly exports: Exports;
  readonly log: string[];
  /** What one line is answered with, once time has passed. */
  say(line: unknown): Record<string, unknown>;
}

function build(): World {
  const probe = createProbe();
  const { target, clock } = probe;
  const log: string[] = [];
  target.removeExport(probe.owner, () => {});
  probe.run(0);
  const exports = new Exports(
    target,
    {
      state: null,
      random: createRandom(1),
      what: "service",
      io: new FileIo(),
      sayOnce: (sentence) => log.push(sentence),
    },
    (sentence) => log.push(sentence),
  );
  exports.add(parseExport({ address: "e7.3", memory: "500k" }, "export"));
  probe.run(0);
  const running: Running = {
    target,
    startedAt: 0,
    now: clock.now,
    fileIo: () => null,
    missingInterfaces: () => ["eth9"],
    setService: (address, model) => exports.setService(address, model),
    addExport: (plan) => {
      exports.add(plan);
    },
    removeExport: (address, gone) => exports.remove(address, gone),
    resizeExport: (address) => exports.resize(address),
    reload: (done) =>
      exports.apply(
        [...exports.all].map(({ plan }) => plan),
        done,
      ),
    quit: () => log.push("quit"),
  };
  return {
    probe,
    running,
    exports,
    log,
    say(line) {
      const replies: Reply[] = [];
      command(typeof line === "string" ? line : JSON.stringify(line), running, (reply) =>
        replies.push(reply),
      );
      probe.run(1e9);
      expect(replies).toHaveLength(1);
      const reply = replies[0] as Reply;
      if (!("next" in reply)) return reply as Record<string, unknown>;
      let text = "";
      const pieces = reply as Iterator<string>;
      for (let { done, value } = pieces.next(); done !== true; { done, value } = pieces.next()) {
        text += value;
      }
      expect(text.indexOf("\n")).toBe(text.length - 1);
      return JSON.parse(text) as Record<string, unknown>;
    },
  };
}

describe("what can't be understood is answered with a sentence", () => {
  test.each<[string, unknown, string]>([
    ["no JSON", "stats", "Expected a line of JSON, got `stats`"],
    ["a long line of no JSON", "x".repeat(1000), "…"],
    ["no object", "[1]", "`[1]`"],
    ["null", "null", "`null`"],
    ["no verb", {}, "`verb`"],
    ["a verb that is no text", { verb: 3 }, "`verb`"],
    ["an unknown verb", { verb: "stop" }, "export remove"],
    ["a key too many", { verb: "reload", now: true }, "`now`"],
    ["a key too few", { verb: "service", export: "e7.3" }, "`model`"],
    ["no address", { verb: "stats", export: "7.3" }, "`7.3`"],
    ["an address that is a number", { verb: "stats", export: 7 }, "a text"],
    ["nobody's address", { verb: "stats", export: "e9.9" }, "`e9.9`"],
    ["nobody's address to remove", { verb: "export remove", export: "e9.9" }, "`e9.9`"],
    ["a bad model", { verb: "service", export: "e7.3", model: "fast" }, "`fast`"],
    [
      "an export twice",
      { verb: "export add", export: { address: "e7.3", memory: 512 } },
      "e7.3 is served already",
    ],
    ["an export without sense", { verb: "export add", export: { address: "e7.4" } }, "`file`"],
    [
      "an image that is not there",
      { verb: "export add", export: { address: "e7.4", file: "/none" } },
      "/none does not exist",
    ],
  ])("%s", (_name, line, part) => {
    const { say, probe } = build();
    const { ok, error } = say(line);
    expect(ok).toBe(false);
    expect(error).toContain(part);
    expect(error).not.toContain("fault in this program");
    expect(probe.target.exports).toHaveLength(1);
  });

  test("an id comes back, with errors too", () => {
    const { say } = build();
    expect(say({ verb: "release", id: 5 })).toEqual({ id: 5, ok: true, released: 0 });
    expect(say({ verb: "none", id: "a" })).toMatchObject({ id: "a", ok: false });
  });
});

describe("verbs", () => {
  test("service changes the model while it runs, and releases what hung", () => {
    const { say, probe } = build();
    expect(say({ verb: "service", export: "e7.3", model: "hang:100%" })).toEqual({
      ok: true,
      service_model: "hang:100%",
    });
    expect(probe.ask(readFrame(0, 1))).toEqual([]);
    expect(say({ verb: "service", export: "e7.3", model: "" })["ok"]).toBe(true);
    // The answer of the hung one went out while `say` let time pass; what comes now is answered at once.
    expect(probe.target.inHand).toBe(0);
    expect(probe.ask(readFrame(0, 1, { tag: 2 }))).toHaveLength(1);
  });

  test("release answers what hangs, and says how many", () => {
    const { say, probe } = build();
    say({ verb: "service", export: "e7.3", model: "hang:100%" });
    for (let tag = 1; tag < 4; tag++) probe.ask(readFrame(0, 1, { tag }));
    expect(say({ verb: "release", export: "e7.3" })["released"]).toBe(3);
    expect(say({ verb: "release" })["released"]).toBe(0);
  });

  test("export add serves, export remove ends", () => {
    const { say, probe } = build();
    const added = { address: "e7.9", memory: "1k", read_only: true, buffer_count: "5" };
    expect(say({ verb: "export add", export: added })).toEqual({ ok: true });
    expect(probe.ask(readFrame(1, 1, { minor: 9 }))).toHaveLength(1);
    expect(say({ verb: "export remove", export: "e7.9" })).toEqual({ ok: true });
    expect(probe.ask(readFrame(1, 1, { minor: 9 }))).toEqual([]);
  });

  test("reload says what came of it, quit quits", () => {
    const { say, log } = build();
    expect(say({ verb: "reload" })).toEqual({
      ok: true,
      added: [],
      removed: [],
      changed: [],
      unchanged: 1,
    });
    expect(say({ verb: "quit" })).toEqual({ ok: true });
    expect(log).toEqual(["quit"]);
  });

  test("words of a shell are requests", () => {
    expect(requestOf(["stats"])).toEqual({ verb: "stats" });
    expect(requestOf(["stats", "e7.3"])).toEqual({ verb: "stats", export: "e7.3" });
    expect(requestOf(["service", "e7.3", ""])).toEqual({
      verb: "service",
      export: "e7.3",
      model: "",
    });
    expect(requestOf(["export", "remove", "e7.3"])).toEqual({
      verb: "export remove",
      export: "e7.3",
    });
    expect(
      requestOf(["export", "add", "address=e1.0", "file=a", "sync=true", "service=rate:5iops"]),
    ).toEqual({
      verb: "export add",
      export: { address: "e1.0", file: `${process.cwd()}/a`, sync: true, service: "rate:5iops" },
    });
    for (const bad of [
      [],
      ["stop"],
      ["service", "e7.3"],
      ["stats", "a", "b"],
      ["export"],
      ["export", "add", "x"],
    ]) {
      expect(() => requestOf(bad)).toThrow("Expected");
    }
    for (const { words, verb } of VERBS) expect(words).toStartWith(verb);
  });
});

test("a new set of plans: what is the same is not touched, the rest is changed, moved or gone", () => {
  const { exports, probe, log } = build();
  const plan = (table: Record<string, unknown>) => parseExport(table, "export");
  exports.add(plan({ address: "e1.0", memory: "1k" }));
  exports.add(plan({ address: "e1.1", memory: "1k" }));
  const [same, changed] = [exports.at({ major: 7, minor: 3 }), exports.at({ major: 1, minor: 0 })];
  let applied: unknown = null;
  exports.apply(
    [
      plan({ address: "e7.3", memory: "500k" }),
      plan({
        address: "e1.0",
        memory: "1k",
        service: "delay:1ms",
        buffer_count: 9,
        mask: "02:00:00:00:00:0b",
      }),
      plan({ address: "e2.0", memory: "2k" }),
    ],
    (result) => {
      applied = result;
    },
  );
  probe.run(1e9);
  expect(applied).toEqual({
    added: ["e2.0"],
    removed: ["e1.1"],
    changed: ["e1.0"],
    unchanged: 1,
  });
  expect(exports.at({ major: 7, minor: 3 }).owner).toBe(same.owner);
  expect(exports.at({ major: 1, minor: 0 }).owner).toBe(changed.owner);
  expect([changed.owner.bufferCount, changed.owner.model.text, changed.owner.state.masks]).toEqual([
    9,
    "delay:1ms",
    [0x0200_0000_000b],
  ]);

  // One that can't be opened changes nothing.
  const before = [...exports.all].map(({ plan: of }) => of);
  expect(() =>
    exports.apply(
      [plan({ address: "e3.0", memory: "1k" }), plan({ address: "e3.1", file: "/none" })],
      () => {},
    ),
  ).toThrow("/none does not exist");
  expect([...exports.all].map(({ plan: of }) => of)).toEqual(before);

  // Other sectors at the same address: the old ones go first.
  exports.apply([plan({ address: "e7.3", memory: "1m" })], () => {});
  probe.run(1e9);
  expect(exports.at({ major: 7, minor: 3 }).owner.store.sectors).toBe(2048);
  expect(probe.target.exports).toHaveLength(1);
  expect(log).toEqual([]);
});

describe("figures", () => {
  test("stats tells every figure, and they are what happened", () => {
    const { say, probe } = build();
    say({ verb: "service", export: "e7.3", model: "delay:1ms" });
    probe.send(readFrame(0, 2, { tag: 1 }));
    probe.send(writeFrame(0, pattern(1, 1), { tag: 2 }));
    probe.send(readFrame(1000, 1, { tag: 3 }));
    probe.run(5e6);
    const told = say({ verb: "stats" }) as unknown as Sample & { target: Record<string, unknown> };
    const [exported] = told.exports;
    expect(exported).toMatchObject({
      export: "e7.3",
      service_model: "delay:1ms",
      reads: 2,
      writes: 1,
      read_bytes: 1536,
      written_bytes: 512,
      write_ns: 1e6,
      read_ns: 2e6,
      queue_length: 6,
      queue_stall: 3,
      most_in_service: 3,
      in_service: 0,
      ata_errors: 1,
    });
    expect(exported?.["service"]).toMatchObject({ count: 3, sum_ns: 3e6 });
    for (const { key } of EXPORT_FIGURES) expect(exported).toHaveProperty(key);
    for (const { key } of INTERFACE_FIGURES) expect(told.interfaces[0]).toHaveProperty(key);
    for (const { key } of TARGET_FIGURES) expect(told.target).toHaveProperty(key);
    expect(told.target["missing_interfaces"]).toEqual(["eth9"]);
    expect(told.interfaces[0]).toMatchObject({ interface: "first", mac: "02:00:00:00:00:0a" });
    const named = say({ verb: "stats", export: "e7.3" }) as unknown as Sample;
    expect(named.exports).toEqual(told.exports);
  });

  test("of what is answered at once no time was measured: null, and a dash in top", () => {
    const { say, probe } = build();
    const before = say({ verb: "stats" }) as unknown as Sample;
    probe.send(readFrame(0, 1, { tag: 1 }));
    probe.run(1e6);
    const after = say({ verb: "stats" }) as unknown as Sample;
    const [exported] = after.exports;
    expect(exported).toMatchObject({
      read_ns: 0,
      service: { count: 1, sum_ns: 0, mean_ns: null, p50_ns: null, p99_ns: null, max_ns: null },
    });
    const [line] = plain({ ...before, at: 0 }, { ...after, at: 1e9 });
    expect(line).toBe("e7.3 read 1/s 512 B/s write 0/s 0 B/s mean - queue 0 errors 0");
    say({ verb: "service", export: "e7.3", model: "delay:1ms" });
    probe.send(readFrame(0, 1, { tag: 2 }));
    probe.run(5e6);
    const later = say({ verb: "stats" }) as unknown as Sample;
    expect(later.exports[0]?.["service"]).toMatchObject({ count: 2, min_ns: null, max_ns: 1e6 });
  });

  test("more exports than one piece holds are all told", () => {
    const { say, exports } = build();
    for (let minor = 0; minor < 200; minor++) {
      exports.add(parseExport({ address: `e9.${minor}`, memory: 512 }, "export"));
    }
    const told = say({ verb: "stats" }) as unknown as Sample;
    expect(new Set(told.exports.map((each) => each["export"])).size).toBe(201);
  });
});

/** Prometheus' text format, as its manual says; throws for anything else. */
function parseExposition(
  text: string,
): Map<string, { type: string; samples: Map<string, number> }> {
  const metrics = new Map<string, { type: string; samples: Map<string, number> }>();
  let current = "";
  expect(text.endsWith("\n")).toBe(true);
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (help !== null) {
      current = help[1] as string;
      if (metrics.has(current)) throw new Error(`${current} comes twice`);
      metrics.set(current, { type: "", samples: new Map() });
      continue;
    }
    const metric = metrics.get(current);
    if (metric === undefined) throw new Error(`before any HELP: ${line}`);
    const type = /^# TYPE ([\w:]+) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      if (type[1] !== current) throw new Error(`TYPE of ${type[1]} within ${current}`);
      metric.type = type[2] as string;
      continue;
    }
    const sample =
      /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?|\+Inf|NaN)$/.exec(
        line,
      );
    if (sample === null) throw new Error(`no sample: ${line}`);
    const [, name = "", labels = "", value = ""] = sample;
    const base = metric.type === "histogram" ? name.replace(/_(?:bucket|sum|count)$/, "") : name;
    if (base !== current) throw new Error(`${name} within ${current}`);
    const key = `${name}{${labels}}`;
    if (metric.samples.has(key)) throw new Error(`${key} comes twice`);
    metric.samples.set(key, Number(value));
  }
  return metrics;
}

describe("metrics", () => {
  test("are Prometheus' text, complete, in base units, and say what happened", () => {
    const { say, probe } = build();
    say({ verb: "service", export: "e7.3", model: "delay:1ms" });
    for (let tag = 1; tag <= 5; tag++) probe.send(readFrame(0, 1, { tag }));
    probe.run(5e6);
    const metrics = parseExposition([...metricsPieces(probe.target)].join(""));
    const value = (metric: string, key: string): number | undefined =>
      metrics.get(metric)?.samples.get(key);
    expect(value("aoe_export_reads_total", 'aoe_export_reads_total{export="e7.3"}')).toBe(5);
    expect(
      value("aoe_export_read_seconds_total", 'aoe_export_read_seconds_total{export="e7.3"}'),
    ).toBeCloseTo(0.005, 9);
    expect(
      value("aoe_interface_rx_frames_total", 'aoe_interface_rx_frames_total{interface="first"}'),
      // The reads, and what the other interface announced.
    ).toBe(6);
    expect(value("aoe_target_exports", "aoe_target_exports{}")).toBe(1);
    const histogram = metrics.get("aoe_export_service_seconds");
    expect(histogram?.type).toBe("histogram");
    const buckets = [...(histogram?.samples ?? [])].filter(([key]) => key.includes("_bucket"));
    // Cumulative, 1 ms between 2^19 and 2^20 ns, the last is all.
    expect(buckets.map(([, count]) => count)).toEqual(
      buckets.map(([, count]) => count).toSorted((a, b) => a - b),
    );
    expect(
      histogram?.samples.get('aoe_export_service_seconds_bucket{export="e7.3",le="0.000524288"}'),
    ).toBe(0);
    expect(
      histogram?.samples.get('aoe_export_service_seconds_bucket{export="e7.3",le="0.001048576"}'),
    ).toBe(5);
    expect(histogram?.samples.get('aoe_export_service_seconds_count{export="e7.3"}')).toBe(5);
    for (const [name, { type }] of metrics) {
      expect([name, type === "counter"]).toEqual([name, name.endsWith("_total")]);
    }
    const wanted = EXPORT_FIGURES.length + INTERFACE_FIGURES.length + TARGET_FIGURES.length + 1;
    expect(metrics.size).toBe(wanted);
  });

  test.skipIf(Bun.which("promtool") === null)(
    "pass promtool check metrics, before the first command and after (skipped where it is absent)",
    () => {
      const { probe } = build();
      const check = (text: string) => {
        const run = Bun.spawnSync(["promtool", "check", "metrics"], { stdin: Buffer.from(text) });
        return [run.exitCode, run.stderr.toString()];
      };
      const text = (): string => [...metricsPieces(probe.target)].join("");
      expect(check(text())).toEqual([0, ""]);
      probe.ask(readFrame(0, 1));
      expect(check(text())).toEqual([0, ""]);
      // It would find what is wrong.
      expect(check(text().replaceAll("aoe_export_buffers", "aoe_export_buffer_count"))[0]).toBe(3);
    },
  );

  test("of a target without exports are still whole", () => {
    expect(parseExposition([...metricsPieces(new Target())].join("")).size).toBeGreaterThan(40);
  });

  test("the parser finds what is wrong", () => {
    for (const bad of [
      "a 1\n",
      "# HELP a x\n# TYPE b counter\n",
      "# HELP a x\n# TYPE a counter\nb 1\n",
      "# HELP a x\n# TYPE a gauge\na{x=1} 1\n",
      "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
    ]) {
      expect(() => parseExposition(bad)).toThrow();
    }
  });
});

describe("top", () => {
  const figures = (reads: number, ns: number): Record<string, unknown> => ({
    export: "e7.3",
    reads,
    read_bytes: reads * 512,
    read_ns: ns,
    in_service: 2,
  });
  const idle = { export: "e7.4", reads: 0, in_service: 0 };
  const sample = (at: number, reads: number, ns: number): Sample => ({
    at,
    target: { pid: 7, uptime_ns: 65e9, in_hand: 2 },
    interfaces: [{ interface: "eth0", rx: reads, rx_bytes: reads * 60 }],
    exports: [idle, figures(reads, ns)],
  });
  const [before, after] = [sample(0, 1000, 5e9), sample(2e9, 3000, 5e9 + 2000 * 50e3)];

  test("plain lines tell rates and means of what did something", () => {
    expect(plain(before, after)).toEqual([
      "e7.3 read 1000/s 500 KiB/s write 0/s 0 B/s mean 50 µs queue 2 errors 0",
      "eth0 rx 1000/s 58.6 KiB/s tx 0/s 0 B/s lost 0 dropped 0",
    ]);
  });

  test("the view fits its screen, the busiest first", () => {
    const lines = view(before, after, 80, 24);
    expect(lines[0]).toContain("2 exports, 2 requests in progress");
    expect(lines.findIndex((line) => line.startsWith("e7.3"))).toBeLessThan(
      lines.findIndex((line) => line.startsWith("e7.4")),
    );
    // All of both tables at 80 columns; below, counts stay longer than amounts.
    expect(lines[2]).toMatch(/^INTERFACE .* DUPLICATES$/);
    expect(lines[5]).toMatch(
      /^EXPORT +READ\/S +READ B\/S +WRITE\/S +WRITE B\/S +MEAN +QUEUE +ERRORS$/,
    );
    expect(view(before, after, 60, 24)[5]).toMatch(/^EXPORT .*READ\/S .*WRITE\/S .*ERRORS$/);
    for (const [columns, rows] of [
      [20, 5],
      [80, 8],
      [200, 50],
    ] as const) {
      const small = view(before, after, columns, rows);
      expect(small.length).toBeLessThanOrEqual(rows);
      expect(Math.max(...small.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  test("one that came back under its name counts from zero", () => {
    const [line = ""] = plain(after, sample(4e9, 100, 1e6));
    expect(line).toContain("read 50/s");
  });
});

test("an idle export has no histogram", () => {
  const probe = createProbe();
  expect(probe.owner.times).toBeNull();
  probe.ask(readFrame(0, 1));
  expect(probe.owner.times?.count).toBe(1);
  expect(createMemoryStore(1).sectors).toBe(1);
});
