// The `[hosts]` of a job file, or of a file of their own: where the targets and loads of a job run.
//
//   [hosts]                  what holds for every host below
//   interface = "eth1"
//   [hosts.tgt]              a host; its name is what keys and results call it by
//   ssh = "lab-target"       as one types it after `ssh`, which knows user, port and key
//   [hosts."i[1-8]"]         several hosts (host_pattern.ts)
//   [hosts.here]             this machine, without ssh

import { usage } from "../../words/failure.ts";
import { oneOfNames } from "../../words/nearest.ts";
import {
  choice,
  integer,
  type OptionRow,
  type OptionTable,
  type OptionType,
  type OptionValues,
  parseOption,
  path,
  word,
  camelCase,
} from "../../words/option.ts";
import { parseInteger } from "../../words/quantity.ts";
import { parseToml } from "../../words/toml.ts";
import { printableJson } from "../../words/printable.ts";
import { expandPattern } from "./host_pattern.ts";

/** `2`, `2-3` or `0,2-3`. */
const cpuList: OptionType<readonly number[]> = {
  hint: "list",
  parse(text, what) {
    return text.split(",").flatMap((part) => {
      const [first = "", last = first] = part.split("-");
      const [from, to] = [parseInteger(first, what, 0), parseInteger(last, what, 0, 65_535)];
      return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
    });
  },
};

export const HOST_KEYS = {
  ssh: { type: word, default: "", usual: "its name", help: "what one types after `ssh`" },
  interface: { type: word, default: "", help: "where AoE goes; must be given" },
  become: {
    type: choice(["no", "sudo"], "way"),
    default: "no",
    help: "sudo: by `sudo -n`, and down to this user with CAP_NET_RAW and CAP_NET_ADMIN only",
  },
  cpus: {
    type: cpuList,
    default: "",
    usual: "the last one allowed",
    help: "CPUs of the target or load there: 2 or 2-3",
  },
  folder: { type: path, default: "", usual: "$TMPDIR, or /tmp", help: "where images are made" },
  bun: {
    type: path,
    default: "",
    usual: "put there",
    help: "a Bun of the same revision that is there already",
  },
  mtu: { type: integer(576, 65_535), default: "", help: "expected: another MTU is an error" },
  driver: { type: word, default: "", help: "expected: another driver is an error" },
  kernel: {
    type: word,
    default: "",
    help: "expected: a kernel whose release begins otherwise is an error",
  },
} as const satisfies OptionTable;

/** The host without ssh: this machine. */
export const HERE = "here";

type HostKey = keyof typeof HOST_KEYS;
const NAMES = Object.keys(HOST_KEYS) as HostKey[];

export interface Host extends OptionValues<typeof HOST_KEYS> {
  readonly name: string;
  /** What is typed after `ssh`. */
  readonly ssh: string;
  readonly texts: Readonly<Record<HostKey, string>>;
}

type Given = Partial<Record<HostKey, string>>;

/** The hosts of a `[hosts]` section; every fault is a usage Failure that names `where`. */
export function readHosts(section: object, where: string): Host[] {
  const given = Object.entries(section) as [string, unknown][];
  const isHost = (value: unknown): value is object =>
    value !== null && typeof value === "object" && !Array.isArray(value);
  const defaults = readKeys(
    given.filter(([, value]) => !isHost(value)),
    where,
  );
  const hosts = given.flatMap(([pattern, value]) => {
    if (!isHost(value)) return [];
    const place = `${where.replace(/\]$/, "")}.${pattern}]`;
    const own = readKeys(Object.entries(value), place);
    const names = expandPattern(pattern, where);
    const ssh = own.ssh === undefined ? names : expandPattern(own.ssh, `${place} ssh`);
    if (ssh.length !== names.length) {
      const rule = `Expected \`ssh\` to be as many as the ${names.length} hosts of ${pattern}`;
      throw usage(`${place}: ${rule}, got ${ssh.length}`);
    }
    return names.map((name, at) =>
      hostOf(name, { ...defaults, ...own, ssh: ssh[at] ?? name }, place),
    );
  });
  const twice = hosts.find(({ name }, at) => hosts.findIndex((one) => one.name === name) !== at);
  if (twice !== undefined) {
    throw usage(`${where}: Expected each host once, got \`${twice.name}\` twice`);
  }
  return hosts;
}

function readKeys(entries: readonly (readonly [string, unknown])[], where: string): Given {
  const texts = entries.map(([key, value]) => {
    if (!Object.hasOwn(HOST_KEYS, key)) {
      throw usage(`${where}: ${oneOfNames("Expected a key of a host", NAMES, key)}`);
    }
    if (typeof value !== "string" && typeof value !== "number") {
      throw usage(
        `${where}: Expected \`${key}\` to be a text or a number, got \`${printableJson(value)}\``,
      );
    }
    return [key, String(value)];
  });
  return Object.fromEntries(texts) as Given;
}

function hostOf(name: string, given: Given & { readonly ssh: string }, where: string): Host {
  const text = (key: HostKey): string => given[key] ?? HOST_KEYS[key].default;
  if (text("interface") === "") {
    throw usage(`${where}: Expected \`interface\` to be given, in [hosts] or for ${name} alone`);
  }
  const values = NAMES.map((key) => [
    camelCase(key),
    parseOption<OptionRow>(HOST_KEYS[key], text(key), `${where} ${key}`),
  ]);
  return {
    ...(Object.fromEntries(values) as OptionValues<typeof HOST_KEYS>),
    name,
    ssh: given.ssh,
    texts: Object.fromEntries(NAMES.map((key) => [key, text(key)])) as Host["texts"],
  };
}

/** The hosts of a file of their own: its `[hosts]`, and nothing else. */
export function parseHosts(text: string, file: string): Host[] {
  const { hosts, ...others } = parseToml(text, file);
  const [other] = Object.keys(others);
  if (other !== undefined || hosts === null || typeof hosts !== "object") {
    const found = other === undefined ? "no [hosts]" : `\`${other}\``;
    throw usage(`${file}: Expected nothing but [hosts], got ${found}`);
  }
  return readHosts(hosts, `${file} [hosts]`);
}

/** As a job file has them; what is as usual is left out. */
export function showHosts(hosts: readonly Host[]): string[] {
  return hosts.flatMap(({ name, texts }) => {
    const keys = NAMES.filter((key) => texts[key] !== HOST_KEYS[key].default);
    return [
      "",
      `[hosts.${/^[\w-]+$/.test(name) ? name : printableJson(name)}]`,
      ...keys.map((key) => `${key} = ${printableJson(texts[key])}`),
    ];
  });
}
