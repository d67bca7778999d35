import { describe, expect, test } from "bun:test";
import { cellsOf, parseJob, showJob } from "./job.ts";
import { parseHosts } from "./hosts.ts";

const TEXT = `
[hosts]
interface = "eth1"
become = "sudo"
[hosts.tgt]
ssh = "lab-target"
cpus = "2-3"
[hosts."i[1-2]"]
ssh = "node[07-08]"
interface = "ens1"
mtu = 9000
[global]
target_hosts = "tgt"
[one]
initiator_hosts = ["i1", "i[1-2]"]
tx_usecs = { low = 0, high = 500 }
rx_frames = 5
`;

test("[hosts] has defaults and hosts, whose patterns are paired with those of ssh", () => {
  const { hosts } = parseJob(TEXT, "j.toml");
  expect(hosts.map(({ name, ssh, interface: on }) => [name, ssh, on])).toEqual([
    ["tgt", "lab-target", "eth1"],
    ["i1", "node07", "ens1"],
    ["i2", "node08", "ens1"],
  ]);
  expect(hosts.map(({ become, cpus, mtu }) => [become, cpus, mtu])).toEqual([
    ["sudo", [2, 3], undefined],
    ["sudo", undefined, 9000],
    ["sudo", undefined, 9000],
  ]);
});

test("a list of hosts is an axis, and a pattern is several hosts of one cell", () => {
  const cells = parseJob(TEXT, "j.toml").jobs.flatMap(cellsOf);
  expect(cells.map(({ axes, values }) => [axes.tx_usecs, values.initiatorHosts])).toEqual([
    ["low", ["i1"]],
    ["high", ["i1"]],
    ["low", ["i1", "i2"]],
    ["high", ["i1", "i2"]],
  ]);
});

test("what --show prints resolves to the same hosts and cells", () => {
  const job = parseJob(TEXT, "j.toml");
  const again = parseJob(showJob(job), "j.toml");
  expect(again.hosts).toEqual(job.hosts);
  expect(again.jobs.flatMap(cellsOf).map(({ texts }) => texts)).toEqual(
    job.jobs.flatMap(cellsOf).map(({ texts }) => texts),
  );
});

test("hosts of another file stand in place of the job's own", () => {
  const others = parseHosts(
    `[hosts]\ninterface = "eth9"\n[hosts."i[1-2]"]\n[hosts.tgt]`,
    "lab.toml",
  );
  const { hosts } = parseJob(TEXT, "j.toml", [], others);
  expect(hosts.map(({ ssh, interface: on }) => `${ssh} ${on}`)).toEqual([
    "i1 eth9",
    "i2 eth9",
    "tgt eth9",
  ]);
  expect(() => parseHosts("[hosts]\n[one]", "lab.toml")).toThrow(
    "Expected nothing but [hosts], got `one`",
  );
});

describe("refused before any host is asked:", () => {
  const job = (hosts: string, keys: string): string => `[hosts]\n${hosts}\n[one]\n${keys}`;
  const TWO = '[hosts."h[1-2]"]\ninterface = "eth1"';
  const BOTH = 'target_hosts = "h1"\ninitiator_hosts = "h2"';
  test.each([
    [
      "a host without an interface",
      job("[hosts.a]", "bs = 512"),
      "[hosts.a]: Expected `interface`",
    ],
    ["an unknown key", job('[hosts.a]\nport = 22\ninterface="e"', ""), "Expected a key of a host"],
    ["a host that is there twice", job(`${TWO}\n[hosts.h2]\ninterface = "e"`, ""), "`h2` twice"],
    [
      "ssh of another number",
      job('[hosts."h[1-2]"]\ninterface="e"\nssh = "x"', ""),
      "as many as the 2",
    ],
    [
      "a name that [hosts] lacks",
      job(TWO, 'target_hosts = "h1"\ninitiator_hosts = "h3"'),
      "(h1, h2), got `h3`",
    ],
    ["one role alone", job(TWO, 'target_hosts = "h1"'), "got only `target_hosts`"],
    [
      "one host for both",
      job(TWO, 'target_hosts = "h1"\ninitiator_hosts = "h[1-2]"'),
      "got `h1` as both",
    ],
    [
      "a lab's key",
      job(TWO, `${BOTH}\ninitiators = 2`),
      "Expected `initiators` only without hosts",
    ],
    ["the memory link", job(TWO, `${BOTH}\nlink = "memory"`), "packet or ring over hosts"],
    [
      "coalescing without hosts",
      "[one]\nrx_usecs = 5",
      "Expected `rx_usecs` only with an interface that stays",
    ],
    [
      "a job beside it without hosts",
      `${job(TWO, BOTH)}\n[two]\nbs = 512`,
      "[two]: Expected every job",
    ],
  ])("%s", (_, text, sentence) => {
    expect(() => parseJob(text, "j.toml")).toThrow(sentence);
  });
});
