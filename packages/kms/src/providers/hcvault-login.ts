import { Buffer } from 'node:buffer';
import { open } from 'node:fs/promises';
import { env } from 'node:process';
import type { Login, TransitKey } from '../key-names/hcvault.ts';
import { KmsError } from '../kms-error.ts';
import { needPrivateFile } from '../need-private-file.ts';
import { membersOf } from '../read-answer.ts';
import { NotAnswered } from './hcvault-errors.ts';
import { ask } from './hcvault-http.ts';

export interface Lease {
  readonly token: string;
  /** For how long the server promised it; null: for ever, or it does not say. */
  readonly ms: number | null;
  readonly renewable: boolean;
}

/** Logs in, or takes the token that is given and asks how long it is good for. */
export async function logIn(key: TransitKey, signal: AbortSignal): Promise<Lease> {
  const { login } = key;
  const secret = await secretOf(login);
  if (login.kind === 'token') return { token: secret, ...(await lookUp(key, secret, signal)) };
  const body =
    login.kind === 'approle' ? { role_id: login.role, secret_id: secret } : { role: login.role, jwt: secret };
  const answer = await ask(key, { path: `auth/${login.mount}/login`, body }, signal);
  const lease = leaseOf(answer.auth);
  if (lease === null) throw new NotAnswered(200, null);
  return lease;
}

/** Whether the server still knows a token; it tells every token of itself, unless its policies leave out the default one. */
export async function isKnown(key: TransitKey, token: string, signal: AbortSignal): Promise<boolean> {
  try {
    await ask(key, { path: 'auth/token/lookup-self', token }, signal);
    return true;
  } catch (error) {
    if (error instanceof NotAnswered && error.status === 403 && error.errors !== null) return false;
    throw error;
  }
}

export async function renew(key: TransitKey, { token }: Lease, signal: AbortSignal): Promise<Lease | null> {
  const answer = await ask(key, { path: 'auth/token/renew-self', token, body: {} }, signal);
  const lease = leaseOf(answer.auth);
  return lease === null ? null : { ...lease, token };
}

async function lookUp(
  key: TransitKey,
  token: string,
  signal: AbortSignal,
): Promise<Pick<Lease, 'ms' | 'renewable'>> {
  try {
    const data = membersOf((await ask(key, { path: 'auth/token/lookup-self', token }, signal)).data);
    return { ms: msOf(data?.ttl), renewable: data?.renewable === true };
  } catch (error) {
    // What it may not ask about itself it may still be good for.
    if (error instanceof NotAnswered && error.status === 403) return { ms: null, renewable: false };
    throw error;
  }
}

function leaseOf(given: unknown): Lease | null {
  const auth = membersOf(given);
  const token = auth?.client_token;
  if (typeof token !== 'string' || !isToken(token)) return null;
  return { token, ms: msOf(auth?.lease_duration), renewable: auth?.renewable === true };
}

const msOf = (seconds: unknown): number | null =>
  typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null;

/** What may stand in a header. */
const isToken = (text: string): boolean => /^[\x21-\x7e]{1,8192}$/.test(text);

const inEnvironment = { token: 'VAULT_TOKEN', approle: 'VAULT_SECRET_ID' } as const;

/** Read anew at each login: whoever put it there may have put another one there. */
async function secretOf({ kind, file }: Login): Promise<string> {
  if (file !== undefined) return fromFile(file);
  const name = kind === 'kubernetes' ? undefined : inEnvironment[kind];
  const secret = (name === undefined ? undefined : env[name])?.trim() ?? '';
  if (isToken(secret)) return secret;
  throw new KmsError('DENIED', `Vault Transit: no secret in the environment as ${name}, and none by a file`);
}

const secretMaxBytes = 16_384;

async function fromFile(path: string): Promise<string> {
  const memory = Buffer.alloc(secretMaxBytes);
  try {
    const file = await open(path, 'r');
    try {
      await needPrivateFile(file, path);
      const { bytesRead } = await file.read(memory, 0, secretMaxBytes, 0);
      const secret = memory.toString('utf8', 0, bytesRead).trim();
      if (isToken(secret)) return secret;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof KmsError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // Not there yet, or exchanged at this moment: whoever provides it may be late.
    throw new KmsError('UNAVAILABLE', `Vault Transit: ${path} cannot be read (${code})`);
  } finally {
    memory.fill(0);
  }
  throw new KmsError('UNAVAILABLE', `Vault Transit: ${path} holds no secret`);
}
