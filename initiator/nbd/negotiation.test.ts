// What the server says to each option, as a client sees it.

import { describe, expect, test } from "bun:test";

import { emitInfoRequest } from "./handshake.ts";
import {
  CAN_MULTI_CONN,
  HAS_FLAGS,
  INFO_BLOCK_SIZE,
  INFO_DESCRIPTION,
  INFO_EXPORT,
  INFO_NAME,
  OPT_ABORT,
  OPT_EXPORT_NAME,
  OPT_GO,
  OPT_INFO,
  OPT_LIST,
  OPT_STARTTLS,
  OPT_STRUCTURED_REPLY,
  REP_ACK,
  REP_ERR_INVALID,
  REP_ERR_TOO_BIG,
  REP_ERR_UNKNOWN,
  REP_ERR_UNSUP,
  REP_INFO,
  REP_SERVER,
  SEND_DF,
  SEND_FLUSH,
  SEND_FUA,
  SEND_WRITE_ZEROES,
} from "./protocol.ts";
import { hello, NbdWorld, option } from "../../testing/doubles/scripted_client.ts";

const REPLY_MAGIC = "0003e889045565a9";
const USUAL = HAS_FLAGS | CAN_MULTI_CONN | SEND_FLUSH | SEND_FUA | SEND_WRITE_ZEROES;

interface OptionReply {
  readonly option: number;
  readonly type: number;
  readonly data: string;
}

/** What is sent behind the greeting, taken for replies to options. */
function replies(bytes: Uint8Array): OptionReply[] {
  const found: OptionReply[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    expect(Buffer.from(bytes.subarray(at, at + 8)).toString("hex")).toBe(REPLY_MAGIC);
    const length = view.getUint32(at + 16);
    const data = Buffer.from(bytes.subarray(at + 20, at + 20 + length)).toString("hex");
    found.push({ option: view.getUint32(at + 8), type: view.getUint32(at + 12), data });
    at += 20 + length;
  }
  return found;
}

function say(...options: Uint8Array[]): OptionReply[] {
  const world = new NbdWorld();
  const client = world.connect();
  client.write(hello(), ...options);
  world.rest();
  const output = client.output.slice(18);
  world.close();
  return replies(output);
}

const ask = (name: string, ...infos: number[]): Uint8Array => emitInfoRequest({ name, infos });

describe("options", () => {
  const rows: [string, Uint8Array, number[]][] = [
    ["abort", option(OPT_ABORT), [REP_ACK]],
    ["list", option(OPT_LIST), [REP_SERVER, REP_ACK]],
    ["list with data", option(OPT_LIST, new Uint8Array(1)), [REP_ERR_INVALID]],
    ["structured replies", option(OPT_STRUCTURED_REPLY), [REP_ACK]],
    ["structured with data", option(OPT_STRUCTURED_REPLY, new Uint8Array(2)), [REP_ERR_INVALID]],
    ["TLS", option(OPT_STARTTLS), [REP_ERR_UNSUP]],
    ["meta contexts", option(10, new Uint8Array(8)), [REP_ERR_UNSUP]],
    ["extended headers", option(11), [REP_ERR_UNSUP]],
    ["what nobody knows", option(0xffff_ffff, new Uint8Array(300)), [REP_ERR_UNSUP]],
    ["more data than an option has", option(99, new Uint8Array(70_000)), [REP_ERR_TOO_BIG]],
    ["info", option(OPT_INFO, ask("disk")), [REP_INFO, REP_INFO, REP_ACK]],
    ["info of the default", option(OPT_INFO, ask("")), [REP_INFO, REP_INFO, REP_ACK]],
    ["info of another", option(OPT_INFO, ask("other")), [REP_ERR_UNKNOWN]],
    ["info of nothing", option(OPT_INFO), [REP_ERR_INVALID]],
    ["go", option(OPT_GO, ask("")), [REP_INFO, REP_INFO, REP_ACK]],
    ["go elsewhere", option(OPT_GO, ask("other")), [REP_ERR_UNKNOWN]],
  ];
  for (const [what, sent, types] of rows) {
    test(what, () => {
      expect(say(sent).map(({ type }) => type)).toEqual(types);
    });
  }

  test("each is answered under its own number, and after a refusal the next is heard", () => {
    const sent = [option(99), option(OPT_STARTTLS), option(OPT_LIST), option(OPT_INFO, ask("x"))];
    expect(say(...sent).map(({ option: code }) => code)).toEqual([99, 5, 3, 3, 6]);
  });
});

test("info: size, flags and block sizes to all, name and description to those who ask", () => {
  const infos = [INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE, 99];
  const data = say(option(OPT_INFO, ask("", ...infos))).map((reply) => reply.data);
  const size = (1024 * 512).toString(16).padStart(16, "0");
  const text = (info: number, words: string): string =>
    `${info.toString(16).padStart(4, "0")}${Buffer.from(words).toString("hex")}`;
  expect(data).toEqual([
    `${text(INFO_EXPORT, "")}${size}${USUAL.toString(16).padStart(4, "0")}`,
    `${text(INFO_BLOCK_SIZE, "")}000002000000100002000000`,
    text(INFO_NAME, "disk"),
    text(INFO_DESCRIPTION, "e7.3 scripted peer scripted"),
    "",
  ]);
});

test("DF is offered once structured replies are taken", () => {
  const flagsOf = (reply: OptionReply | undefined): number =>
    Number.parseInt(reply?.data.slice(-4) ?? "", 16);
  expect(flagsOf(say(option(OPT_INFO, ask("")))[0])).toBe(USUAL);
  expect(flagsOf(say(option(OPT_STRUCTURED_REPLY), option(OPT_INFO, ask("")))[1])).toBe(
    USUAL | SEND_DF,
  );
});

for (const [flags, zeroes] of [
  [3, 0],
  [1, 124],
  [0, 124],
] as const) {
  test(`OPT_EXPORT_NAME of a client with flags ${flags}: size, flags, ${zeroes} zeroes`, () => {
    const world = new NbdWorld();
    const client = world.connect();
    client.write(hello(flags), option(OPT_EXPORT_NAME, Buffer.from("disk")));
    world.rest();
    const output = client.output.slice(18);
    expect(output.length).toBe(10 + zeroes);
    expect(Buffer.from(output.subarray(0, 10)).toString("hex")).toBe(
      `0000000000080000${USUAL.toString(16).padStart(4, "0")}`,
    );
    expect(output.subarray(10).every((byte) => byte === 0)).toBe(true);
    client.take();
    expect(client.read(0, 512).error).toBe(0);
    world.close();
  });
}
