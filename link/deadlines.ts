// Deadlines by handle: a binary heap in typed arrays that allocates only when it grows.
//
//   heap      [ h3 | h0 | h7 | … ]     handles, the earliest at 0, children of i at 2i+1 and 2i+2
//   position  by handle: where it stands in `heap`, or -1
//   due       by handle: ns
//   turn      by handle: the count of `set` calls before its own, which orders equal times
//
// A handle is a slot's number, chosen by whoever has the slots: dense, small, from 0. Two deadlines
// of one time fire in the order in which they were set, so that a run under the virtual clock is the
// same run for ever. Setting a handle again is a new set: it goes behind its equals.

export interface Deadlines {
  /** How many handles have a deadline. */
  readonly size: number;
  /** Gives `handle` the deadline `at` (ns) in place of the one it had; Infinity takes it away. */
  set(handle: number, at: number): void;
  clear(handle: number): void;
  /** The deadline of `handle`; Infinity: none. */
  at(handle: number): number;
  /** The earliest deadline; Infinity: none. */
  next(): number;
  /** The handle that has it; -1: none. */
  first(): number;
  /** Takes out the earliest handle that is due at `now`; -1: none is. */
  pop(now: number): number;
}

/** Room for handles below `capacity` from the start; it grows when a higher one is set. */
export function createDeadlines(capacity = 64): Deadlines {
  return new Heap(Math.max(1, capacity));
}

class Heap implements Deadlines {
  size = 0;
  private sets = 0;
  private heap: Int32Array;
  private position: Int32Array;
  private due: Float64Array;
  private turn: Float64Array;

  constructor(capacity: number) {
    this.heap = new Int32Array(capacity);
    this.position = new Int32Array(capacity).fill(-1);
    this.due = new Float64Array(capacity);
    this.turn = new Float64Array(capacity);
  }

  set(handle: number, at: number): void {
    if (at === Infinity) {
      this.clear(handle);
      return;
    }
    // Also catches NaN, which would break the order for every other handle.
    if (!(at > -Infinity)) throw new Error(`invariant: deadline ${at} of handle ${handle}`);
    if (handle >= this.position.length || handle < 0) this.grow(handle);
    const old = this.position[handle] as number;
    const earlier = old >= 0 && at < (this.due[handle] as number);
    this.due[handle] = at;
    this.turn[handle] = this.sets++;
    if (old < 0) {
      this.rise(this.size++, handle);
    } else if (earlier) {
      this.rise(old, handle);
    } else {
      this.sink(old, handle);
    }
  }

  clear(handle: number): void {
    if (handle >= this.position.length || handle < 0) return;
    const hole = this.position[handle] as number;
    if (hole < 0) return;
    this.position[handle] = -1;
    const last = this.heap[--this.size] as number;
    if (last === handle) return;
    if (hole > 0 && this.before(last, this.heap[(hole - 1) >> 1] as number)) this.rise(hole, last);
    else this.sink(hole, last);
  }

  at(handle: number): number {
    if (handle >= this.position.length || handle < 0) return Infinity;
    return (this.position[handle] as number) < 0 ? Infinity : (this.due[handle] as number);
  }

  next(): number {
    return this.size === 0 ? Infinity : (this.due[this.heap[0] as number] as number);
  }

  first(): number {
    return this.size === 0 ? -1 : (this.heap[0] as number);
  }

  pop(now: number): number {
    if (this.size === 0) return -1;
    const first = this.heap[0] as number;
    if ((this.due[first] as number) > now) return -1;
    this.position[first] = -1;
    const last = this.heap[--this.size] as number;
    if (this.size > 0) this.sink(0, last);
    return first;
  }

  private before(a: number, b: number): boolean {
    const difference = (this.due[a] as number) - (this.due[b] as number);
    return (
      difference < 0 || (difference === 0 && (this.turn[a] as number) < (this.turn[b] as number))
    );
  }

  /** Puts `handle` at `index` or above it. */
  private rise(index: number, handle: number): void {
    const { heap, position } = this;
    let at = index;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number;
      if (!this.before(handle, above)) break;
      heap[at] = above;
      position[above] = at;
      at = parent;
    }
    heap[at] = handle;
    position[handle] = at;
  }

  /** Puts `handle` at `index` or below it. */
  private sink(index: number, handle: number): void {
    const { heap, position, size } = this;
    let at = index;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.before(heap[child + 1] as number, heap[child] as number))
        child++;
      const below = heap[child] as number;
      if (!this.before(below, handle)) break;
      heap[at] = below;
      position[below] = at;
      at = child;
    }
    heap[at] = handle;
    position[handle] = at;
  }

  private grow(handle: number): void {
    if (!Number.isInteger(handle) || handle < 0) throw new Error(`invariant: handle ${handle}`);
    const old = this.position.length;
    const capacity = Math.max(2 * old, handle + 1);
    const heap = new Int32Array(capacity);
    heap.set(this.heap);
    const position = new Int32Array(capacity).fill(-1);
    position.set(this.position);
    const due = new Float64Array(capacity);
    due.set(this.due);
    const turn = new Float64Array(capacity);
    turn.set(this.turn);
    this.heap = heap;
    this.position = position;
    this.due = due;
    this.turn = turn;
  }
}
