// Seeded random numbers, the same on every machine: xoshiro128** (Blackman, Vigna 2018), period
// 2^128 - 1, in 32-bit integer arithmetic that JavaScript does exactly.
//
// The state is filled from the seed by splitmix32, so that neighbouring seeds give unrelated
// streams. `fork(label)` derives a stream from the seed and the label alone, never from how much was
// drawn: a new draw in one place doesn't shift every number after it, and two forks with one label
// are one stream.
//
// Not for secrets: who sees many draws can tell the next ones.

export interface Random {
  /** A uint32. */
  next(): number;
  /** [0, 1) with 53 bits, from two draws. */
  float(): number;
  /** An integer in [0, n), without bias; n from 1 to 2^53. */
  below(n: number): number;
  /** An independent stream; the same seed and label give the same stream. */
  fork(label: string): Random;
}

/** A generator from a seed: an integer of up to 53 bits. */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new Error(`invariant: seed ${seed} is a safe integer`);
  return new Xoshiro128(seed | 0, Math.floor(seed / 2 ** 32) | 0);
}

/** A seed that nobody can guess, where a run need not be had again. */
export function secretSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
}

export class Xoshiro128 implements Random {
  readonly #keyLow: number;
  readonly #keyHigh: number;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  constructor(keyLow: number, keyHigh: number) {
    this.#keyLow = keyLow;
    this.#keyHigh = keyHigh;
    const a = mix(keyLow);
    const b = mix(a ^ keyHigh);
    const c = mix((b + GOLDEN) | 0);
    const d = mix((c + GOLDEN) | 0);
    this.setState(a, b, c, d);
  }

  setState(a: number, b: number, c: number, d: number): void {
    // The all-zero state is the one that never leaves itself.
    if ((a | b | c | d) === 0) throw new Error("invariant: the state has a bit set");
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  float(): number {
    return this.#bits53() / 2 ** 53;
  }

  below(n: number): number {
    if (!(Number.isSafeInteger(n - 1) && n >= 1)) {
      throw new Error(`invariant: 1 <= ${n} <= 2^53, an integer`);
    }
    // Draws at and above the largest multiple of n are thrown away: they would favour low results.
    if (n <= 2 ** 32) {
      const limit = 2 ** 32 - (2 ** 32 % n);
      let draw = this.next();
      while (draw >= limit) draw = this.next();
      return draw % n;
    }
    const limit = 2 ** 53 - (2 ** 53 % n);
    let draw = this.#bits53();
    while (draw >= limit) draw = this.#bits53();
    return draw % n;
  }

  fork(label: string): Random {
    let low = mix(this.#keyLow ^ 0x5bd1e995);
    let high = mix(this.#keyHigh ^ low);
    for (let index = 0; index < label.length; index += 1) {
      low = mix(low ^ label.charCodeAt(index));
      high = mix((high + low) | 0);
    }
    return new Xoshiro128(low, high);
  }

  #bits53(): number {
    const high = this.next() >>> 5;
    return high * 2 ** 26 + (this.next() >>> 6);
  }
}

const GOLDEN = 0x9e3779b9;

/** One step of splitmix32: a bijection of 32 bits with full avalanche. */
function mix(value: number): number {
  let z = (value + GOLDEN) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
