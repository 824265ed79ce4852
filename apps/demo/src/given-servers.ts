import { openStore, rows } from '@rekey/db';
import { openRedis } from '@rekey/jobs';
import { createDatabase } from '@rekey/stack';
import { DemoError } from './demo-error.ts';

const patienceMs = 3_000;

/** @throws DemoError `DATABASE` when nothing can be asked there */
export async function needDatabase(databaseUrl: string): Promise<void> {
  const store = openStore({ url: databaseUrl, max: 1, applicationName: 'rekey-demo', onError: () => {} });
  try {
    await rows(store, 'select 1');
  } catch (error) {
    throw new DemoError('DATABASE', `DATABASE_URL: ${whereOf(databaseUrl)} ${reasonOf(error)}.`);
  } finally {
    await store.end();
  }
}

/** A database of our own beside the given one. @throws DemoError `DATABASE` when the role may not make one */
export async function createScratchDatabase(databaseUrl: string, name: string): Promise<string> {
  try {
    return await createDatabase(databaseUrl, name);
  } catch (error) {
    const why =
      codeOf(error) === '42501'
        ? 'its role may not create databases, and the demo works in one of its own'
        : reasonOf(error);
    throw new DemoError('DATABASE', `DATABASE_URL: ${whereOf(databaseUrl)}: ${why}.`);
  }
}

/** @throws DemoError `REDIS` when it does not answer */
export async function needRedis(redisUrl: string): Promise<void> {
  const close = await openReady(redisUrl);
  close.disconnect();
}

/** Removes every key that begins with `prefix`. @throws DemoError `REDIS` when it does not answer */
export async function removeKeys(redisUrl: string, prefix: string): Promise<void> {
  const client = await openReady(redisUrl);
  try {
    const nodes = 'nodes' in client ? client.nodes('master') : [client];
    for (const node of nodes) {
      for await (const keys of node.scanStream({ match: `${prefix}*`, count: 1_000 })) {
        if (Array.isArray(keys) && keys.length > 0) await client.unlink(keys.map(String));
      }
    }
  } finally {
    client.disconnect();
  }
}

async function openReady(redisUrl: string): Promise<ReturnType<typeof openRedis>> {
  const answering = Promise.withResolvers<void>();
  const client = openRedis(redisUrl, 'prompt', answering.reject);
  client.once('ready', answering.resolve);
  const timer = setTimeout(() => answering.reject(new Error('does not answer')), patienceMs);
  try {
    await answering.promise;
    return client;
  } catch (error) {
    client.disconnect();
    throw new DemoError('REDIS', `REDIS_URL: ${whereOf(redisUrl)} ${reasonOf(error)}.`);
  } finally {
    clearTimeout(timer);
  }
}

/** Host and port, and never the password. */
function whereOf(url: string): string {
  return URL.parse(url)?.host || 'the server';
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'UNAVAILABLE') return 'does not answer';
  if (/^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET)/.test(code)) return `does not answer (${code})`;
  const message = error instanceof Error ? error.message : String(error);
  return message === 'does not answer' ? message : `cannot be used (${message || code})`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
