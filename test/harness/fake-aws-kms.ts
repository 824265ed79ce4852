import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Owner, thisFile } from './cleanup.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Members = Record<string, unknown>;

/** AWS KMS with one key, real AES-256-GCM and encryption context; and what moto does not do: it refuses, throttles, stays silent. */
export interface FakeAwsKms {
  readonly uri: string;
  readonly arn: string;
  /** The operations that were asked for. */
  readonly calls: string[];
  /** Answers instead; null: as AWS does. */
  answer: Answer | null;
  /** How long it takes to answer. */
  slowMs: number;
}

/** Any member of the answer may repeat what was sent, as those of AWS do. */
export function refusing(name: string, status = 400): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': jsonType, 'x-amzn-errortype': name });
    response.end(JSON.stringify({ __type: name, message: 'hunter2 was sent', Message: 'hunter2 was sent' }));
  };
}

export function answering(body: object): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-type': jsonType });
    response.end(JSON.stringify(body));
  };
}

export const silent: Answer = () => {};

const jsonType = 'application/x-amz-json-1.1';

export async function fakeAwsKms(owner: Owner = thisFile): Promise<FakeAwsKms> {
  const key = randomBytes(32);
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const operation = String(request.headers['x-amz-target']).replace(/.*\./, '');
    fake.calls.push(operation);
    if (fake.slowMs > 0) await sleep(fake.slowMs);
    if (fake.answer !== null) return fake.answer(request, response);
    const answer = operation === 'Encrypt' ? encrypt : decrypt;
    return answer(key, arn, JSON.parse(Buffer.concat(pieces).toString()))(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012';
  const { port } = server.address() as AddressInfo; // it listens on a TCP port
  const fake: FakeAwsKms = {
    uri: `aws-kms:${arn}?endpoint=http://127.0.0.1:${port}`,
    arn,
    calls: [],
    answer: null,
    slowMs: 0,
  };
  return fake;
}

function encrypt(key: Buffer, arn: string, { Plaintext, EncryptionContext }: Members): Answer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(contextOf(EncryptionContext));
  const sealed = Buffer.concat([iv, cipher.update(bytesOf(Plaintext)), cipher.final(), cipher.getAuthTag()]);
  return answering({ CiphertextBlob: sealed.toString('base64'), KeyId: arn });
}

function decrypt(key: Buffer, arn: string, { CiphertextBlob, EncryptionContext }: Members): Answer {
  const sealed = bytesOf(CiphertextBlob);
  try {
    const opener = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
    opener.setAAD(contextOf(EncryptionContext)).setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([opener.update(sealed.subarray(12, -16)), opener.final()]);
    return answering({ Plaintext: plain.toString('base64'), KeyId: arn });
  } catch {
    return refusing('InvalidCiphertextException');
  }
}

/** The same bytes in whatever order its pairs come. */
function contextOf(context: unknown): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context ?? {}).sort()));
}

const bytesOf = (text: unknown): Buffer => Buffer.from(typeof text === 'string' ? text : '', 'base64');
