import {
  constants,
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Owner, thisFile } from './cleanup.ts';

export type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

interface Version {
  readonly version: string;
  isEnabled: boolean;
  /** Throws for what is no such bytes. */
  readonly wraps: Readonly<Record<'wrapkey' | 'unwrapkey', (bytes: Buffer) => Buffer>>;
  readonly algorithm: string;
  /** What is shown of the key: an RSA key's public half, and of an AES key nothing. */
  readonly shown: Readonly<Record<string, unknown>>;
}

/** Key Vault's REST API with real RSA-OAEP-256 and AES key wrap, its challenge, and a managed identity's source of tokens, over HTTP. */
export interface FakeAzureKv {
  readonly origin: string;
  uri(name?: string): string;
  /** What was asked for, in order: `challenge`, `token`, `wrapkey`, `unwrapkey`, `get`. */
  readonly calls: string[];
  /** By name; the last version wraps. */
  readonly keys: Map<string, Version[]>;
  /** The tokens that the vault takes. */
  readonly tokens: Set<string>;
  /** What the challenge names. */
  resource: string;
  /** Where the vault says that its keys are. */
  named: string;
  /** Whether who may wrap may also look at keys. */
  mayGet: boolean;
  /** Answers a request with a token instead; null: as Key Vault does. */
  answer: Answer | null;
  /** How long a request with a token takes. */
  slowMs: number;
  /** By how much its clock is ahead of ours. */
  clockMs: number;
  /** Answers a request for a token instead; null: as a managed identity's source does. */
  identity: Answer | null;
}

export function saying(status: number, code: string, inner?: string): Answer {
  const error = {
    code,
    message: `${code} hunter2`,
    ...(inner === undefined ? {} : { innererror: { code: inner } }),
  };
  return (response) => send(response, status, { error });
}

export function sending(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(text);
}

export const silent: Answer = () => {};

export function newVersion(): Version {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const how = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  return {
    ...newOne(),
    algorithm: 'RSA-OAEP-256',
    shown: { ...publicKey.export({ format: 'jwk' }) },
    wraps: {
      wrapkey: (bytes) => publicEncrypt({ key: publicKey, ...how }, bytes),
      unwrapkey: (bytes) => privateDecrypt({ key: privateKey, ...how }, bytes),
    },
  };
}

/** Of an AES key, as a Managed HSM has them: RFC 3394. */
export function newAesVersion(): Version {
  const key = randomBytes(32);
  const iv = Buffer.alloc(8, 0xa6);
  const through = (cipher: ReturnType<typeof createCipheriv>, bytes: Buffer): Buffer =>
    Buffer.concat([cipher.update(bytes), cipher.final()]);
  return {
    ...newOne(),
    algorithm: 'A256KW',
    shown: { kty: 'oct-HSM' },
    wraps: {
      wrapkey: (bytes) => through(createCipheriv('id-aes256-wrap', key, iv), bytes),
      unwrapkey: (bytes) => through(createDecipheriv('id-aes256-wrap', key, iv), bytes),
    },
  };
}

const newOne = () => ({ version: randomBytes(16).toString('hex'), isEnabled: true });

export async function fakeAzureKv(owner: Owner = thisFile): Promise<FakeAzureKv> {
  const http = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    if (fake.slowMs > 0 && request.headers.authorization !== undefined) await sleep(fake.slowMs);
    serve(fake, request, text, response);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  owner.after(async () => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo; // it listens on a TCP port
  const origin = `http://127.0.0.1:${port}`;
  const fake: FakeAzureKv = {
    origin,
    uri: (name = 'rekey') => `azure-kv:${origin}/keys/${name}`,
    calls: [],
    keys: new Map([['rekey', [newVersion()]]]),
    tokens: new Set(),
    resource: origin,
    named: origin,
    mayGet: true,
    answer: null,
    slowMs: 0,
    clockMs: 0,
    identity: null,
  };
  return fake;
}

/** The environment of a managed identity whose source is this server: only loopback is asked. */
export function identityOf(fake: FakeAzureKv): Record<string, string> {
  return { IDENTITY_ENDPOINT: `${fake.origin}/msi/token`, IDENTITY_HEADER: 'hunter2' };
}

function serve(fake: FakeAzureKv, request: IncomingMessage, text: string, response: ServerResponse): unknown {
  const url = new URL(String(request.url), fake.origin);
  response.setHeader('date', new Date(Date.now() + fake.clockMs).toUTCString());
  if (url.pathname === '/msi/token') return giveToken(fake, url, request, response);
  const [, name = '', version = '', operation = ''] =
    request.method === 'GET'
      ? [...(/^\/keys\/([\w-]+)\/?([0-9a-f]{32}|)$/.exec(url.pathname) ?? ['', '', '']), 'get']
      : (/^\/keys\/([\w-]+)\/([0-9a-f]{32}|)\/(wrapkey|unwrapkey)$/.exec(url.pathname) ?? []);
  const token = request.headers.authorization?.replace(/^Bearer /, '');
  if (token === undefined || !fake.tokens.has(token)) {
    fake.calls.push('challenge');
    const challenge = `Bearer authorization="https://login.microsoftonline.com/${randomUUID()}", resource="${fake.resource}"`;
    response.setHeader('www-authenticate', challenge);
    return send(response, 401, { error: { code: 'Unauthorized', message: 'AKV10000: hunter2' } });
  }
  fake.calls.push(operation);
  if (fake.answer !== null) return fake.answer(response, request);
  const versions = fake.keys.get(name);
  const pair = version === '' ? versions?.at(-1) : versions?.find((one) => one.version === version);
  const isGet = operation === 'get';
  if (isGet && !fake.mayGet) return saying(403, 'Forbidden', 'ForbiddenByRbac')(response, request);
  if (pair === undefined) return saying(404, 'KeyNotFound')(response, request);
  const kid = `${fake.named}/keys/${name}/${pair.version}`;
  if (isGet) {
    const key = { kid, key_ops: ['wrapKey', 'unwrapKey'], ...pair.shown };
    const attributes = { enabled: pair.isEnabled, recoveryLevel: 'Recoverable', recoverableDays: 90 };
    return send(response, 200, { key, attributes });
  }
  if (!pair.isEnabled) return saying(403, 'Forbidden', 'KeyDisabled')(response, request);
  const body = membersOf(text);
  const bytes = Buffer.from(String(body?.value), 'base64url');
  if (body?.alg !== pair.algorithm || url.searchParams.get('api-version') !== '2025-07-01')
    return saying(400, 'BadParameter')(response, request);
  try {
    const value = pair.wraps[operation === 'wrapkey' ? operation : 'unwrapkey'](bytes);
    return send(response, 200, { kid, value: value.toString('base64url') });
  } catch {
    return saying(400, 'BadParameter')(response, request);
  }
}

function membersOf(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function giveToken(fake: FakeAzureKv, url: URL, request: IncomingMessage, response: ServerResponse): unknown {
  fake.calls.push('token');
  if (fake.identity !== null) return fake.identity(response, request);
  if (
    request.headers['x-identity-header'] !== 'hunter2' ||
    url.searchParams.get('resource') !== fake.resource
  )
    return send(response, 400, { statusCode: 400, message: 'hunter2' });
  const token = `eyJ.${randomUUID()}`;
  fake.tokens.add(token);
  const expires = String(Math.floor(Date.now() / 1000) + 86_400);
  return send(response, 200, {
    access_token: token,
    expires_on: expires,
    resource: fake.resource,
    token_type: 'Bearer',
  });
}

function send(response: ServerResponse, status: number, body: object): unknown {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
