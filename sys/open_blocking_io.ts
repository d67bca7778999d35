// Chooses how calls that block are made: io_uring where the kernel has it, else a Worker.

import { openIoWorkers } from "./io_workers.ts";
import { openIoUring } from "./io_uring.ts";
import { environment } from "../words/failure.ts";
import type { BlockingKind, BlockingIo } from "./blocking_io.ts";

/** io_uring where the kernel has one and lets us, Workers elsewhere; `kind` insists on one of them. */
export function openBlockingIo(kind?: BlockingKind): BlockingIo {
  if (kind === "worker") return openIoWorkers("");
  const ring = openIoUring();
  if (typeof ring !== "string") return ring;
  if (kind === "io_uring") throw environment(`No io_uring here: ${ring}`);
  return openIoWorkers(ring);
}
