// A target that can be switched off and come back as a new process would: with its store and nothing else. A
// core like any other, over one link.
//
//   link ─▶ port ─▶ the target of this life; while there is none, frames fall on the floor

import type { FrameView, Link } from "../../link/link.ts";
import type { Core, Port } from "../../link/loop.ts";
import type { Export } from "../../target/protocol/export.ts";
import { Target } from "../../target/protocol/target.ts";

export class MortalTarget implements Core {
  readonly ports: readonly Port[];
  lives = 0;
  private readonly link: Link;
  private readonly makeExport: () => Export;
  private target: Target | null = null;
  /** Of lives that are over. */
  private copiesBefore = 0;

  constructor(link: Link, makeExport: () => Export) {
    this.link = link;
    this.makeExport = makeExport;
    this.ports = [
      {
        link,
        visit: (frame: FrameView) => this.target?.ports[0]?.visit(frame),
        reclaimed: () => this.target?.ports[0]?.reclaimed(),
      },
    ];
    this.rise();
  }

  /** Copies of requests that were dropped or answered from memory (P28), in all lives. */
  get copies(): number {
    const port = this.target?.ports[0]?.counters;
    return this.copiesBefore + (port?.duplicatesAnswered ?? 0) + (port?.duplicatesDropped ?? 0);
  }

  fall(): void {
    this.copiesBefore = this.copies;
    this.target = null;
    this.link.onChange = null;
  }

  rise(): void {
    this.lives++;
    this.target = new Target();
    this.target.addExport(this.makeExport());
    this.target.addPort(this.link, "far");
  }

  begin(now: number): void {
    this.target?.begin(now);
  }

  advance(now: number): void {
    this.target?.advance(now);
  }

  nextDeadline(): number {
    return this.target?.nextDeadline() ?? Infinity;
  }
}
