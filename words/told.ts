// Sentences that may come again and again: a kind is told the first time, and then at its 10th, 100th,
// 1000th, each time with how often it has come.

/** Kinds that are counted apart; those that come after them count as one. */
const MOST_KINDS = 256;
const FURTHER = "";

export class Told {
  private readonly say: (sentence: string) => void;
  private readonly counts = new Map<string, number>();

  constructor(say: (sentence: string) => void) {
    this.say = say;
  }

  /** `kind` says what `sentence` is about, without what differs from time to time. */
  tell(kind: string, sentence: string): void {
    const { counts } = this;
    const counted = counts.has(kind) || counts.size < MOST_KINDS ? kind : FURTHER;
    const count = (counts.get(counted) ?? 0) + 1;
    counts.set(counted, count);
    if (count === 1) this.say(sentence);
    else if (isPowerOfTen(count)) this.say(`${sentence} (${howOften(counted, count)})`);
  }
}

function howOften(kind: string, count: number): string {
  return kind === FURTHER ? `${count} such sentences so far` : `${count} times so far`;
}

function isPowerOfTen(count: number): boolean {
  let power = 10;
  while (power < count) power *= 10;
  return power === count;
}
