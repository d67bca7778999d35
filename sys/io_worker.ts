// What a Worker of io_workers.ts runs: it sleeps in read(2) on its bell, does what is in its mailbox, and
// rings the loop. It blocks as a whole while the file does; that is what it is for.

import { toArrayBuffer } from "bun:ffi";

import { errno } from "./errno.ts";
import { GIVEN, mailbox, PAUSE, READ, REPLACE, SYNC, WRITE } from "./io_mailbox.ts";
import { I64, libc, pointer } from "./libc.ts";
import { replaceFile } from "./replace_file.ts";

declare const self: Worker;

const c = libc({
  read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  pread: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  pwrite: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  fdatasync: { args: ["i32"], returns: "i32" },
  usleep: { args: ["u32"], returns: "i32" },
});

interface Orders {
  readonly shared: SharedArrayBuffer;
  readonly bell: number;
  /** Rung when an operation has ended. A descriptor of this Worker's own, as the bell is, and closed by it. */
  readonly done: number;
}

self.onmessage = ({ data }: MessageEvent<Orders>) => {
  const { shared, bell, done } = data;
  const box = mailbox(shared);
  const counter = new Uint8Array(2048);
  const one = new Uint8Array(2048);
  one[0] = 1;
  for (;;) {
    c.read(bell, counter, 8);
    if (box.state() !== GIVEN) continue;
    const [kind = 0, fd = 0, address = 0, length = 0, position = 0] = box.fields;
    let result: number;
    if (kind === READ) result = c.pread(fd, pointer(address), length, position);
    else if (kind === WRITE) result = c.pwrite(fd, pointer(address), length, position);
    else if (kind === SYNC) result = c.fdatasync(fd);
    else if (kind === PAUSE) result = c.usleep(position / 1000);
    else if (kind === REPLACE) result = replace(address, length, position);
    else break;
    box.finish(kind !== REPLACE && result < 0 ? -errno() : result);
    c.write(done, one, 8);
  }
  c.close(bell);
  c.close(done);
  process.exit(0);
};

function replace(address: number, length: number, pathLength: number): number {
  const bytes = new Uint8Array(toArrayBuffer(pointer(address), 0, length));
  const path = new TextDecoder().decode(bytes.subarray(0, pathLength));
  return replaceFile(path, bytes.subarray(pathLength));
}
