// The options of `aoe bench peers`: texts in, values out, every fault a usage Failure that names the option.

import { statSync } from "node:fs";
import { expected, usage } from "../../words/failure.ts";
import { parseDuration, parseInteger, parseSize } from "../../words/quantity.ts";
import { SECTOR } from "../load/workload.ts";
import { BUILT_IN, type Peer } from "./arms.ts";
import { PEERS_DEFAULTS } from "./defaults.ts";
import { DIRECTIONS, PARTS, type PeersCell } from "./peers_result.ts";

/** As commander gives them. */
export interface PeersTexts {
  readonly parts?: string;
  readonly arms?: string;
  readonly peer?: readonly string[];
  readonly bs?: string;
  readonly iodepth?: string;
  readonly rw?: string;
  readonly rounds?: string;
  readonly runtime?: string;
  readonly warmUp?: string;
  readonly mtu?: string;
  readonly imageSize?: string;
  readonly imageIn?: string;
  readonly seed?: string;
}

export interface PeersOptions {
  readonly parts: readonly (typeof PARTS)[number][];
  /** Names, in the order of the table. */
  readonly arms: readonly string[];
  readonly peers: readonly Peer[];
  readonly cells: readonly PeersCell[];
  readonly rounds: number;
  readonly runtime: number;
  readonly warmUp: number;
  readonly mtu: number;
  /** As written. */
  readonly imageSize: string;
  readonly imageBytes: number;
  /** A folder; null: in memory where that can be had. */
  readonly imageIn: string | null;
  readonly seed: number;
}

/** A device's headers within the payload of a frame: AoE and ATA, without Ethernet's. */
const HEADERS = 22;

export function parsePeers(given: PeersTexts): PeersOptions {
  const texts = { ...PEERS_DEFAULTS, ...given };
  const peers = (given.peer ?? []).map(parsePeer);
  const names = [...BUILT_IN, ...peers.map(({ name }) => name)];
  const [twice] = names.filter((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw expected("--peer", "a name that no other target has", twice);
  // A peer that was named is meant to run.
  const arms =
    given.arms === undefined
      ? [...listOf(texts.arms), ...peers.map(({ name }) => name)]
      : oneOf(given.arms, "--arms", names);
  const mtu = parseInteger(texts.mtu, "--mtu", 1500, 65_535);
  const sizes = listOf(texts.bs).map((text) => parseBlock(text, mtu));
  const depths = listOf(texts.iodepth).map((text) => parseInteger(text, "--iodepth", 1, 1024));
  const directions = oneOf(texts.rw, "--rw", DIRECTIONS);
  const runtime = parseDuration(texts.runtime, "--runtime");
  if (runtime === 0) throw expected("--runtime", "a duration above 0", texts.runtime);
  const bytes = parseSize(texts.imageSize, "--image-size");
  if (bytes < 1 << 20 || bytes % SECTOR !== 0) {
    throw expected("--image-size", "a multiple of 512 bytes from 1m on", texts.imageSize);
  }
  return {
    parts: oneOf(texts.parts, "--parts", PARTS),
    arms,
    peers,
    cells: unique(sizes).flatMap((bs) =>
      unique(depths).flatMap((iodepth) => directions.map((rw) => ({ bs, iodepth, rw }))),
    ),
    rounds: parseInteger(texts.rounds, "--rounds", 1, 1000),
    runtime,
    warmUp: parseDuration(texts.warmUp, "--warm-up"),
    mtu,
    imageSize: texts.imageSize,
    imageBytes: bytes,
    imageIn: folderOf(given.imageIn),
    seed: parseInteger(texts.seed, "--seed", 0, 2 ** 32 - 1),
  };
}

function folderOf(path: string | undefined): string | null {
  if (path === undefined) return null;
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw expected("--image-in", "a folder", path);
  }
  return path;
}

/** A command of one frame: what a target does for several is no one's question here. */
function parseBlock(text: string, mtu: number): number {
  const bytes = parseSize(text, "--bs");
  const most = Math.floor((mtu - HEADERS) / SECTOR) * SECTOR;
  if (bytes === 0 || bytes % SECTOR !== 0 || bytes > most) {
    throw expected(
      "--bs",
      `sizes in multiples of 512 bytes, of one frame (up to ${most} with MTU ${mtu})`,
      text,
    );
  }
  return bytes;
}

const PLACEHOLDERS = ["{IF}", "{IMAGE}", "{SHELF}", "{SLOT}"];

function parsePeer(text: string): Peer {
  const match = /^([a-z0-9][a-z0-9.-]*)=(.*\S.*)$/s.exec(text);
  const [, name, command] = match ?? [];
  if (name === undefined || command === undefined) {
    throw expected(
      "--peer",
      `a name of small letters, digits, points and hyphens, then = and a command with ${PLACEHOLDERS.join(" ")}`,
      text,
    );
  }
  const [unknown] = (command.match(/\{[A-Z]+\}/g) ?? []).filter(
    (word) => !PLACEHOLDERS.includes(word),
  );
  if (unknown !== undefined) {
    throw usage(
      `Expected the places in \`--peer ${name}=…\` to be ${PLACEHOLDERS.join(" ")}, got \`${unknown}\``,
    );
  }
  if (!command.includes("{IF}")) {
    throw expected("--peer", "a command with {IF}, the interface that it is to serve on", text);
  }
  return { name, command };
}

function listOf(text: string): string[] {
  return text.split(",").map((word) => word.trim());
}

function oneOf<T extends string>(text: string, what: string, of: readonly T[]): T[] {
  const words = listOf(text).map((word) => {
    const found = of.find((one) => one === word);
    if (found === undefined) throw expected(what, `a list of ${of.join(", ")}`, word);
    return found;
  });
  return unique(words);
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}
