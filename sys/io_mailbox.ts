// One operation on its way between the loop and a Worker that does it, in memory that both see.
//
//   i32  state  result          f64 from byte 8 on:  kind  fd  address  length  position
//
// The side that the state names owns the rest: FREE and DONE the loop, GIVEN the Worker.

export const FREE = 0;
export const GIVEN = 1;
export const DONE = 2;

export const READ = 0;
export const WRITE = 1;
export const SYNC = 2;
/** Takes `position` ns: what a test does to a Worker that a disk would hold. */
export const PAUSE = 3;
/** Replaces a file (replace_file.ts): its path, `position` bytes long, and behind that its contents stand at `address`. */
export const REPLACE = 4;
export const QUIT = 5;

export const MAILBOX_BYTES = 64;
const STATE = 0;
const RESULT = 1;

export interface Mailbox {
  state(): number;
  set(state: number): void;
  /** Of the operation that is DONE. */
  result(): number;
  finish(result: number): void;
  give(kind: number, fd: number, address: number, length: number, position: number): void;
  /** kind, fd, address, length, position. */
  readonly fields: Float64Array;
}

export function mailbox(shared: SharedArrayBuffer): Mailbox {
  const words = new Int32Array(shared, 0, 2);
  const fields = new Float64Array(shared, 8, 5);
  return {
    fields,
    state: () => Atomics.load(words, STATE),
    set(state) {
      Atomics.store(words, STATE, state);
    },
    result: () => words[RESULT] as number,
    finish(result) {
      words[RESULT] = result;
      Atomics.store(words, STATE, DONE);
    },
    give(kind, fd, address, length, position) {
      fields[0] = kind;
      fields[1] = fd;
      fields[2] = address;
      fields[3] = length;
      fields[4] = position;
      Atomics.store(words, STATE, GIVEN);
    },
  };
}
