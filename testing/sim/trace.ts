// The trace of a run as one number of 64 bits: every frame on the wire with all its bytes, every command's
// end, each in its order and with its virtual time. Two runs with one hash did the same.
//
// Two lanes of 32 bits, each a multiply-and-rotate over the words: no BigInt, nothing allocated. A frame's
// words go to the lanes in turn, so that neither waits for the other, and then the lanes are mixed. A step can
// be undone for a given word, so one word that differs always shows. Not for secrets: it tells runs apart,
// not forgers.

const FIRST = 0x85eb_ca6b;
const SECOND = 0xc2b2_ae35;

export class Trace {
  /** Words taken in. */
  length = 0;
  private low = 0x243f_6a88;
  private high = 0x85a3_08d3;

  /** The low 32 bits of an integer, or of a float's whole part. */
  word(value: number): void {
    this.length++;
    const low = Math.imul(this.low ^ value, FIRST);
    this.low = (low << 13) | (low >>> 19);
    const high = Math.imul((this.high + value) | 0, SECOND) ^ this.low;
    this.high = (high << 17) | (high >>> 15);
  }

  /** A time, ns: whole, and beyond 32 bits. */
  time(now: number): void {
    this.word((now % 0x1_0000_0000) | 0);
    this.word(Math.floor(now / 0x1_0000_0000));
  }

  /** `count` words from the start of `words`. */
  words(words: Uint32Array, count: number): void {
    let { low, high } = this;
    let i = 0;
    for (; i + 2 <= count; i += 2) {
      low = Math.imul(low ^ (words[i] as number), FIRST);
      low = (low << 13) | (low >>> 19);
      high = Math.imul((high + (words[i + 1] as number)) | 0, SECOND);
      high = (high << 17) | (high >>> 15);
    }
    if (i < count) {
      low = Math.imul(low ^ (words[i] as number), FIRST);
      low = (low << 13) | (low >>> 19);
    }
    high = Math.imul(high, FIRST) ^ low;
    low = Math.imul(low, SECOND) ^ high;
    this.low = low;
    this.high = high;
    this.length += count;
  }

  /** 16 hex digits. */
  toString(): string {
    return hex(this.high) + hex(this.low);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
