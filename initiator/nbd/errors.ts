// What NBD says of a request that a device ended, or that is no request for this export.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import {
  AOE_ERROR,
  ATA_ERROR,
  CANCELLED,
  type Command,
  OK,
  OTHER_DISK,
} from "../protocol/command.ts";
import { NBD_EIO, NBD_ENOSPC, NBD_EPERM, NBD_ESHUTDOWN } from "./protocol.ts";
import { WRITE } from "../protocol/operation.ts";

/**
 * The error for how `command` ended; 0: it ended well. A sector that does not exist is no room for a
 * write; a target that another initiator has reserved permits nothing; what was withdrawn, or is
 * another disk now, was so because the server ends; all else, silence included, is an I/O error.
 */
export function errorOf(command: Command): number {
  switch (command.outcome) {
    case OK:
      return 0;
    case ATA_ERROR: {
      const missing = (command.ataError & ata.ERROR_IDNF) !== 0;
      return missing && command.operation === WRITE ? NBD_ENOSPC : NBD_EIO;
    }
    case AOE_ERROR:
      return command.aoeError === aoe.ERROR_RESERVED ? NBD_EPERM : NBD_EIO;
    case CANCELLED:
    case OTHER_DISK:
      return NBD_ESHUTDOWN;
    default:
      return NBD_EIO;
  }
}
