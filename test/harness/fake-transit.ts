import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Owner, thisFile } from './cleanup.ts';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Transit as Vault and OpenBao serve it, with real AES-256-GCM and the texts of their errors, over HTTP. */
export interface FakeTransit {
  readonly server: string;
  /** Of its key `rekey` in the mount `transit`, by a token. */
  uri(parameters?: Record<string, string>): string;
  /** The paths that were asked for, in order. */
  readonly calls: string[];
  /** The keys by `<mount>/<name>`: their versions, the first to be used still. */
  readonly keys: Map<
    string,
    { readonly versions: Buffer[]; minDecryption: number; isSoftDeleted?: boolean; type?: string }
  >;
  /** Until when each token is good, and whether its policy allows the key. */
  readonly tokens: Map<string, { endsAt: number; readonly mayUse: boolean; renewals: number }>;
  /** What a login needs, and how long its tokens are good for. */
  login: { role: string; secret: string; leaseSeconds: number; renewable: boolean };
  namespace: string | undefined;
  /** Servers before 1.9 pass over it. */
  passesOverAssociatedData: boolean;
  /** Answers instead; null: as Transit does. */
  answer: Answer | null;
  /** How long it takes to answer. */
  slowMs: number;
}

export function saying(status: number, ...errors: readonly string[]): Answer {
  return (response) => void send(response, status, { errors: errors.map((text) => `${text} hunter2`) });
}

export function sending(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(text);
}

export const silent: Answer = () => {};

type Members = Record<string, string>;

export async function fakeTransit(owner: Owner = thisFile): Promise<FakeTransit> {
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = String(request.url).replace(/^\/v1\//, '');
    fake.calls.push(path);
    if (fake.slowMs > 0) await sleep(fake.slowMs);
    if (fake.answer !== null) return fake.answer(response, request);
    const text = Buffer.concat(chunks).toString();
    serve(fake, path, request, text === '' ? {} : JSON.parse(text), response);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  owner.after(async () => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo; // it listens on a TCP port
  const server = `http://127.0.0.1:${port}`;
  const fake: FakeTransit = {
    server,
    uri: (parameters = {}) => `hcvault:${server}/transit/keys/rekey?${new URLSearchParams(parameters)}`,
    calls: [],
    keys: new Map([['transit/rekey', { versions: [randomBytes(32)], minDecryption: 1 }]]),
    tokens: new Map(),
    login: { role: 'rekey', secret: 'secret-of-a-login', leaseSeconds: 3_600, renewable: true },
    namespace: undefined,
    passesOverAssociatedData: false,
    answer: null,
    slowMs: 0,
  };
  return fake;
}

function serve(
  fake: FakeTransit,
  path: string,
  request: IncomingMessage,
  body: Members,
  response: ServerResponse,
): ServerResponse {
  const refuse = (status: number, ...errors: string[]): ServerResponse => send(response, status, { errors });
  if (request.headers['x-vault-namespace'] !== fake.namespace) return refuse(403, 'permission denied');
  const { leaseSeconds, renewable, role, secret } = fake.login;
  if (/^auth\/(approle|kubernetes)\/login$/.test(path)) {
    if ((body.role_id ?? body.role) !== role || (body.secret_id ?? body.jwt) !== secret)
      return refuse(400, 'invalid role or secret ID');
    const client_token = `hvs.${randomUUID()}`;
    fake.tokens.set(client_token, { endsAt: Date.now() + leaseSeconds * 1_000, mayUse: true, renewals: 0 });
    return send(response, 200, { auth: { client_token, lease_duration: leaseSeconds, renewable } });
  }
  const given = String(request.headers['x-vault-token']);
  const token = fake.tokens.get(given);
  if (token === undefined || token.endsAt < Date.now())
    return refuse(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n');
  if (path === 'auth/token/lookup-self')
    return send(response, 200, { data: { ttl: Math.round((token.endsAt - Date.now()) / 1_000), renewable } });
  if (path === 'auth/token/renew-self') {
    token.endsAt = Date.now() + leaseSeconds * 1_000;
    token.renewals += 1;
    return send(response, 200, { auth: { client_token: given, lease_duration: leaseSeconds, renewable } });
  }
  if (!token.mayUse) return refuse(403, '1 error occurred:\n\t* permission denied\n\n');
  return transit(fake, path, body, response);
}

function transit(fake: FakeTransit, path: string, body: Members, response: ServerResponse): ServerResponse {
  const refuse = (status: number, ...errors: string[]): ServerResponse => send(response, status, { errors });
  const [, mount, operation, name] = /^(.+)\/(encrypt|decrypt)\/([^/]+)$/.exec(path) ?? [];
  if (![...fake.keys.keys()].some((key) => key.startsWith(`${mount}/`)))
    return refuse(404, `no handler for route "${path}". route entry not found.`);
  const key = fake.keys.get(`${mount}/${name}`);
  const given = operation === 'encrypt' ? 'plaintext' : 'ciphertext';
  // As OpenBao, in its order: what is missing, the key, what its type takes, whether it may be used.
  if (body[given] === undefined || (given === 'ciphertext' && body[given] === ''))
    return refuse(400, `missing ${given} to ${operation}`);
  if (key === undefined) return refuse(400, 'encryption key not found');
  const { type = 'aes256-gcm96' } = key;
  if (!/gcm|poly1305/.test(type)) {
    if (body.associated_data !== undefined)
      return refuse(400, `'[0].associated_data' provided for non-AEAD cipher suite ${type}`);
    return refuse(400, `message ${operation}ion not supported for key type ${type}`);
  }
  if (key.isSoftDeleted) return refuse(400, 'refusing to use soft-deleted key');
  const aad = Buffer.from(fake.passesOverAssociatedData ? '' : (body.associated_data ?? ''), 'base64');
  if (operation === 'encrypt') {
    const number = key.versions.length;
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key.versions.at(-1) ?? '', nonce).setAAD(aad);
    const sealed = [
      nonce,
      cipher.update(body.plaintext ?? '', 'base64'),
      cipher.final(),
      cipher.getAuthTag(),
    ];
    const ciphertext = `vault:v${number}:${Buffer.concat(sealed).toString('base64')}`;
    return send(response, 200, { data: { ciphertext, key_version: number } });
  }
  const ciphertext = body.ciphertext ?? '';
  const [, version = '', base64] = /^vault:v([^:]*)(?::(.*))?$/s.exec(ciphertext) ?? [];
  if (!ciphertext.startsWith('vault:v')) return refuse(400, 'invalid ciphertext: no prefix');
  if (base64 === undefined) return refuse(400, 'invalid ciphertext: wrong number of fields');
  if (!/^[+-]?[0-9]+$/.test(version))
    return refuse(400, 'invalid ciphertext: version number could not be decoded');
  const number = Number(version) || 1;
  if (number > key.versions.length) return refuse(400, 'invalid ciphertext: version is too new');
  if (number < key.minDecryption)
    return refuse(400, 'ciphertext or signature version is disallowed by policy (too old)');
  const bytes = key.versions[number - 1] ?? '';
  if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64))
    return refuse(400, 'invalid ciphertext: could not decode base64');
  const sealed = Buffer.from(base64, 'base64');
  try {
    const opener = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, 12));
    opener.setAAD(aad).setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([opener.update(sealed.subarray(12, -16)), opener.final()]);
    return send(response, 200, { data: { plaintext: plain.toString('base64') } });
  } catch {
    return refuse(400, 'cipher: message authentication failed');
  }
}

function send(response: ServerResponse, status: number, body: object): ServerResponse {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
