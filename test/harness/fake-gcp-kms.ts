import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Owner, thisFile } from './cleanup.ts';
import { type FakeGoogleAccounts, fakeGoogleAccounts } from './fake-google-accounts.ts';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;
type Members = Record<string, unknown>;

/** Cloud KMS' REST API with real AES-256-GCM and checksums, and what gives out its tokens, over HTTP. */
export interface FakeGcpKms {
  readonly endpoint: string;
  /** Of the key that is there, as the API has it. */
  readonly name: string;
  uri(name?: string): string;
  /** The operations of the KMS that were asked for, in order. */
  readonly calls: string[];
  /** The keys by name: their versions, the last of which wraps. */
  readonly keys: Map<string, Versions>;
  readonly accounts: FakeGoogleAccounts;
  /** Answers instead; null: as Cloud KMS does. */
  answer: Answer | null;
  /** How long the KMS takes to answer. */
  slowMs: number;
  /** A byte is changed in what was sent before it is read, or in an answer after its checksum was made. */
  garbles: { sent?: string; answered?: string };
  /** What an answer is made into. */
  edit: ((answer: Members) => Members) | null;
}

/** Any text may repeat what was sent. */
export function saying(httpStatus: number, status: string, text = ''): Answer {
  return (response) => void fail(response, httpStatus, status, `${text} hunter2`);
}

export function sending(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(text);
}

export const silent: Answer = () => {};

export async function fakeGcpKms(owner: Owner = thisFile): Promise<FakeGcpKms> {
  const http = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    const path = String(request.url);
    if (await fake.accounts.serve(path, request, text, response)) return;
    const { pathname, searchParams } = new URL(path, fake.endpoint);
    fake.calls.push(/:(\w+)$/.exec(pathname)?.[1] ?? `${request.method}`.toLowerCase());
    if (fake.slowMs > 0) await sleep(fake.slowMs);
    if (fake.answer !== null) return fake.answer(response, request);
    const numbers = searchParams.get('$alt')?.includes('enum-encoding=int') === true;
    serve(fake, pathname, request, text, numbers ? 1 : 'SOFTWARE', response);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  owner.after(async () => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo; // it listens on a TCP port
  const endpoint = `http://127.0.0.1:${port}`;
  const name = 'projects/a-project/locations/europe-west3/keyRings/ring/cryptoKeys/rekey';
  const fake: FakeGcpKms = {
    endpoint,
    name,
    uri: (other = name) => `gcp-kms:${other}?endpoint=${endpoint}`,
    calls: [],
    keys: new Map([[name, [newVersion()]]]),
    accounts: await fakeGoogleAccounts(endpoint, owner),
    answer: null,
    slowMs: 0,
    garbles: {},
    edit: null,
  };
  return fake;
}

export function newVersion(): { readonly bytes: Buffer; state: string } {
  return { bytes: randomBytes(32), state: 'ENABLED' };
}

function serve(
  fake: FakeGcpKms,
  path: string,
  request: IncomingMessage,
  text: string,
  /** Of all keys, which clients may ask for as a number. */
  protectionLevel: number | string,
  response: ServerResponse,
): ServerResponse {
  const account = fake.accounts.holderOf(request.headers.authorization);
  if (account === null)
    return fail(response, 401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
  const [, name = '', operation = ''] = /^\/v1\/(.+):(encrypt|decrypt)$/.exec(path) ?? [];
  if (!fake.accounts.mayUse)
    return fail(response, 403, 'PERMISSION_DENIED', `Permission 'useTo${operation}' denied on ${name}`);
  const versions = fake.keys.get(name);
  if (versions === undefined) return fail(response, 404, 'NOT_FOUND', `CryptoKey ${name} not found.`);
  let body: Members;
  try {
    body = JSON.parse(text);
  } catch {
    return fail(
      response,
      400,
      'INVALID_ARGUMENT',
      'Invalid JSON payload received. Unexpected end of string.',
    );
  }
  const { sent } = fake.garbles;
  if (sent !== undefined) body[sent] = garbled(String(body[sent]));
  // Whoever sends no checksum is told that none was verified.
  for (const field of ['plaintext', 'ciphertext', 'additionalAuthenticatedData'])
    if (`${field}Crc32c` in body && String(crc32c(bytesOf(body[field]))) !== body[`${field}Crc32c`])
      return fail(
        response,
        400,
        'INVALID_ARGUMENT',
        `The checksum in field ${field}_crc32c did not match the data in field ${field}.`,
      );
  const aad = bytesOf(body.additionalAuthenticatedData);
  const result =
    operation === 'encrypt'
      ? encrypt(name, versions, bytesOf(body.plaintext), aad)
      : decrypt(name, versions, bytesOf(body.ciphertext), aad);
  if ('error' in result) return fail(response, 400, ...result.error);
  const { answered } = fake.garbles;
  const made: Members =
    operation === 'encrypt'
      ? {
          ...result.answer,
          verifiedPlaintextCrc32c: 'plaintextCrc32c' in body,
          verifiedAdditionalAuthenticatedDataCrc32c: 'additionalAuthenticatedDataCrc32c' in body,
          protectionLevel,
        }
      : { ...result.answer, protectionLevel };
  const answer = answered === undefined ? made : { ...made, [answered]: garbled(made[answered]) };
  return send(response, 200, fake.edit === null ? answer : fake.edit(answer));
}

type Versions = Array<{ readonly bytes: Buffer; state: string }>;
type Result = { readonly error: readonly [status: string, text: string] } | { readonly answer: Members };

const notEnabled = (name: string, number: number, state: string): Result => ({
  error: [
    'FAILED_PRECONDITION',
    `${name}/cryptoKeyVersions/${number} is not enabled, current state is: ${state}.`,
  ],
});

function encrypt(name: string, versions: Versions, plaintext: Buffer, aad: Buffer): Result {
  const number = versions.length;
  const { bytes, state } = versions.at(-1) ?? newVersion();
  if (state !== 'ENABLED') return notEnabled(name, number, state);
  const head = Buffer.concat([Buffer.of(number), randomBytes(12)]);
  const cipher = createCipheriv('aes-256-gcm', bytes, head.subarray(1)).setAAD(aad);
  const ciphertext = Buffer.concat([head, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  const answer = {
    name: `${name}/cryptoKeyVersions/${number}`,
    ciphertext: ciphertext.toString('base64'),
    ciphertextCrc32c: String(crc32c(ciphertext)),
  };
  return { answer };
}

function decrypt(name: string, versions: Versions, ciphertext: Buffer, aad: Buffer): Result {
  const number = ciphertext[0] ?? 0;
  const version = versions[number - 1];
  const invalid: Result = { error: ['INVALID_ARGUMENT', 'Decryption failed: the ciphertext is invalid.'] };
  if (version === undefined) return invalid;
  if (version.state !== 'ENABLED') return notEnabled(name, number, version.state);
  try {
    const opener = createDecipheriv('aes-256-gcm', version.bytes, ciphertext.subarray(1, 13));
    opener.setAAD(aad).setAuthTag(ciphertext.subarray(-16));
    const plain = Buffer.concat([opener.update(ciphertext.subarray(13, -16)), opener.final()]);
    const answer = {
      plaintext: plain.toString('base64'),
      plaintextCrc32c: String(crc32c(plain)),
      usedPrimary: number === versions.length,
    };
    return { answer };
  } catch {
    return invalid;
  }
}

/** By its definition, a bit at a time, so that two ways to compute it are held against each other. */
export function crc32c(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit += 1)
      crc = (crc >>> 1) ^ (((crc ^ (byte >>> bit)) & 1) === 1 ? 0x82f63b78 : 0);
  return ~crc >>> 0;
}

const bytesOf = (text: unknown): Buffer => Buffer.from(typeof text === 'string' ? text : '', 'base64');

function garbled(text: unknown): string {
  const bytes = bytesOf(text);
  bytes.writeUInt8(bytes.readUInt8(5) ^ 0x10, 5);
  return bytes.toString('base64');
}

function fail(response: ServerResponse, code: number, status: string, message: string): ServerResponse {
  const details = [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'HUNTER2',
      domain: 'cloudkms.googleapis.com',
      metadata: { sent: 'hunter2' },
    },
  ];
  return send(response, code, { error: { code, message, status, details } });
}

function send(response: ServerResponse, status: number, body: object): ServerResponse {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
