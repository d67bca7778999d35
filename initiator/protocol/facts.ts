// What a device is known to be: its address, what its target's config answers say, what its IDENTIFY sector says;
// and what can become of it. Requests are written and answers are judged by it; device.ts alone changes it.

import {
  hasFlushExtended,
  hasLba48,
  type Identify,
  LENGTH as IDENTIFY_LENGTH,
} from "../../wire/identify.ts";
import type { Said } from "./path.ts";

/** What a smaller buffer count is taken for (P12). */
export const LEAST_BUFFERS = 2;

/** What a target can do, by its IDENTIFY sector: which opcodes to use. */
export interface Opcodes {
  readonly lba48: boolean;
  readonly flushExtended: boolean;
}

/** What became of a device. */
export type DeviceEvent =
  | "found"
  /** One more path to it. */
  | "path"
  /** Its IDENTIFY sector came. */
  | "identified"
  /** It did not answer IDENTIFY, or with an error. */
  | "unidentified"
  /** The same disk has another size. */
  | "resized"
  /** One more address answers for it and leads to another disk. */
  | "contested"
  /** Another disk answers at its address: its commands have ended, and it is no longer one of the devices. */
  | "replaced";

export class Facts {
  readonly major: number;
  readonly minor: number;
  /** As the target's config answers say, the count taken for 2 where it is less (P12). */
  bufferCount = LEAST_BUFFERS;
  saidBufferCount = -1;
  firmware = 0;
  configString: Uint8Array = new Uint8Array(0);
  /** What its IDENTIFY sector says; null: not known yet. */
  identity: Identify | null = null;
  readonly identifySector = new Uint8Array(IDENTIFY_LENGTH);
  opcodes: Opcodes = { lba48: true, flushExtended: false };
  /** Sectors of 512 bytes; 0: not known yet. */
  sectors = 0;

  constructor(major: number, minor: number) {
    this.major = major;
    this.minor = minor;
  }

  protected takeConfig({ bufferCount, firmware, configString }: Said): void {
    this.saidBufferCount = bufferCount;
    this.bufferCount = Math.max(LEAST_BUFFERS, bufferCount);
    this.firmware = firmware;
    this.configString = configString;
  }

  protected takeIdentify(identity: Identify, sector: DataView): void {
    this.identifySector.set(new Uint8Array(sector.buffer, sector.byteOffset, IDENTIFY_LENGTH));
    const lba48 = hasLba48(sector, 0);
    this.opcodes = { lba48, flushExtended: lba48 && hasFlushExtended(sector, 0) };
    this.identity = identity;
    this.sectors = identity.sectors;
  }
}
