// What the kernel said no with. `errno()` must be read right after the failed call: anything that
// runs in between, a timer or a log line, may overwrite it.

import { constants } from "node:os";

import { toArrayBuffer } from "bun:ffi";

import { type Failure, environment } from "../words/failure.ts";
import { libc } from "./libc.ts";

const c = libc({
  __errno_location: { args: [], returns: "ptr" },
  strerror: { args: ["i32"], returns: "cstring" },
});

/** The C library keeps one errno per thread; a Worker loads this module again and gets its own. */
const cell = locate();

function locate(): Int32Array {
  const address = c.__errno_location();
  if (address === null) throw new Error("invariant: this thread has no errno");
  return new Int32Array(toArrayBuffer(address, 0, 4));
}

/** The error number of this thread's last failed call. */
export function errno(): number {
  return cell[0] ?? 0;
}

export const {
  EPERM,
  ENOENT,
  EINTR,
  EIO,
  ENXIO,
  EBADF,
  EAGAIN,
  ENOMEM,
  EACCES,
  EBUSY,
  EFAULT,
  EEXIST,
  ENODEV,
  EINVAL,
  EMFILE,
  ENOSPC,
  EMSGSIZE,
  EOPNOTSUPP,
  EADDRNOTAVAIL,
  ENETDOWN,
  ENOBUFS,
  ETIMEDOUT,
  ECONNREFUSED,
} = constants.errno;

/** `ENETDOWN`, or `errno 4095` for one without a name. */
export function errnoName(code: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === code) return name;
  return `errno ${code}`;
}

/** `Network is down (ENETDOWN)`. */
export function describeErrno(code: number): string {
  return `${String(c.strerror(code))} (${errnoName(code)})`;
}

/** A failure of the environment: what was tried, then what the kernel said. */
export function refused(attempt: string, code: number = errno()): Failure {
  return environment(`${attempt}: ${describeErrno(code)}`);
}
