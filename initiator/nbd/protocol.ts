// The numbers of the NBD protocol (NetworkBlockDevice/nbd, doc/proto.md), fixed newstyle handshake and
// transmission, with those of later extensions that are refused by name. Everything is big-endian.

/** `NBDMAGIC`, and `IHAVEOPT` as the server's second word and the start of each option, in halves. */
export const MAGIC_HIGH = 0x4e42444d;
export const MAGIC_LOW = 0x41474943;
export const OPTION_MAGIC_HIGH = 0x49484156;
export const OPTION_MAGIC_LOW = 0x454f5054;
/** Start of each reply to an option, in halves. */
export const OPTION_REPLY_MAGIC_HIGH = 0x0003e889;
export const OPTION_REPLY_MAGIC_LOW = 0x045565a9;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const CHUNK_MAGIC = 0x668e33ef;

// Handshake flags, the server's and the client's alike.
export const FIXED_NEWSTYLE = 1;
export const NO_ZEROES = 2;

// Options.
export const OPT_EXPORT_NAME = 1;
export const OPT_ABORT = 2;
export const OPT_LIST = 3;
export const OPT_STARTTLS = 5;
export const OPT_INFO = 6;
export const OPT_GO = 7;
export const OPT_STRUCTURED_REPLY = 8;

// Replies to options.
export const REP_ACK = 1;
export const REP_SERVER = 2;
export const REP_INFO = 3;
export const REP_ERR_UNSUP = 0x80000001;
export const REP_ERR_INVALID = 0x80000003;
export const REP_ERR_UNKNOWN = 0x80000006;
export const REP_ERR_SHUTDOWN = 0x80000007;
export const REP_ERR_TOO_BIG = 0x80000009;

// What OPT_INFO and OPT_GO ask for and REP_INFO tells.
export const INFO_EXPORT = 0;
export const INFO_NAME = 1;
export const INFO_DESCRIPTION = 2;
export const INFO_BLOCK_SIZE = 3;

// Transmission flags: what an export can do.
export const HAS_FLAGS = 1;
export const FLAG_READ_ONLY = 2;
export const SEND_FLUSH = 4;
export const SEND_FUA = 8;
export const ROTATIONAL = 16;
export const SEND_WRITE_ZEROES = 64;
export const SEND_DF = 128;
export const CAN_MULTI_CONN = 256;

// Requests.
export const CMD_READ = 0;
export const CMD_WRITE = 1;
export const CMD_DISC = 2;
export const CMD_FLUSH = 3;
export const CMD_TRIM = 4;
export const CMD_CACHE = 5;
export const CMD_WRITE_ZEROES = 6;

// Flags of requests.
export const CMD_FLAG_FUA = 1;
export const CMD_FLAG_NO_HOLE = 2;
export const CMD_FLAG_DF = 4;

// Chunks of structured replies.
export const CHUNK_DONE = 1;
export const CHUNK_NONE = 0;
export const CHUNK_OFFSET_DATA = 1;
export const CHUNK_ERROR = 0x8001;

// Errors of requests, whatever the errnos of this system are.
export const NBD_EPERM = 1;
export const NBD_EIO = 5;
export const NBD_ENOMEM = 12;
export const NBD_EINVAL = 22;
export const NBD_ENOSPC = 28;
export const NBD_ESHUTDOWN = 108;

/** Longest string (an export's name, a message) in bytes. */
export const LONGEST_STRING = 4096;

/** The names that people know, for sentences. */
export const ERROR_NAMES: Readonly<Record<number, string>> = {
  [NBD_EPERM]: "EPERM",
  [NBD_EIO]: "EIO",
  [NBD_ENOMEM]: "ENOMEM",
  [NBD_EINVAL]: "EINVAL",
  [NBD_ENOSPC]: "ENOSPC",
  [NBD_ESHUTDOWN]: "ESHUTDOWN",
};
