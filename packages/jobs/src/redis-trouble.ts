/**
 * What is wrong between us and Redis, in words that an operator acts on. Closed: whatever Redis or the connection says
 * is one of these.
 */
export type RedisTroubleCode =
  | 'AWAY'
  | 'SILENT'
  | 'READ_ONLY'
  | 'CREDENTIALS'
  | 'DENIED'
  | 'NO_REPLICAS'
  | 'FULL'
  | 'DISK'
  | 'LOADING'
  | 'BUSY'
  | 'CLUSTER_DOWN'
  | 'CROSS_SLOT'
  | 'WRONG_TYPE'
  | 'TOO_OLD'
  | 'EVICTS'
  | 'PAUSED'
  | 'OTHER';

interface Kind {
  /** How Redis or the connection says it; inside of a script older servers put words of their own in front. */
  readonly said: RegExp | null;
  readonly means: string;
  readonly advice?: string;
  /** Whether another connection may find a server that is better off: behind a name, the one that was promoted. */
  readonly reconnect: boolean;
  /** Whether waiting cannot help: somebody has to change a setting or a right. */
  readonly lasting: boolean;
}

const kinds: Readonly<Record<RedisTroubleCode, Kind>> = {
  READ_ONLY: {
    said: /\b(READONLY|UNBLOCKED|MASTERDOWN)\b/,
    means: 'it is a read-only replica: demoted, or the address of a reader',
    reconnect: true,
    lasting: false,
  },
  CREDENTIALS: {
    said: /\b(WRONGPASS|NOAUTH)\b|invalid password|AUTH.* called without any password/,
    means: 'it refuses the user or the password of REDIS_URL',
    reconnect: true,
    lasting: true,
  },
  DENIED: {
    said: /\bNOPERM\b|The user executing the script can't|ACL failure in script|unknown command/i,
    means: 'its user may not run what is needed, or not on the keys of QUEUE_PREFIX',
    reconnect: false,
    lasting: true,
  },
  NO_REPLICAS: {
    said: /\bNOREPLICAS\b/,
    means: 'it takes no writes: fewer replicas than min-replicas-to-write',
    reconnect: true,
    lasting: false,
  },
  FULL: {
    said: /\bOOM\b/,
    means: 'it takes no writes: maxmemory is reached',
    reconnect: false,
    lasting: false,
  },
  DISK: {
    said: /\bMISCONF\b/,
    means: 'it takes no writes: it cannot save to its disk',
    reconnect: false,
    lasting: false,
  },
  LOADING: {
    said: /\bLOADING\b/,
    means: 'it is loading its data',
    reconnect: true,
    lasting: false,
  },
  BUSY: {
    said: /\bBUSY\b(?!GROUP)/,
    means: 'it is busy running a script',
    reconnect: false,
    lasting: false,
  },
  CROSS_SLOT: {
    said: /\bCROSSSLOT\b|keys.*same slot/i,
    means: "QUEUE_PREFIX has no part in braces, so that a Cluster's keys do not stay together",
    reconnect: false,
    lasting: true,
  },
  CLUSTER_DOWN: {
    said: /\b(CLUSTERDOWN|TRYAGAIN|MOVED|ASK)\b|Too many Cluster redirections|cluster support disabled/i,
    means: 'the Cluster does not serve our keys, or is none',
    reconnect: false,
    lasting: false,
  },
  WRONG_TYPE: {
    said: /\bWRONGTYPE\b/,
    means: 'a key of ours there holds something else: another program writes below QUEUE_PREFIX',
    reconnect: false,
    lasting: false,
  },
  TOO_OLD: {
    said: null,
    means: 'it is older than 6.2, too old for what runs in it',
    reconnect: false,
    lasting: true,
  },
  EVICTS: {
    said: null,
    means: 'it evicts keys',
    advice: 'set maxmemory-policy to noeviction, or jobs will be lost',
    reconnect: false,
    lasting: true,
  },
  PAUSED: {
    said: null,
    means: 'a queue is paused there',
    reconnect: false,
    lasting: false,
  },
  SILENT: {
    said: /Command timed out|socket timeout|Socket timeout|not answer/i,
    means: 'it does not answer in time',
    reconnect: false,
    lasting: false,
  },
  AWAY: {
    said: /ECONN|ENOTFOUND|EAI_|EHOST|ENET|EPIPE|ETIMEDOUT|Connection is closed|not connected|isn't writeable|max retries|All sentinels|None of startup nodes|Failed to refresh slots cache|certificate|closed the connection/i,
    means: 'it cannot be reached',
    reconnect: false,
    lasting: false,
  },
  OTHER: { said: null, means: 'it refuses our commands', reconnect: false, lasting: false },
};

/** Its message is made of words of ours only: nothing that Redis or a URL said, save the name of a command. */
export class RedisTrouble extends Error {
  readonly code: RedisTroubleCode;

  constructor(code: RedisTroubleCode, detail = '', options?: ErrorOptions) {
    const { means, advice } = kinds[code];
    super(
      `${means}${detail === '' ? '' : ` (${detail})`}${advice === undefined ? '' : `: ${advice}`}`,
      options,
    );
    this.name = 'RedisTrouble';
    this.code = code;
  }

  /** Whether waiting cannot help. */
  get lasting(): boolean {
    return kinds[this.code].lasting;
  }
}

export function troubleOf(error: unknown): RedisTrouble {
  if (error instanceof RedisTrouble) return error;
  if (!(error instanceof Error)) return new RedisTrouble('OTHER');
  const said = `${'code' in error ? String(error.code) : ''} ${error.message} ${causeOf(error)}`;
  for (const [code, kind] of Object.entries(kinds)) {
    // A key of the table.
    if (kind.said?.test(said)) return new RedisTrouble(code as RedisTroubleCode, commandIn(said));
  }
  return new RedisTrouble('OTHER');
}

/** Whether a connection on which Redis said this is better thrown away. */
export function spoilsConnection(error: Error): boolean {
  return kinds[troubleOf(error).code].reconnect;
}

/** ioredis' Cluster tells only in an error within what the last node said. */
function causeOf(error: Error): string {
  const inner = 'lastNodeError' in error ? error.lastNodeError : error.cause;
  return inner instanceof Error ? `${inner.message}` : '';
}

function commandIn(said: string): string {
  const [, command] =
    /(?:run the|unknown command) ['`]([a-zA-Z]{1,20}(?:\|[a-zA-Z]{1,20})?)['`]/.exec(said) ?? [];
  return command === undefined ? '' : command.toUpperCase();
}
