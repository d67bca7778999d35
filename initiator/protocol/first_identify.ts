// The first IDENTIFY of a device: what every later answer is compared with (proofs.ts). It goes through the queue and
// the pool that all devices of a link share, since ten thousand may be asked at a time.

import {
  checksum,
  type Identify,
  LENGTH as IDENTIFY_LENGTH,
  parse as parseIdentify,
} from "../../wire/identify.ts";
import { isMalformed } from "../../wire/malformed.ts";
import { Command, OK } from "./command.ts";
import { IDENTIFY } from "./operation.ts";

/** So often a sector with a wrong checksum is asked for again; then it is a target that can't add. */
const MOST_MISTRUST = 2;

export class FirstIdentify {
  private readonly command = new Command();
  private readonly submit: (command: Command) => void;
  private mistrusted = 0;

  /** `ended` hears what the sector says; null: it did not come, or means nothing. */
  constructor(
    submit: (command: Command) => void,
    ended: (identity: Identify | null, sector: DataView) => void,
  ) {
    this.submit = submit;
    const { command } = this;
    const bytes = new Uint8Array(IDENTIFY_LENGTH);
    const view = new DataView(bytes.buffer);
    command.operation = IDENTIFY;
    command.memory = { bytes, view, address: 0 };
    command.done = ({ outcome }) => {
      const identity = outcome === OK ? parseIdentify(view, 0) : null;
      if (identity === null || isMalformed(identity)) ended(null, view);
      else if (checksum(view, 0) === "wrong" && this.mistrusted++ < MOST_MISTRUST) submit(command);
      else ended(identity, view);
    };
  }

  ask(): void {
    if (!this.command.busy) this.submit(this.command);
  }
}
