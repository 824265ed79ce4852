import type { KmsErrorCode } from '../kms-error.ts';
import { unreached } from '../read-answer.ts';

/** How long one attempt may take, a login included. */
export const attemptMs = 3_000;

/** The server answered, and not with what was asked for. Holds what it said, which goes no further than `codeOf`. */
export class NotAnswered extends Error {
  readonly status: number;
  /** Its `errors`; null: the answer is not one of Vault's, but of something on the way. */
  readonly errors: readonly string[] | null;

  constructor(status: number, errors: readonly string[] | null) {
    super('not answered');
    this.status = status;
    this.errors = errors;
  }
}

interface Meaning {
  readonly code: KmsErrorCode;
  readonly said: string;
}

const means = (code: KmsErrorCode, said: string): Meaning => ({ code, said });

/** By a part of what Vault or OpenBao say, whatever the status: it differs between their versions. */
const byText: ReadonlyArray<readonly [part: string, meaning: Meaning]> = [
  ['message authentication failed', means('CORRUPT', 'message authentication failed')],
  [
    'disallowed by policy (too old)',
    means('NOT_FOUND', 'the version of the key is below min_decryption_version'),
  ],
  ['version is too new', means('NOT_FOUND', 'the key does not have the version')],
  ['invalid ciphertext', means('CORRUPT', 'invalid ciphertext')],
  ['encryption key not found', means('NOT_FOUND', 'encryption key not found')],
  ['no handler for route', means('NOT_FOUND', 'nothing is mounted there')],
  // Somebody deleted it and can bring it back (OpenBao): as a key of AWS whose deletion is pending.
  ['refusing to use soft-deleted key', means('DENIED', 'the key is soft-deleted')],
  ['not supported for key type', means('DENIED', 'the type of the key does not encrypt')],
  ['non-AEAD cipher suite', means('DENIED', 'the type of the key takes no associated data')],
  ["missing 'context' for key derivation", means('DENIED', 'the key is a derived one')],
  ['invalid role or secret ID', means('DENIED', 'the login is refused')],
  ['invalid role ID', means('DENIED', 'the login is refused')],
  ['invalid secret id', means('DENIED', 'the login is refused')],
  ['invalid role name', means('DENIED', 'the login is refused')],
  ['service account name not authorized', means('DENIED', 'the login is refused')],
  ['namespace not authorized', means('DENIED', 'the login is refused')],
];

/** What Vault's answer is to us, and what may be told of it: docs/kek-providers.md. Whatever is not here is waited out. */
export function codeOf(error: unknown): Meaning {
  if (!(error instanceof NotAnswered)) return means('UNAVAILABLE', unreached(error));
  const { status, errors } = error;
  if (errors === null)
    return status >= 300 && status < 400
      ? means('UNAVAILABLE', `a redirect (HTTP status ${status}), which is not followed`)
      : means('UNAVAILABLE', `an answer that is not Vault's, with HTTP status ${status}`);
  // Throttled, not up to date, a standby, sealed: their texts say nothing of the key.
  if ([412, 429, 472, 473, 503].includes(status)) return means('UNAVAILABLE', names[status] ?? 'busy');
  for (const [part, meaning] of byText) if (errors.some((text) => text.includes(part))) return meaning;
  if (status === 403) return means('DENIED', 'permission denied');
  if (status === 404) return means('NOT_FOUND', 'not found');
  return means('UNAVAILABLE', `an unknown error with HTTP status ${status}`);
}

const names: Readonly<Record<number, string>> = {
  412: 'not up to date yet (412)',
  429: 'throttled (429)',
  472: 'a standby (472)',
  473: 'a standby (473)',
  503: 'sealed or in maintenance (503)',
};
