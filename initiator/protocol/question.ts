// One address that is asked for its IDENTIFY sector: which disk does it lead to (proofs.ts)?

import type { FrameView } from "../../link/link.ts";
import type { Identify } from "../../wire/identify.ts";
import type { Mac } from "../../wire/mac.ts";
import type { Asker, Frame } from "./frame.ts";
import type { Path, Said } from "./path.ts";
import type { PortState } from "./port.ts";

interface QuestionHost {
  /** A frame with a tag of `question` came by `port` from `source`. */
  answered(question: Question, port: PortState, source: Mac, frame: FrameView): void;
}

export class Question implements Asker {
  private readonly proofs: QuestionHost;
  readonly path: Path;
  /** Of a new address; null: `path` is one of the device's. */
  said: Said | null;
  /** Hold the places of its tags, the latest first. */
  readonly frames: Frame[] = [];
  /** Sent under the latest. */
  copies = 0;
  readonly since: number;
  sentAt = 0;
  dueAt: number;
  tries = 0;
  /** Its path has announced itself since it was asked. */
  again = false;
  /** What it said once and is to say again, since it is not what the device says: one flipped bit is no other disk. */
  heard: Identify | null = null;

  constructor(proofs: QuestionHost, path: Path, said: Said | null, since: number, dueAt: number) {
    this.proofs = proofs;
    this.path = path;
    this.said = said;
    this.since = since;
    this.dueAt = dueAt;
  }

  answered(port: PortState, source: Mac, frame: FrameView): void {
    this.proofs.answered(this, port, source, frame);
  }
}
