// What a command asks for.

export const READ = 0;

export const WRITE = 1;

export const FLUSH = 2;

export const IDENTIFY = 3;

/** A frame of another AoE command (config, mask list, reserve, vendor): `aoeCommand`, `length`. */
export const CONTROL = 4;

/** Whether an operation moves sectors. */
export function isTransfer(operation: number): boolean {
  return operation === READ || operation === WRITE;
}
