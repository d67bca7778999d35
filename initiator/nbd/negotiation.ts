// The server's half of the handshake: options in, replies out, until the client goes on to requests, gives up, or
// says something that can't be answered.
//
//   FLAGS ─▶ OPTION ─▶ (data are there, or skipped) ─▶ reply ─▶ OPTION …
//                │                                       └─▶ transmission | abort
//                └ a wrong magic, too many options, an unknown name in OPT_EXPORT_NAME ─▶ broken
//
// One export: under its name, and under the empty name, which means the default. Structured replies are
// accepted; TLS, meta contexts (block status), extended headers and whatever comes later are refused as
// unsupported. Clients without FIXED_NEWSTYLE are served: nothing here depends on it.

import {
  CLIENT_FLAGS_BYTES,
  emitExport,
  emitGreeting,
  emitInfo,
  emitOptionReply,
  emitServer,
  type ExportFacts,
  isOption,
  OPTION_BYTES,
  optionCode,
  optionLength,
  parseInfoRequest,
  parseString,
} from "./handshake.ts";
import {
  FIXED_NEWSTYLE,
  INFO_BLOCK_SIZE,
  INFO_DESCRIPTION,
  INFO_EXPORT,
  INFO_NAME,
  NO_ZEROES,
  OPT_ABORT,
  OPT_EXPORT_NAME,
  OPT_GO,
  OPT_INFO,
  OPT_LIST,
  OPT_STRUCTURED_REPLY,
  REP_ACK,
  REP_ERR_INVALID,
  REP_ERR_SHUTDOWN,
  REP_ERR_TOO_BIG,
  REP_ERR_UNKNOWN,
  REP_ERR_UNSUP,
  SEND_DF,
} from "./protocol.ts";
import type { StreamBuffer } from "./stream_buffer.ts";

/** Data of an option beyond this are skipped and refused: four strings of the longest. */
const LONGEST_OPTION = 16_384;
/** A client that has put this many has no other purpose. */
const MOST_OPTIONS = 128;
/** Bytes of output that any one option may cause. */
export const REPLY_ROOM = 16_384;

/** Where the handshake stands after a step. */
export type Progress =
  /** More input, or room for output, is needed. */
  | "waiting"
  /** What follows in the input are requests. */
  | "transmission"
  /** The client said that it goes; what is in the output is the last. */
  | "abort"
  /** `fault` says why no more can be said. */
  | "broken";

export class Negotiation {
  /** The client asked for structured replies. */
  structured = false;
  /** What was wrong, for a sentence that begins with the client. */
  fault = "";
  /** Refuses to go on to requests. */
  stopping = false;
  private readonly facts: ExportFacts;
  private greeted = false;
  private noZeroes = false;
  private options = 0;
  /** Of an option that is too long. */
  private skipping = 0;

  constructor(facts: ExportFacts) {
    this.facts = facts;
  }

  greet(output: StreamBuffer): void {
    output.to += emitGreeting(output.memory.view, output.to, FIXED_NEWSTYLE | NO_ZEROES);
  }

  /** Takes what it can from `input`. */
  step(input: StreamBuffer, output: StreamBuffer): Progress {
    for (;;) {
      const { view } = input.memory;
      if (!this.greeted) {
        if (input.size < CLIENT_FLAGS_BYTES) return "waiting";
        const flags = view.getUint32(input.from);
        if ((flags & ~(FIXED_NEWSTYLE | NO_ZEROES)) !== 0) {
          return this.broken(`sent handshake flags ${hex(flags)} that were not offered`);
        }
        this.noZeroes = (flags & NO_ZEROES) !== 0;
        this.greeted = true;
        input.consume(CLIENT_FLAGS_BYTES);
      }
      if (this.skipping > 0) {
        const bytes = Math.min(this.skipping, input.size);
        this.skipping -= bytes;
        input.consume(bytes);
        if (this.skipping > 0) return "waiting";
      }
      output.compact();
      if (input.size < OPTION_BYTES || output.room < REPLY_ROOM) return "waiting";
      const at = input.from;
      if (!isOption(view, at)) {
        return this.broken("sent no option where one is due (wrong magic number)");
      }
      const option = optionCode(view, at);
      const length = optionLength(view, at);
      if (length > LONGEST_OPTION) {
        if (option === OPT_EXPORT_NAME) return this.broken(`named an export in ${length} bytes`);
        this.count(input, OPTION_BYTES);
        this.skipping = length;
        this.reply(output, option, REP_ERR_TOO_BIG, `at most ${LONGEST_OPTION} bytes of data`);
        continue;
      }
      if (input.size < OPTION_BYTES + length) return "waiting";
      const data = input.memory.bytes.slice(at + OPTION_BYTES, at + OPTION_BYTES + length);
      this.count(input, OPTION_BYTES + length);
      if (this.options > MOST_OPTIONS) {
        return this.broken(`put more than ${MOST_OPTIONS} options`);
      }
      const progress = this.handle(option, data, output);
      if (progress !== "waiting") return progress;
    }
  }

  private count(input: StreamBuffer, bytes: number): void {
    this.options++;
    input.consume(bytes);
  }

  /** "waiting": the next option is due. */
  private handle(option: number, data: Uint8Array, output: StreamBuffer): Progress {
    switch (option) {
      case OPT_EXPORT_NAME:
        return this.exportName(data, output);
      case OPT_ABORT:
        this.reply(output, option, REP_ACK);
        return "abort";
      case OPT_LIST:
        if (data.length > 0) return this.reply(output, option, REP_ERR_INVALID, "no data expected");
        output.to += emitServer(output.memory.view, output.to, option, this.facts.name);
        return this.reply(output, option, REP_ACK);
      case OPT_STRUCTURED_REPLY:
        if (data.length > 0) return this.reply(output, option, REP_ERR_INVALID, "no data expected");
        this.structured = true;
        return this.reply(output, option, REP_ACK);
      case OPT_INFO:
      case OPT_GO:
        return this.info(option, data, output);
      default:
        return this.reply(output, option, REP_ERR_UNSUP, "not supported");
    }
  }

  private exportName(data: Uint8Array, output: StreamBuffer): Progress {
    const name = parseString(data);
    if (name === null) return this.broken("asked for an export by a name that is no string");
    if (!this.isOurs(name)) return this.broken(`asked for an export ${quote(name)}, which is none`);
    if (this.stopping) return "abort";
    const { view } = output.memory;
    output.to += emitExport(view, output.to, this.offered(), !this.noZeroes);
    return "transmission";
  }

  private info(option: number, data: Uint8Array, output: StreamBuffer): Progress {
    const request = parseInfoRequest(data);
    if (request === null) {
      return this.reply(output, option, REP_ERR_INVALID, "lengths that do not add up");
    }
    if (!this.isOurs(request.name)) {
      return this.reply(output, option, REP_ERR_UNKNOWN, "no export of this name");
    }
    if (this.stopping) return this.reply(output, option, REP_ERR_SHUTDOWN, "the server ends");
    // Size and limits go to all, whether they ask or not; the texts to those who ask.
    const infos = [INFO_EXPORT, INFO_BLOCK_SIZE];
    for (const info of [INFO_NAME, INFO_DESCRIPTION]) {
      if (request.infos.includes(info)) infos.push(info);
    }
    const facts = this.offered();
    for (const info of infos) {
      output.to += emitInfo(output.memory.view, output.to, option, info, facts);
    }
    this.reply(output, option, REP_ACK);
    return option === OPT_GO ? "transmission" : "waiting";
  }

  /** A reply is never fragmented here, so DF holds as soon as there are fragments to forbid. */
  private offered(): ExportFacts {
    const { facts } = this;
    return this.structured ? { ...facts, flags: facts.flags | SEND_DF } : facts;
  }

  private isOurs(name: string): boolean {
    return name === "" || name === this.facts.name;
  }

  private reply(output: StreamBuffer, option: number, type: number, message = ""): Progress {
    const text = new TextEncoder().encode(message);
    output.to += emitOptionReply(output.memory.view, output.to, option, type, text);
    return "waiting";
  }

  private broken(fault: string): Progress {
    this.fault = fault;
    return "broken";
  }
}

function quote(name: string): string {
  return `\`${name.length > 64 ? `${name.slice(0, 64)}…` : name}\``;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
