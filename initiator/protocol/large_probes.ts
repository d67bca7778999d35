// Earning large frames back: a path that has fallen back is asked now and then whether it carries them again.
//
//   reads    READ of as many sectors as target and MTU allow, from 0 on: a large answer
//   writes   IDENTIFY, padded to as long as such a write with bytes that a target tolerates (P18): a large request
//
// Nothing is written, and a probe that gets lost counts neither as a loss of its path nor as a time-out of a
// command. When the next one is due: frame_limit.ts.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { type Command, OK } from "./command.ts";
import { paddedIdentify, readOfStart } from "./control_command.ts";
import type { Facts } from "./facts.ts";
import { type FrameLimit, SMALL_SECTORS } from "./frame_limit.ts";
import type { Path } from "./path.ts";

export class LargeProbes {
  private readonly facts: Facts;
  /** ns; not above the first RTO of a control command, so that the path never learns of a loss. */
  private readonly timeout: number;
  private readonly submit: (command: Command) => void;
  /** That are out, by what they find out. */
  private readonly out = new Set<FrameLimit>();

  constructor(facts: Facts, timeout: number, submit: (command: Command) => void) {
    this.facts = facts;
    this.timeout = timeout;
    this.submit = submit;
  }

  send(path: Path, limit: FrameLimit): void {
    if (this.out.has(limit)) return;
    const reads = limit === path.reads;
    const sectors = reads ? Math.min(limit.most, this.facts.sectors) : limit.most;
    if (sectors <= Math.min(SMALL_SECTORS, limit.sectors)) return;
    const bytes = sectors * ata.SECTOR;
    const command: Command = reads
      ? readOfStart(this.facts, sectors)
      : paddedIdentify(ata.LENGTH + bytes);
    const needed = reads ? ata.LENGTH - aoe.LENGTH + bytes : 0;
    command.path = path;
    command.timeout = this.timeout;
    command.isProbe = true;
    command.done = ({ outcome, answerLength, doneAt }) => {
      this.out.delete(limit);
      if (outcome === OK && answerLength >= needed) limit.heard(doneAt);
    };
    this.out.add(limit);
    this.submit(command);
  }
}
