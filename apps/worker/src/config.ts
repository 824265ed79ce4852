import { availableParallelism } from 'node:os';
import type { CipherChoice } from '@rekey/envelope';
import { parseWitnessKey } from '@rekey/evidence';
import { itemsPerSecondMin } from '@rekey/rotation';
import {
  DatabaseUrl,
  type Environment,
  Host,
  isSecureUrl,
  LogLevelName,
  MetricsVariables,
  QueuePrefix,
  RedisUrl,
  readEnv,
} from '@rekey/runtime';
import { dekAgeMs } from '@rekey/times';
import Type, { type Static } from 'typebox';
import { workerRules } from './config-rules.ts';
import { connectionsMin } from './connections.ts';

export const WorkerVariables = Type.Object({
  DATABASE_URL: DatabaseUrl,
  REDIS_URL: RedisUrl,
  KEK_URI: Type.String({
    pattern: '^[a-z][a-z0-9+-]*:.+$',
    maxLength: 2_048,
    description: 'where the key encryption key lives, e.g. local:/etc/rekey/kek',
  }),
  /** Of stored DEKs that are wrapped under others than `KEK_URI`, before or after it. Nothing new is wrapped under these. */
  KEK_URIS_UNWRAP_ONLY: Type.Optional(
    Type.String({
      pattern: '^\\s*[a-z][a-z0-9+-]*:[^,]+(,\\s*[a-z][a-z0-9+-]*:[^,]+)*$',
      maxLength: 32_768,
      description: 'URIs of key encryption keys, separated by commas',
    }),
  ),
  /** KEKs by names that API and operators know them by; they unwrap, and a rewrap may bring DEKs under them. */
  KEKS: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 65_536,
      description: 'name=uri, separated by commas or line ends',
    }),
  ),
  /** What tenants may make KEKs of their own from: URIs with free words. */
  TENANT_KEKS: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 65_536,
      description: 'name=template, separated by commas or line ends',
    }),
  ),
  /** Where these may lead. */
  TENANT_KEK_ADDRESSES: Type.Unsafe<'public' | 'any'>(
    Type.String({ pattern: '^(public|any)$', default: 'public', description: 'public or any' }),
  ),
  /** How long an unwrapped DEK is used after its KEK last unwrapped it; renewed in half of that. */
  DEK_AGE_MAX_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: dekAgeMs.max / 1_000,
    description: 'a number from 1 to 86400',
  }),
  /** The same while that KEK's KMS is away. */
  DEK_AGE_MAX_SECONDS_WHILE_AWAY: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: dekAgeMs.maxWhileAway / 1_000,
    description: 'a number from 1 to 86400',
  }),
  /** What certificates and checkpoints are signed with; without it this worker makes none. */
  SIGNING_KEY_URI: Type.Optional(
    Type.String({
      pattern: '^(file|pkcs11):.+$',
      maxLength: 2_048,
      description: 'file:<path of an Ed25519 key in PKCS#8 PEM>, or pkcs11:… of one in a token',
    }),
  ),
  /** What certificates and checkpoints are signed with besides; needs the first. */
  SECOND_SIGNING_KEY_URI: Type.Optional(
    Type.String({
      pattern: '^file:.+$',
      maxLength: 2_048,
      description: 'file:<path of an ML-DSA-65 key in PKCS#8 PEM>',
    }),
  ),
  /** Where signed checkpoints of the log of events are written, outside of the database; needs a signing key. */
  CHECKPOINT_FILE: Type.Optional(
    Type.String({ pattern: '^/', maxLength: 4_096, description: 'the absolute path of a file' }),
  ),
  /** To where the latest checkpoint is sent besides; it may hold a password. Needs a signing key. */
  CHECKPOINT_URL: Type.Optional(
    Type.Refine(
      Type.String({
        maxLength: 4_096,
        description: 'an https address, or an http one of this machine',
      }),
      (text) => isSecureUrl(text) && !text.includes('#'),
    ),
  ),
  /** Who signs checkpoints besides, by C2SP's tlog-witness; needs the key of the witness. */
  WITNESS_URL: Type.Optional(
    Type.Refine(
      Type.String({
        pattern: '^https?://[^\\s@?#]+$',
        maxLength: 2_048,
        description: 'an https address, or an http one of this machine, to which /add-checkpoint is appended',
      }),
      isSecureUrl,
    ),
  ),
  WITNESS_KEY: Type.Optional(
    Type.Refine(
      Type.String({ maxLength: 1_024, description: 'the verifier key of a witness: name+id+base64' }),
      isWitnessKey,
    ),
  ),
  /** Who dates certificates (RFC 3161), and the certificates of whoever vouches for it; both or none. */
  CERTIFICATE_TIMESTAMP_URL: Type.Optional(
    // Plain http as well: what comes back is believed by its signature and by nothing else (docs/adr/0103).
    Type.Refine(
      Type.String({
        pattern: '^https?://[^\\s@?#]+$',
        maxLength: 2_048,
        description: 'an https or http address without user, password and query',
      }),
      (text) => URL.canParse(text),
    ),
  ),
  CERTIFICATE_TIMESTAMP_CA: Type.Optional(
    Type.String({
      pattern: '^/',
      maxLength: 4_096,
      description: 'the absolute path of a file with certificates in PEM',
    }),
  ),
  /** Ranges swept at the same time by this process: one more than seal at once, so that Postgres has work meanwhile. */
  WORKER_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: Math.min(8, Math.max(3, availableParallelism())),
    description: 'a number from 1 to 64',
  }),
  /** Connections to Postgres that this process has at any moment, whatever for. */
  DATABASE_CONNECTIONS_MAX: Type.Integer({
    minimum: connectionsMin,
    maximum: 1_000,
    default: 12,
    description: `a number from ${connectionsMin} to 1000`,
  }),
  /** Records per committed batch; chosen from what batches take when absent. */
  BATCH_SIZE: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 5_000, description: 'a number from 1 to 5000' }),
  ),
  /** Statements that read, write or prove records at the same time; chosen from what batches take when absent. */
  WORKER_STATEMENTS: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 128, description: 'a number from 1 to 128' }),
  ),
  /** `auto`: OpenSSL's own functions where they are tested and prove themselves, else `node:crypto`. */
  REKEY_CIPHER: Type.Unsafe<CipherChoice>(
    Type.String({ pattern: '^(auto|ffi|node)$', default: 'auto', description: 'auto, ffi or node' }),
  ),
  /** As `nice` counts it: whatever else the machine has to do goes first. The throughput of a machine of its own is the same. */
  WORKER_NICENESS: Type.Integer({
    minimum: 0,
    maximum: 19,
    default: 10,
    description: 'a number from 0 to 19',
  }),
  /** Records re-encrypted per second by this process at most; as many as it can when absent. */
  ITEMS_PER_SECOND_MAX: Type.Optional(
    Type.Integer({
      minimum: itemsPerSecondMin,
      maximum: 10_000_000,
      description: `a number from ${itemsPerSecondMin} to 10000000`,
    }),
  ),
  /** Whether the sweep yields to what the database, its standbys and its applications bear. */
  THROTTLE: Type.Unsafe<'on' | 'off'>(
    Type.String({ pattern: '^(on|off)$', default: 'on', description: 'on or off' }),
  ),
  /** A query of the operator's: true or a number above 0 stops the sweep. */
  THROTTLE_SQL: Type.Optional(
    Type.String({ minLength: 1, maxLength: 10_000, description: 'one statement of SQL that yields a row' }),
  ),
  /** Who asks it, in place of the worker's own role, which must be a member. */
  THROTTLE_SQL_ROLE: Type.Optional(
    Type.String({ minLength: 1, maxLength: 63, description: 'the name of a role in Postgres' }),
  ),
  /** A URL of the operator's: 200 lets the sweep go, anything else stops it. */
  THROTTLE_HTTP: Type.Optional(
    Type.String({
      pattern: '^https?://[^\\s@]+$',
      maxLength: 2_048,
      description: 'an http or https URL without user and password',
    }),
  ),
  /** Standbys and replication slots that may fall behind as they like. */
  THROTTLE_IGNORE: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4_096,
      description: 'names of standbys and slots, separated by commas',
    }),
  ),
  /** How much further behind than at its best a standby may be until the sweep stops. */
  THROTTLE_LAG_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 5,
    description: 'a number from 1 to 86400',
  }),
  /** Statements of applications under way on average, from which on the sweep yields. */
  THROTTLE_SESSIONS: Type.Number({
    minimum: 0.01,
    maximum: 10_000,
    default: availableParallelism() / 20,
    description: 'a number from 0.01 to 10000',
  }),
  QUEUE_PREFIX: QueuePrefix,
  LOG_LEVEL: LogLevelName,
  ...MetricsVariables,
  HEALTH_HOST: Host,
  HEALTH_PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 0,
    description: 'a port number from 0 to 65535',
  }),
});

export type WorkerConfig = Static<typeof WorkerVariables>;

/** Throws `ConfigError` with a line for every problem. */
export function readWorkerConfig(env: Environment): WorkerConfig {
  return readEnv(WorkerVariables, env, workerRules);
}

function isWitnessKey(text: string): boolean {
  try {
    parseWitnessKey(text);
    return true;
  } catch {
    return false;
  }
}
