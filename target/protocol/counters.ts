// What a target counts. Plain fields, raised in place: a counter costs an addition.

/** Of one interface: every frame that came in ends in exactly one of these, or is served. */
export interface PortCounters {
  /** Frames that the link handed over. */
  received: number;
  receivedBytes: number;
  /** Of them, those sent to everyone. */
  broadcasts: number;
  /** Answers handed to the link, announcements excluded. */
  answered: number;
  announced: number;
  /** Of both. */
  sentBytes: number;
  /** P13: while the MTU can't carry one sector. */
  mtuTooSmall: number;
  /** P3: responses of other targets. */
  responses: number;
  /** Not EtherType 0x88A2, under 24 bytes, or too short for the command's own header (P30). */
  foreign: number;
  short: number;
  /** P32: not for this host; from a group address or zero. */
  otherHost: number;
  badSource: number;
  /** P4: no export of ours has that address. */
  otherAddress: number;
  /** P17: the sender is not on the export's mask list. */
  masked: number;
  /** P7: answered with error 5, or silently dropped because it was a broadcast. */
  badVersion: number;
  /** P8. */
  unknownCommand: number;
  /** P33: writes and sets to a wildcard address. */
  wildcardWrites: number;
  /** P9: tests that did not match and are not answered. */
  unmatchedTests: number;
  /** P28: copies dropped while the first was in service; stored results sent again; entries that had to go early. */
  duplicatesDropped: number;
  duplicatesAnswered: number;
  duplicatesEvicted: number;
  /** P12: more than the buffer count allows one initiator; more than the whole target holds. */
  overBufferCount: number;
  overGlobalBound: number;
  /** Answers that had to wait because the link had no room. */
  transmitBusy: number;
  /** Requests that met a fault of ours and were dropped. */
  faults: number;
}

export function createPortCounters(): PortCounters {
  return {
    received: 0,
    receivedBytes: 0,
    broadcasts: 0,
    answered: 0,
    announced: 0,
    sentBytes: 0,
    mtuTooSmall: 0,
    responses: 0,
    foreign: 0,
    short: 0,
    otherHost: 0,
    badSource: 0,
    otherAddress: 0,
    masked: 0,
    badVersion: 0,
    unknownCommand: 0,
    wildcardWrites: 0,
    unmatchedTests: 0,
    duplicatesDropped: 0,
    duplicatesAnswered: 0,
    duplicatesEvicted: 0,
    overBufferCount: 0,
    overGlobalBound: 0,
    transmitBusy: 0,
    faults: 0,
  };
}

/**
 * Of one export, over all interfaces. What each read and write raises stands in front: with thousands of exports
 * every further cache line of one is a miss.
 */
export interface ExportCounters {
  reads: number;
  readBytes: number;
  /** ns from a frame's arrival to its answer, summed over reads, writes, and all other ATA commands. */
  readNs: number;
  /** Requests in hand now, and the most there ever were. */
  inService: number;
  mostInService: number;
  /** Requests in hand when an ATA command came, itself included, summed over ATA commands. */
  queueLength: number;
  writes: number;
  writtenBytes: number;
  writeNs: number;
  otherNs: number;
  flushes: number;
  /** IDENTIFY, CHECK POWER, SMART. */
  otherAta: number;
  /** Config, mask and reserve commands. */
  control: number;
  /** Answers with the AoE error flag, with an ATA error. */
  aoeErrors: number;
  ataErrors: number;
  /** P16: ATA commands refused because others hold the reservation. */
  reserved: number;
  /** ATA commands that could not end at once: a service model or the store kept them. */
  deferred: number;
  /** P12: dropped because their initiator had the buffer count in hand. */
  over: number;
  /** Taken and dropped by a service model. */
  modelDropped: number;
  /** Failures of the store, and the last errno. */
  storeErrors: number;
  lastErrno: number;
}

export function createExportCounters(): ExportCounters {
  return {
    reads: 0,
    readBytes: 0,
    readNs: 0,
    inService: 0,
    mostInService: 0,
    queueLength: 0,
    writes: 0,
    writtenBytes: 0,
    writeNs: 0,
    otherNs: 0,
    flushes: 0,
    otherAta: 0,
    control: 0,
    aoeErrors: 0,
    ataErrors: 0,
    reserved: 0,
    deferred: 0,
    over: 0,
    modelDropped: 0,
    storeErrors: 0,
    lastErrno: 0,
  };
}
