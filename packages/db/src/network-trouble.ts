import type { StoreErrorCode } from './store-error.ts';

type Trouble = { readonly code: StoreErrorCode; readonly reason: string };

const away = (reason: string): Trouble => ({ code: 'UNAVAILABLE', reason });
const unfit = (reason: string): Trouble => ({ code: 'UNFIT', reason });

/** By the names that Node gives them. */
const ofCode: ReadonlyArray<readonly [RegExp, Trouble]> = [
  [/^ECONNREFUSED$/, away('nothing listens at its address')],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, away('the connection was cut')],
  [/^ETIMEDOUT$/, away('it does not answer')],
  [/^(ENOTFOUND|EAI_)/, away('its host name does not resolve')],
  [/^(EHOST|ENET|EADDRNOTAVAIL)/, away('there is no way to its address')],
  [/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT)/, unfit('its certificate is self-signed (sslrootcert)')],
  [
    /^UNABLE_TO_(VERIFY|GET)_/,
    unfit('its certificate is signed by nobody who is trusted here (sslrootcert)'),
  ],
  [/^CERT_HAS_EXPIRED$/, unfit('its certificate has expired')],
  [/^CERT_NOT_YET_VALID$/, unfit('its certificate is not valid yet')],
  [/^CERT_/, unfit('its certificate is not accepted')],
  [/^ERR_TLS_CERT_ALTNAME/, unfit('its certificate is for another host name than the URL has')],
  [/^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO)/, unfit('TLS with it fails')],
];

/** node-postgres reports much by message only. */
const ofMessage: ReadonlyArray<readonly [RegExp, Trouble]> = [
  [/server does not support SSL/i, unfit('it has no TLS, which the sslmode asks for')],
  [/error establishing an SSL connection/i, unfit('TLS with it fails')],
  [
    /^SASL: .*password must be a/i,
    { code: 'ACCESS_DENIED', reason: 'it asks for a password, and the URL has none' },
  ],
  [/^SASL: /i, { code: 'ACCESS_DENIED', reason: 'it does not agree with us on how to prove the password' }],
  [/connection timeout|timeout expired|Query read timeout/i, away('it does not answer')],
  [/timeout exceeded when trying to connect/i, away('all connections of the pool are busy')],
  [/Connection terminated|connection error|not queryable/i, away('the connection was cut')],
  [/after calling end on the pool/i, away('the pool is closed')],
];

/** What an error that Postgres itself did not send says of the way to it; undefined for one that is none of these. */
export function networkTrouble(error: Error): Trouble | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const onConnect = 'syscall' in error && error.syscall === 'connect';
  if (onConnect && code === 'ENOENT') return away('there is no socket at its place');
  if (onConnect && (code === 'EACCES' || code === 'EPERM'))
    return { code: 'ACCESS_DENIED', reason: 'its socket may not be used by the user this runs as' };
  const [, known] =
    (code === '' ? undefined : ofCode.find(([pattern]) => pattern.test(code))) ??
    ofMessage.find(([pattern]) => pattern.test(error.message)) ??
    [];
  return known;
}
