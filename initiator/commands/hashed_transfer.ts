// What surrounds the transfers of `read`, `write` and `verify`: progress on the way, how long it took, and the
// checksum of what went by.

import { formatAddress } from "../../words/address.ts";
import type { Device } from "../protocol/device.ts";
import type { Session } from "../session/session.ts";
import type { DeviceRange, TransferOptions } from "../session/transfer.ts";
import { createProgress } from "./progress.ts";
import type { Transferred } from "./summary.ts";

/** Runs `work`, which passes all bytes of `range` to the hash; `doing` such as `Reading`. */
export async function transferHashed(
  session: Session,
  device: Device,
  range: DeviceRange,
  doing: string,
  quiet: boolean,
  work: (options: TransferOptions, hash: Bun.CryptoHasher) => Promise<void>,
): Promise<Omit<Transferred, "verb"> & { readonly sha256: string }> {
  const hash = new Bun.CryptoHasher("sha256");
  const progress = createProgress(`${doing} ${formatAddress(device)}`, range.size, quiet);
  const start = session.waiter.now();
  try {
    await work({ session, device, ...range, onProgress: progress.tell }, hash);
  } finally {
    progress.end();
  }
  const elapsed = session.waiter.now() - start;
  return { bytes: range.size, elapsed, sha256: hash.digest("hex") };
}
