// One request in hand, from its frame to its answer. Made once with its transmit buffer and used again
// for ever: the data of a read go straight into the buffer that answers it, and those of a write that
// can't run at once wait there.
//
//   free ─ take ─▶ in service ─ answer ─▶ sent ─ the link lets go ─▶ free
//                                  └─ no room at the link ─▶ backlog ─┘

import type { TxBuffer } from "../link/link.ts";
import * as ata from "../wire/ata.ts";
import type { Mac } from "../wire/mac.ts";
import type { Export } from "./export.ts";
import { UNDECIDED } from "./outcome.ts";
import type { TargetPort } from "./port.ts";
import type { Passenger, ServiceModel } from "./service/model.ts";
import type { Job } from "./service/stage.ts";

export class Request implements Passenger {
  /** Dense from 0 over the whole target: the handle of its deadline, the token of its store operation. */
  readonly id: number;
  readonly port: TargetPort;
  buffer: TxBuffer;
  /** Whose command it is; null while the request is free. */
  owner: Export | null = null;

  source: Mac = 0;
  tag = 0;
  command = 0;
  // Of an ATA command.
  flags = 0;
  feature = 0;
  count = 0;
  opcode = 0;
  /** The six LBA bytes as they came, and the sector that they mean to this opcode. */
  registers = 0;
  lba = 0;
  sectors = 0;
  write = false;

  /** P28: it changes something, so that its result is kept; P11: it answers nobody. */
  changes = false;
  announcement = false;
  /** Bytes of the answer as sent. */
  length = 0;
  outcome = UNDECIDED;
  /** First bad sector of a command that failed. */
  failedLba = 0;
  arrivedAt = 0;

  // What it holds until it is answered.
  duplicate = -1;
  admission = -1;
  model: ServiceModel | null = null;
  stage = 0;
  copies = 1;
  decided = UNDECIDED;
  heldAt = 0;
  next: Job | null = null;

  constructor(id: number, port: TargetPort, buffer: TxBuffer) {
    this.id = id;
    this.port = port;
    this.buffer = buffer;
  }
}

/** Decodes the ATA header at `base`: P21, the opcode decides between LBA28 and LBA48. */
export function decodeAta(request: Request, view: DataView, base: number): void {
  request.flags = ata.flags(view, base);
  request.feature = ata.feature(view, base);
  request.count = ata.count(view, base);
  request.opcode = ata.command(view, base);
  request.registers = ata.lba48(view, base);
  request.write = false;
  request.sectors = 0;
  switch (request.opcode) {
    case ata.WRITE:
    case ata.WRITE_EXT:
      request.write = true;
      request.sectors = request.count;
      break;
    case ata.READ:
    case ata.READ_EXT:
      request.sectors = request.count;
      break;
  }
  request.lba =
    request.opcode === ata.READ || request.opcode === ata.WRITE
      ? ata.lba28(view, base)
      : request.registers;
  // A failure that knows no better is the first sector's.
  request.failedLba = request.lba;
}
