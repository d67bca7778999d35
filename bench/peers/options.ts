// The options of `aoe bench peers`: the whole table, unless told, in an hour and a half.

import { statSync } from "node:fs";
import { expected, usage } from "../../words/failure.ts";
import {
  choice,
  integer,
  type OptionTable,
  type OptionType,
  size,
  word,
} from "../../words/option.ts";
import { parseSize } from "../../words/quantity.ts";
import { SECTOR } from "../../wire/ata.ts";
import { rounds, runtime, seed, several, warmUp } from "../run/experiment_options.ts";

const PARTS = ["cells", "one-cpu", "load", "idle"] as const;
export const DIRECTIONS = ["read", "write"] as const;

export interface Peer {
  readonly name: string;
  /** For a shell, with places to fill. */
  readonly command: string;
}

const PLACEHOLDERS = ["{IF}", "{IMAGE}", "{SHELF}", "{SLOT}"];

const peer: OptionType<Peer> = {
  hint: "name=command",
  parse(text, what) {
    const match = /^([a-z0-9][a-z0-9.-]*)=(.*\S.*)$/s.exec(text);
    const [, name, command] = match ?? [];
    if (name === undefined || command === undefined) {
      throw expected(
        what,
        `a name of small letters, digits, points and hyphens, then = and a command with ${PLACEHOLDERS.join(" ")}`,
        text,
      );
    }
    const [unknown] = (command.match(/\{[A-Z]+\}/g) ?? []).filter(
      (place) => !PLACEHOLDERS.includes(place),
    );
    if (unknown !== undefined) {
      throw usage(
        `Expected the places in \`--peer ${name}=…\` to be ${PLACEHOLDERS.join(" ")}, got \`${unknown}\``,
      );
    }
    if (!command.includes("{IF}")) {
      throw expected(what, "a command with {IF}, the interface that it is to serve on", text);
    }
    return { name, command };
  },
};

const imageSize: OptionType<number> = {
  hint: "size",
  parse(text, what) {
    const bytes = parseSize(text, what);
    if (bytes >= 1 << 20 && bytes % SECTOR === 0) return bytes;
    throw expected(what, "a multiple of 512 bytes from 1m on", text);
  },
};

const folder: OptionType<string> = {
  hint: "folder",
  parse(text, what) {
    if (statSync(text, { throwIfNoEntry: false })?.isDirectory() === true) return text;
    throw expected(what, "a folder", text);
  },
};

export const PEERS_OPTIONS = {
  parts: {
    type: several(choice(PARTS, "part")),
    default: "cells,one-cpu,load,idle",
    help: "what is measured",
  },
  arms: {
    type: several(word),
    default: "ours,vblade,vblade-default,echo-socket,echo-ring",
    help: "which targets",
  },
  peer: {
    type: peer,
    many: true,
    help: `another target, its command with ${PLACEHOLDERS.join(" ")}; may be repeated`,
  },
  bs: { type: several(size), default: "512,1k,4k,8k", help: "bytes of a command" },
  iodepth: { type: several(integer(1, 1024)), default: "1,16,64", help: "commands outstanding" },
  rw: { type: several(choice(DIRECTIONS, "direction")), default: "read,write", help: "direction" },
  rounds: { ...rounds, help: "trials of each arm in each cell" },
  runtime: { ...runtime, default: "1s", help: "measured time of a trial" },
  warm_up: {
    ...warmUp,
    default: "3s",
    help: "before it, at full speed, not in the figures; four times that on one CPU",
  },
  mtu: {
    type: integer(1500, 65_535),
    default: "9000",
    unit: "bytes",
    help: "of the lab's network",
  },
  image_size: { type: imageSize, default: "256m", help: "of what is served" },
  image_in: { type: folder, help: "where it lies (in memory: /dev/shm, else where TMPDIR says)" },
  seed,
} as const satisfies OptionTable;
