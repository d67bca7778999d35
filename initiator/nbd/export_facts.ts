// What an NBD client is told of a device.

import { SECTOR } from "../../wire/ata.ts";
import { formatAddress } from "../../words/address.ts";
import type { Device } from "../protocol/device.ts";
import { MOST_DATA } from "./buffers.ts";
import type { ExportFacts } from "./handshake.ts";
import {
  CAN_MULTI_CONN,
  FLAG_READ_ONLY,
  HAS_FLAGS,
  ROTATIONAL,
  SEND_FLUSH,
  SEND_FUA,
  SEND_WRITE_ZEROES,
} from "./protocol.ts";

/** What a page cache moves, and a file system's block: as good as any multiple of a frame's sectors. */
const PREFERRED = 4096;

/** `device` is identified. `canFlush`: the target has shown that it does. */
export function exportFacts(
  device: Device,
  name: string,
  readOnly: boolean,
  canFlush: boolean,
): ExportFacts {
  const { identity } = device;
  if (identity === null) throw new Error("invariant: only an identified device is exported");
  let flags = HAS_FLAGS | CAN_MULTI_CONN;
  if (readOnly) flags |= FLAG_READ_ONLY;
  else flags |= SEND_WRITE_ZEROES;
  if (canFlush) flags |= SEND_FLUSH | SEND_FUA;
  if (identity.rpm !== null && identity.rpm > 0) flags |= ROTATIONAL;
  return {
    name,
    description: `${formatAddress(device)} ${identity.model} ${identity.serial}`.trim(),
    /** A client keeps the size that it was told; what is beyond the current one is refused. */
    get size() {
      return device.sectors * SECTOR;
    },
    flags,
    least: SECTOR,
    preferred: PREFERRED,
    most: MOST_DATA,
  };
}
