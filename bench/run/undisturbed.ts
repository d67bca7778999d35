// One trial, done again while others disturb it: what is measured must not be their work.

export interface Undisturbed<Trial> {
  readonly trial: Trial;
  /** 0, or how many attempts went before that others had disturbed. */
  readonly attempt: number;
  /** Others disturbed this one too, and it was the last. */
  readonly disturbed: boolean;
}

/** The first attempt that others did not disturb, or the last of one and `retries`; the others are discarded. */
export async function undisturbed<Trial>(
  run: (attempt: number) => Promise<Trial>,
  isDisturbed: (trial: Trial) => boolean,
  retries: number,
  discard: (trial: Trial) => void = () => {},
): Promise<Undisturbed<Trial>> {
  for (let attempt = 0; ; attempt++) {
    const trial = await run(attempt);
    const disturbed = isDisturbed(trial);
    if (!disturbed || attempt >= retries) return { trial, attempt, disturbed };
    discard(trial);
  }
}
