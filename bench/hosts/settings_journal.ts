// Settings of an interface that a run changes: what they were is written down before the first
// change, put back at any end, and found by the next run where the end was SIGKILL of the host
// side.
//
//   set        read what was ─ journal ─ change        a setting that comes later joins the journal
//   put back   change back ─ journal gone
//   recover    as put back, for a journal that is there before anything was set
//
// A journal of another boot is dropped: the settings went with that boot.

import * as v from "valibot";

export type Settings = Readonly<Record<string, string>>;

const JournalSchema = v.object({
  /** Of the machine's boot. */
  boot: v.string(),
  /** When the first setting was changed, as people read it. */
  since: v.string(),
  before: v.record(v.string(), v.string()),
});
export type Journal = v.InferOutput<typeof JournalSchema>;

export interface SettingsWorld {
  readonly boot: string;
  /** As people read it. */
  time(): string;
  /** All settings as they are. */
  read(): Settings;
  /** Changes them; throws the Failure that says why not. */
  write(settings: Settings): void;
  load(): string | null;
  /** Null removes it. */
  store(journal: string | null): void;
}

export class SettingsJournal {
  private readonly world: SettingsWorld;
  private journal: Journal | null = null;

  constructor(world: SettingsWorld) {
    this.world = world;
  }

  /** Puts back what an earlier run has left; the journal that it found, or null. */
  recover(): Journal | null {
    const found = this.stored();
    if (found === null) return null;
    if (found.boot !== this.world.boot) {
      this.world.store(null);
      return null;
    }
    this.journal = found;
    this.putBack();
    return found;
  }

  /** Changes settings; what all settings are then. */
  set(settings: Settings): Settings {
    const { world } = this;
    const were = world.read();
    const known = this.journal?.before ?? {};
    const added = Object.keys(settings).flatMap((key) => {
      const was = were[key];
      return key in known || was === undefined ? [] : [[key, was] as const];
    });
    const before = { ...known, ...Object.fromEntries(added) };
    const since = this.journal?.since ?? world.time();
    this.journal = { boot: world.boot, since, before };
    world.store(JSON.stringify(this.journal));
    world.write(settings);
    return world.read();
  }

  /** What was put back; null: nothing had been changed. */
  putBack(): Settings | null {
    const { journal, world } = this;
    if (journal === null) return null;
    if (Object.keys(journal.before).length > 0) world.write(journal.before);
    this.journal = null;
    world.store(null);
    return journal.before;
  }

  private stored(): Journal | null {
    try {
      const read = v.safeParse(JournalSchema, JSON.parse(this.world.load() ?? "null"));
      return read.success ? read.output : null;
    } catch {
      // Half written: the change comes after the journal, so nothing was changed.
      return null;
    }
  }
}
