/** What stands between a client and its API, which may answer anything. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after } from 'node:test';
import { type Client, ClientError, createClient } from '@rekey/client';
import { errorTable } from '@rekey/contract';

export type Reply = (response: ServerResponse, request: IncomingMessage) => void;

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Reply => {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
export const refusal = (code: keyof typeof errorTable, retryAfter?: string): Reply =>
  json(
    errorTable[code].status,
    { success: false, message: 'x', error: { code, detail: 'so it is' }, timestamp: 'x', requestId: 'x' },
    retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  );
export const hangUp: Reply = (response) => response.destroy();
export const page: Reply = (response) =>
  response.writeHead(502, { 'content-type': 'text/html' }).end('<html>');
export const silence: Reply = () => {};
export const good = json(200, {
  success: true,
  data: { rotationId: 'rot-1', completedAt: null, unheardOf: 1 },
});

/** What stands between a client and the API may answer anything: a server that says these, one after the other. */
export async function behind(
  replies: readonly Reply[],
  options: { attempts?: number; withinMs?: number; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<{ client: Client; url: string; heard: IncomingMessage[]; tokens: () => number }> {
  const heard: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const reply = replies[heard.length] ?? good;
    heard.push(request);
    reply(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { attempts = 4, withinMs = 10_000, timeoutMs = 5_000, signal } = options;
  let made = 0;
  const token = (): string => {
    made += 1;
    return `token-${made}`;
  };
  const url = `http://127.0.0.1:${address.port}`;
  const client = createClient({
    url,
    token,
    timeoutMs,
    retry: { attempts, withinMs },
    ...(signal === undefined ? {} : { signal }),
  });
  return { client, url, heard, tokens: () => made };
}

export const rotationId = 'rot-1';
export const start = (client: Client) =>
  client.rotateDek({ headers: { 'x-tenantid': 't' }, body: { tenantId: 't' } });

/** The code it must end with. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'success',
    (error: unknown) => {
      assert.ok(error instanceof ClientError, String(error));
      return error.code;
    },
  );
