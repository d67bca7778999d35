// What surrounds the transfers of `read`, `write` and `verify`: progress on the way, how long it took, and the
// checksum of what went by.

import { formatAddress } from "../../words/address.ts";
import type { Device } from "../protocol/device.ts";
import type { Session } from "../session/session.ts";
import type { Stretch, TransferOptions } from "../session/transfer.ts";
import { createProgress } from "./progress.ts";
import type { Transferred } from "./summary.ts";

/** Runs `work`, which passes all bytes of `stretch` to the hash; `doing` such as `Reading`. */
export async function transferHashed(
  session: Session,
  device: Device,
  stretch: Stretch,
  doing: string,
  quiet: boolean,
  work: (options: TransferOptions, hash: Bun.CryptoHasher) => Promise<void>,
): Promise<Omit<Transferred, "verb"> & { readonly sha256: string }> {
  const hash = new Bun.CryptoHasher("sha256");
  const progress = createProgress(`${doing} ${formatAddress(device)}`, stretch.size, quiet);
  const start = session.waiter.now();
  try {
    await work({ session, device, ...stretch, onProgress: progress.tell }, hash);
  } finally {
    progress.end();
  }
  const elapsed = session.waiter.now() - start;
  return { bytes: stretch.size, elapsed, sha256: hash.digest("hex") };
}
