// Deadlines by handle: a binary heap in typed arrays that allocates only when it grows.
//
//   heap      [ h3 | h0 | h7 | … ]     handles, the earliest at 0, children of i at 2i+1 and 2i+2
//   position  by handle: where it stands in `heap`, or -1
//   due       by handle: ns; Infinity: none
//   order     by handle: the count of `set` calls before its own, which orders equal times
//   key       by handle: what it stands in the heap by, never later than `due`; likewise `keyOrder`
//
// A handle is a slot's number, chosen by the owner of the slots: dense, small, from 0. Two deadlines
// of one time fire in the order in which they were set, so that a run under the virtual clock is the
// same run for ever. Setting a handle again is a new set: it goes behind its equals.
//
// Most deadlines never come: a frame's RTO is set, the answer takes it away, and the next frame of that slot sets
// a later one. So a deadline that is put off or taken away stays where it is, by its old key, and only when that
// comes to the top is it put right: once a round trip's timeout, not twice a frame.

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
  /** Handles that stand in the heap, with a deadline or not. */
  private standing = 0;
  private heap: Int32Array;
  private position: Int32Array;
  private due: Float64Array;
  private order: Float64Array;
  private key: Float64Array;
  private keyOrder: Float64Array;

  constructor(capacity: number) {
    this.heap = new Int32Array(capacity);
    this.position = new Int32Array(capacity).fill(-1);
    this.due = new Float64Array(capacity).fill(Infinity);
    this.order = new Float64Array(capacity);
    this.key = new Float64Array(capacity);
    this.keyOrder = new Float64Array(capacity);
  }

  set(handle: number, at: number): void {
    if (at === Infinity) {
      this.clear(handle);
      return;
    }
    // Also catches NaN, which would break the order for every other handle.
    if (!(at > -Infinity)) throw new Error(`invariant: deadline ${at} of handle ${handle}`);
    if (handle >= this.position.length || handle < 0) this.grow(handle);
    if (this.due[handle] === Infinity) this.size++;
    this.due[handle] = at;
    this.order[handle] = this.sets++;
    const stands = this.position[handle] as number;
    // By a key that is no later it comes up in time.
    if (stands >= 0 && (this.key[handle] as number) <= at) return;
    this.key[handle] = at;
    this.keyOrder[handle] = this.order[handle] as number;
    this.rise(stands >= 0 ? stands : this.standing++, handle);
  }

  clear(handle: number): void {
    if (handle >= this.position.length || handle < 0 || this.due[handle] === Infinity) return;
    this.due[handle] = Infinity;
    this.size--;
  }

  at(handle: number): number {
    if (handle >= this.position.length || handle < 0) return Infinity;
    return this.due[handle] as number;
  }

  next(): number {
    this.settle(Infinity);
    return this.standing === 0 ? Infinity : (this.due[this.heap[0] as number] as number);
  }

  first(): number {
    this.settle(Infinity);
    return this.standing === 0 ? -1 : (this.heap[0] as number);
  }

  pop(now: number): number {
    this.settle(now);
    if (this.standing === 0) return -1;
    const first = this.heap[0] as number;
    if ((this.key[first] as number) > now) return -1;
    this.due[first] = Infinity;
    this.size--;
    this.removeFirst();
    return first;
  }

  /** Puts the top right until it stands by its own deadline, or by a key later than `now`. */
  private settle(now: number): void {
    while (this.standing > 0) {
      const first = this.heap[0] as number;
      if ((this.key[first] as number) > now) return;
      if (this.due[first] === Infinity) {
        this.removeFirst();
      } else if (this.keyOrder[first] !== this.order[first]) {
        this.key[first] = this.due[first] as number;
        this.keyOrder[first] = this.order[first] as number;
        this.sink(0, first);
      } else {
        return;
      }
    }
  }

  private removeFirst(): void {
    this.position[this.heap[0] as number] = -1;
    const last = this.heap[--this.standing] as number;
    if (this.standing > 0) this.sink(0, last);
  }

  private before(a: number, b: number): boolean {
    const difference = (this.key[a] as number) - (this.key[b] as number);
    return (
      difference < 0 ||
      (difference === 0 && (this.keyOrder[a] as number) < (this.keyOrder[b] as number))
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
    const { heap, position, standing } = this;
    let at = index;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= standing) break;
      if (child + 1 < standing && this.before(heap[child + 1] as number, heap[child] as number))
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
    const capacity = Math.max(2 * this.position.length, handle + 1);
    this.heap = wider(new Int32Array(capacity), this.heap);
    this.position = wider(new Int32Array(capacity).fill(-1), this.position);
    this.due = wider(new Float64Array(capacity).fill(Infinity), this.due);
    this.order = wider(new Float64Array(capacity), this.order);
    this.key = wider(new Float64Array(capacity), this.key);
    this.keyOrder = wider(new Float64Array(capacity), this.keyOrder);
  }
}

function wider<A extends Int32Array | Float64Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
