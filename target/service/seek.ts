// `seek:RPM/MINSEEK/MAXSEEK`: a disk with one head. A command waits for its turn, for the head to come
// to its track and for the platter to bring its sector round.
//
//   seek      0 on the same spot, else MINSEEK + (MAXSEEK − MINSEEK) · √(distance / whole disk)
//   rotation  the angle from where the head is when it arrives to where the sector stands, by the clock
//
// The square root is the arm's: it speeds up for half the way and brakes for the other half. Tracks
// hold 1,024 sectors here; sequential commands follow the platter without a turn in between.

import { type Job, type Stage, idle } from "./stage.ts";

const TRACK_SECTORS = 1024;

export function createSeek(
  rpm: number,
  minSeek: number,
  maxSeek: number,
  sectors: number,
  text: string,
): Stage {
  const turn = 60e9 / rpm;
  const perSector = turn / TRACK_SECTORS;
  let head = 0;
  let free = Number.NEGATIVE_INFINITY;
  return {
    ...idle,
    text,
    enter(job: Job, now: number): number {
      const start = Math.max(now, free);
      const distance = Math.abs(job.lba - head);
      const arrived =
        distance === 0
          ? start
          : start + minSeek + (maxSeek - minSeek) * Math.sqrt(Math.min(1, distance / sectors));
      const angle = (job.lba % TRACK_SECTORS) * perSector;
      const rotation = distance === 0 ? 0 : (((angle - arrived) % turn) + turn) % turn;
      head = job.lba + job.sectors;
      free = Math.ceil(arrived + rotation + job.sectors * perSector);
      return free;
    },
  };
}
