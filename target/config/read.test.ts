// Configurations: what they come to, and the one sentence for each way to be wrong.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EXIT, Failure } from "../../words/failure.ts";
import { parseListen } from "./listen.ts";
import { EXPORT_KEYS, SHARED_KEYS, TOP_KEYS } from "./keys.ts";
import { sameStore, type ExportPlan } from "./plan.ts";
import { loadProfile } from "../service/profile.ts";
import { parseConfig, parseExport, readConfig } from "./read.ts";
import { LONGEST_TEXT } from "../../sys/read_text.ts";

const FILE = "/etc/aoe/lab.toml";

function parse(text: string) {
  return parseConfig(text, FILE);
}

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exitCode).toBe(2);
    return error.message;
  }
  throw new Error("it was taken");
}

function failureOf(act: () => unknown): [number, string] {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [error.exitCode, error.message];
  }
  throw new Error("it was taken");
}

const WHOLE = `
interfaces = ["eth1", "eth2"]
control = "/run/aoe/control"
metrics = ":9100"
state = "state"
user = "nobody"
mode = "frugal"
xdp = "off"
cpus = [0, 1]
max_requests = 100
seed = 7
faults = "tx:drop:1%"
capture = "all.pcap"
stats_at_end = "end.json"
blocking = "worker"

[defaults]
buffer_count = 32
sync = true
service = "delay:1ms"

[[export]]
address = "e7.0"
file = "disk.img"
create = "10g"
offset = 8
length = 100
mask = "02:00:00:00:00:01,02:00:00:00:00:02"

[[export]]
address = "e7.1"
device = "/dev/sdb"
read_only = true
sync = false
direct = true
buffer_count = "16"
serial = "backup 1"
service = ""

[[export]]
address = "e8.0"
memory = "64m"
mask = ["02:00:00:00:00:01"]
profile = "ssd"
`;

test("a whole file: an export over the defaults over what is so anyway, paths beside the file", () => {
  expect(parse(WHOLE)).toEqual({
    interfaces: ["eth1", "eth2"],
    control: "/run/aoe/control",
    metrics: ":9100",
    state: "/etc/aoe/state",
    resetState: false,
    user: "nobody",
    mode: "frugal",
    xdp: "off",
    cpus: [0, 1],
    bound: 100,
    seed: 7,
    faults: "tx:drop:1%",
    capture: "/etc/aoe/all.pcap",
    statsAtEnd: "/etc/aoe/end.json",
    blocking: "worker",
    exports: [
      {
        address: { major: 7, minor: 0 },
        store: { kind: "file", path: "/etc/aoe/disk.img", device: false, create: 10 * 2 ** 30 },
        offset: 8,
        length: 100,
        readOnly: false,
        sync: true,
        direct: false,
        masks: [0x0200_0000_0001, 0x0200_0000_0002],
        bufferCount: 32,
        serial: null,
        service: "delay:1ms",
      },
      {
        address: { major: 7, minor: 1 },
        store: { kind: "file", path: "/dev/sdb", device: true, create: null },
        offset: 0,
        length: null,
        readOnly: true,
        sync: false,
        direct: true,
        masks: null,
        bufferCount: 16,
        serial: "backup 1",
        service: "",
      },
      {
        address: { major: 8, minor: 0 },
        store: { kind: "memory", bytes: 64 * 2 ** 20 },
        offset: 0,
        length: null,
        readOnly: false,
        sync: true,
        direct: false,
        masks: [0x0200_0000_0001],
        bufferCount: 32,
        serial: null,
        service: "rate:97000iops/32,lanes:32,delay:lognormal/36us/12us",
      },
    ],
  });
});

test("the keys of the example are all there are", () => {
  const names = [...WHOLE.matchAll(/^(\w+) =/gm)].map(([, name]) => name);
  const known = [TOP_KEYS, SHARED_KEYS, EXPORT_KEYS].flatMap((keys) => Object.keys(keys));
  expect([...new Set(names)].toSorted()).toEqual(known.toSorted() as string[]);
});

/** An export that is right but for `line`. */
function one(line: string, file = 'file = "a.img"'): string {
  return `interfaces = ["a0"]\n[[export]]\naddress = "e1.0"\n${file}\n${line}\n`;
}

describe("each error names file, line, table, key, rule and what was found", () => {
  test.each<[string, string, string[]]>([
    ["no TOML", "interfaces = [\n", ["line 1", "Expected TOML"]],
    ["no interface", "seed = 1\n", ["`interfaces`", "got none"]],
    ["an empty list of interfaces", "interfaces = []\n", ["line 1", "`interfaces`", "got none"]],
    ["an unknown key", 'interfaces = ["a"]\nspeed = 3\n', ["line 2", "`speed`", "max_requests"]],
    ["an unknown table", 'interfaces = ["a"]\n[server]\n', ["`server`"]],
    [
      "an unknown default",
      'interfaces = ["a"]\n[defaults]\nfile = "x"\n',
      ["line 3, [defaults]", "`file`"],
    ],
    [
      "an unknown key of an export",
      one("colour = 1"),
      ["line 5, [[export]] 1", "`colour`", "buffer_count"],
    ],
    ["one [export]", 'interfaces = ["a"]\n[export]\naddress = "e1.0"\n', ["[[export]]"]],
    [
      "an export that is no table",
      'interfaces = ["a"]\nexport = [1]\n',
      ["[[export]] 1", "table", "`1`"],
    ],
    [
      "no address",
      'interfaces = ["a"]\n[[export]]\nmemory = "1m"\n',
      ["line 2", "`address`", "none"],
    ],
    [
      "a bad address",
      one("").replace("e1.0", "e1.255"),
      ["line 3", "`address`", "slot 0 to 254", "`e1.255`"],
    ],
    [
      "an address twice",
      `${one("")}[[export]]\naddress = "e1.0"\nmemory = "1m"\n`,
      ["line 7, [[export]] 2", "[[export]] 1", "`e1.0`"],
    ],
    ["nothing to serve", one("", ""), ["`file`, `device` and `memory`", "got none"]],
    ["two things to serve", one('memory = "1m"'), ["line 5", "`file` and `memory`"]],
    [
      "a size to make without a file",
      one('create = "1m"', 'device = "/dev/x"'),
      ["line 5", "`create`", "`file`"],
    ],
    ["an offset of memory", one("offset = 1", 'memory = "1m"'), ["line 5", "`offset`", "memory"]],
    [
      "a buffer count of 1",
      one("buffer_count = 1"),
      ["line 5", "`buffer_count`", "between 2 and 65535", "`1`"],
    ],
    [
      "a buffer count in the defaults",
      'interfaces = ["a"]\n[defaults]\nbuffer_count = 1\n',
      ["line 3, [defaults]", "`1`"],
    ],
    ["a flag that is a text", one('sync = "yes"'), ["line 5", "`sync`", "true or false", "`yes`"]],
    [
      "a text that is a table",
      one("service = { a = 1 }"),
      ["line 5", "`service`", "a text", '{"a":1}'],
    ],
    ["a mask that is no MAC", one('mask = ["00:11"]'), ["line 5", "`mask`", "`00:11`"]],
    ["a mask that is no list", one("mask = true"), ["line 5", "`mask`", "a list", "`true`"]],
    ["a size of no whole sectors", one('create = "1000"'), ["line 5", "`create`", "512", "`1000`"]],
    ["a size without sense", one('create = "big"'), ["line 5", "`create`", "a size", "`big`"]],
    [
      "an unknown service model",
      one('service = "slow:1ms"'),
      ["line 5", "`service`", "`slow`", "lanes"],
    ],
    [
      "a bad service model in the defaults",
      `${one("")}[defaults]\nservice = "lanes:0"\n`,
      ["line 7, [defaults]", "`service lanes`", "`0`"],
    ],
    ["a bad mode", 'interfaces = ["a"]\nmode = "fast"\n', ["line 2", "`mode`", "frugal", "`fast`"]],
    ["a bad use of AF_XDP", 'interfaces = ["a"]\nxdp = "yes"\n', ["line 2", "`xdp`", "`yes`"]],
    [
      "a name that no interface can have",
      'interfaces = ["a", "sixteen-letters0"]\n',
      ["line 1", "at most 15 bytes", "`sixteen-letters0`"],
    ],
    ["bad faults", 'interfaces = ["a"]\nfaults = "tx:eat:1%"\n', ["line 2", "faults"]],
    [
      "a bad metrics address",
      'interfaces = ["a"]\nmetrics = "9100"\n',
      ["line 2", "`metrics`", "HOST:PORT", "`9100`"],
    ],
    [
      "too many masks",
      one(
        `mask = [${Array.from({ length: 186 }, (_, i) => `"02:00:00:00:00:${(i % 256).toString(16).padStart(2, "0")}"`).join(",")}]`,
      ),
      ["`mask`", "185", "`186`"],
    ],
  ])("%s", (_name, text, parts) => {
    const message = refusal(text);
    expect(message).toStartWith(FILE);
    for (const part of parts) expect(message).toContain(part);
    expect(message).not.toContain("\n");
  });

  test("a file that is not there", () => {
    expect(failureOf(() => readConfig("/nowhere/lab.toml"))).toEqual([
      EXIT.environment,
      "Can't read the configuration /nowhere/lab.toml: no such file or directory",
    ]);
    expect(failureOf(() => parse(one('profile = "/nowhere/p.toml"')))).toEqual([
      EXIT.environment,
      `${FILE} line 5, [[export]] 1: Can't read the profile /nowhere/p.toml: no such file or directory`,
    ]);
  });
});

test("an export by itself has no defaults, and absolute paths", () => {
  const plan = parseExport({ address: "e1.2", file: "/a.img", buffer_count: 4 }, "export");
  expect([plan.bufferCount, plan.sync]).toEqual([4, false]);
  expect(() => parseExport({ address: "e1.2", files: "/a" }, "export")).toThrow(
    "export: Expected a key",
  );
  expect(() => parseExport("e1.2", "export")).toThrow(
    "export: Expected a table of keys, got `e1.2`",
  );
});

test("profiles and traces begin at the folder of the file that names them, as images do", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-places-"));
  try {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "a.txt"), "1ms\n");
    writeFileSync(join(folder, "sub/b.txt"), "2ms\n");
    writeFileSync(
      join(folder, "sub/p.toml"),
      'about = ""\nservice = "delay:trace/b.txt"\nsource = ""\np50 = "2ms"\np99 = "2ms"\n',
    );
    const path = join(folder, "lab.toml");
    const table = (minor: number, line: string): string =>
      `[[export]]\naddress = "e7.${minor}"\nmemory = "1m"\n${line}\n`;
    const text = `interfaces = ["a"]\nfaults = "tx:delay:trace/a.txt"\n[defaults]\nservice = "delay:trace/./a.txt"\n${table(0, "")}${table(1, 'service = "lanes:2,delay: trace/a.txt,drop:1%"')}${table(2, 'profile = "sub/p.toml"')}${table(3, `service = "delay:trace/${folder}/a.txt"`)}`;
    const { exports, faults } = parseConfig(text, path);
    expect(faults).toBe(`tx:delay:trace/${folder}/a.txt`);
    expect(exports.map(({ service }) => service)).toEqual([
      `delay:trace/${folder}/a.txt`,
      `lanes:2,delay: trace/${folder}/a.txt,drop:1%`,
      `delay:trace/${folder}/sub/b.txt`,
      `delay:trace/${folder}/a.txt`,
    ]);
    expect(() => parseConfig(table(0, 'service = "delay:trace/none.txt"'), path)).toThrow(
      `Can't read the trace ${folder}/none.txt`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a file in Latin-1 is refused with line and byte, wherever it is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-latin-"));
  try {
    const path = join(folder, "lab.toml");
    writeFileSync(path, Buffer.from(one("read_only = true", 'file = "caf\xe9.img"'), "latin1"));
    const sentence = `${path} line 4, byte 12: Expected UTF-8, got byte 0xe9`;
    expect(failureOf(() => readConfig(path))).toEqual([EXIT.usage, sentence]);
    expect(failureOf(() => loadProfile(path, "--profile"))).toEqual([EXIT.usage, sentence]);
    expect(failureOf(() => parse(one(`service = "delay:trace/${path}"`)))[1]).toContain(sentence);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("two plans share a store where they open the same sectors in the same way", () => {
  const plan: ExportPlan = parseExport({ address: "e1.2", file: "/a.img" }, "export");
  const also = (changes: Partial<ExportPlan>): boolean => sameStore(plan, { ...plan, ...changes });
  expect(also({ service: "lanes:1", bufferCount: 2, masks: [1] })).toBe(true);
  expect(also({ store: { kind: "file", path: "/a.img", device: false, create: 512 } })).toBe(true);
  expect(also({ store: { kind: "file", path: "/b.img", device: false, create: null } })).toBe(
    false,
  );
  for (const change of [
    { offset: 1 },
    { length: 1 },
    { readOnly: true },
    { sync: true },
    { direct: true },
  ]) {
    expect(also(change)).toBe(false);
  }
});

test("where to listen: this host unless another is named", () => {
  expect(parseListen(":9100", "metrics")).toEqual({ host: "127.0.0.1", port: 9100 });
  expect(parseListen("0.0.0.0:80", "metrics")).toEqual({ host: "0.0.0.0", port: 80 });
  expect(parseListen("[::1]:0", "metrics")).toEqual({ host: "::1", port: 0 });
  for (const bad of ["", "9100", "host", ":", ":70000", "::1:80", "a b:1", ":9x"]) {
    expect(() => parseListen(bad, "metrics")).toThrow("HOST:PORT");
  }
});

test("what a file of ours names is read only where it is a regular file of a sane length", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-read-"));
  try {
    const long = join(folder, "long.txt");
    writeFileSync(long, "");
    truncateSync(long, LONGEST_TEXT + 512);
    const from = (path: string) => () => parse(one(`service = "delay:trace/${path}"`));
    // A character device stands for a FIFO too, which would be waited for.
    for (const path of ["/dev/null", folder]) {
      expect(from(path)).toThrow(`Can't read the trace ${path}: it must be a regular file`);
      expect(() => readConfig(path)).toThrow("it must be a regular file");
    }
    expect(() => loadProfile("/dev/null", "--profile")).toThrow("it must be a regular file");
    expect(from(long)).toThrow(`it must have at most ${LONGEST_TEXT} bytes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("one image of two exports", () => {
  const two = (first: string, second: string): string =>
    `interfaces = ["b0"]\n[[export]]\naddress = "e1.0"\nfile = "a.img"\n${first}\n[[export]]\naddress = "e1.1"\nfile = "/etc/aoe/a.img"\n${second}\n`;

  test.each([
    ["", ""],
    ["read_only = true", ""],
    ["", "read_only = true"],
  ])("is refused where one of them writes (%p, %p)", (first, second) => {
    expect(refusal(two(first, second))).toBe(
      `${FILE} line 8, [[export]] 2: Expected an image that is written to be that of one export, got \`/etc/aoe/a.img\`, that of [[export]] 1`,
    );
  });

  test("is fine where both only read", () => {
    expect(parse(two("read_only = true", "read_only = true")).exports).toHaveLength(2);
  });
});

test("a bad model in [defaults] is told there", () => {
  const text = `interfaces = ["b0"]\n[defaults]\nsync = true\nservice = "bogus:1"\n[[export]]\naddress = "e1.0"\nfile = "a"\n`;
  expect(refusal(text)).toStartWith(`${FILE} line 4, [defaults]: \`service\` knows no service`);
});
