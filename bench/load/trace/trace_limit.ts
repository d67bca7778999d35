// How many commands a trace holds unless told: about 15 MB of file, which viewers open at once.

export const TRACE_LIMIT = 20_000;
