import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Owner, thisFile } from './cleanup.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What moto does not do: it refuses, throttles, stays silent, or answers nonsense, as it is told. */
export interface FakeAwsKms {
  readonly uri: string;
  readonly arn: string;
  /** The operations that were asked for. */
  readonly calls: string[];
  answer: Answer;
}

/** Any member of the answer may repeat what was sent, as those of AWS do. */
export function refusing(name: string, status = 400): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': name });
    response.end(JSON.stringify({ __type: name, message: 'hunter2 was sent', Message: 'hunter2 was sent' }));
  };
}

export function answering(body: object): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  };
}

export const silent: Answer = () => {};

export async function fakeAwsKms(owner: Owner = thisFile): Promise<FakeAwsKms> {
  const server = createServer((request, response) => {
    fake.calls.push(String(request.headers['x-amz-target']).replace(/.*\./, ''));
    request.resume().on('end', () => fake.answer(request, response));
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
    answer: silent,
  };
  return fake;
}
