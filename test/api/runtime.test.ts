import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type Logger, logRotationEnd, startHealthServer } from '@rekey/runtime';
import { send } from './live-api.ts';

class OurError extends Error {}

function captured(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    logger: createLogger({
      name: 'test',
      level: 'debug',
      ourErrors: [OurError],
      write: (line) => lines.push(line),
    }),
  };
}

test('the log writes allow-listed fields only, and of those no Buffer, no nested text, nothing endless', () => {
  const { logger, lines } = captured();
  const fields: Record<string, unknown> = {
    rotationId: 'rot-1',
    count: 3n,
    token: 'hidden',
    authorization: 'hidden',
    kek: Buffer.from('hidden'),
    itemsFailed: { text: 'hidden', rows: 4 },
    target: ['hidden'],
    path: 'p'.repeat(1_000),
  };
  logger.child(fields).info('said', fields);
  const { time: _time, path, ...line } = JSON.parse(lines[0] ?? '');
  assert.deepEqual(line, {
    level: 'info',
    name: 'test',
    rotationId: 'rot-1',
    count: '3',
    kek: '[object not logged]',
    itemsFailed: { rows: 4 },
    target: '[object not logged]',
    msg: 'said',
  });
  assert.equal(path.length, 257);
});

test('ids are written as the API writes them, and the end of a rotation is a line with its counts', () => {
  const { logger, lines } = captured();
  const id = '550E8400-e29b-41d4-a716-446655440001';
  const tenantId = '3fa85f64-5717-4562-b3fc-2c963f66afa6';
  logger.info('said', { rotationId: id, tenantId });
  logger.info('said', { rotationId: `rot-${id}`, tenantId: null });
  const [bare, prefixed] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([bare.rotationId, bare.tenantId], [`rot-${id.toLowerCase()}`, tenantId]);
  assert.deepEqual([prefixed.rotationId, prefixed.tenantId], [`rot-${id}`, null]);

  const counts = { credentials: 1, apiKeys: 2, secrets: 3 };
  const ended = {
    rotationId: id,
    tenantId,
    itemsRotated: counts,
    itemsSuperseded: counts,
    itemsFailed: counts,
  };
  const levels = (['completed', 'completed_with_failures', 'failed', 'cancelled'] as const).map((status) => {
    logRotationEnd(logger, { ...ended, status, failureReason: status === 'failed' ? 'KEK_DENIED' : null });
    const { level, msg, reason, itemsFailed } = JSON.parse(lines.at(-1) ?? '');
    assert.deepEqual(itemsFailed, counts);
    return [level, msg, reason];
  });
  assert.deepEqual(levels, [
    ['info', 'rotation completed', undefined],
    ['warn', 'rotation completed with failures', undefined],
    ['error', 'rotation failed', 'KEK_DENIED'],
    ['info', 'rotation cancelled', undefined],
  ]);
});

test('of a foreign error the log tells type, code and place, never its message; of ours also the message', () => {
  const { logger, lines } = captured();
  const foreign = Object.assign(new TypeError('hidden\n    at hidden (hidden)'), {
    code: '42P01',
    detail: 'hidden',
  });
  logger.error('foreign', { error: foreign });
  logger.error('ours', { error: new OurError('what we say', { cause: foreign }) });
  logger.error('no error', { error: 'hidden' });
  const [first, second] = lines.map((line) => JSON.parse(line).error);
  assert.deepEqual([first.type, first.code, first.message], ['TypeError', '42P01', undefined]);
  assert.match(first.at[0], /runtime\.test\.ts/);
  assert.deepEqual([second.message, second.cause.type], ['what we say', 'TypeError']);
  assert.doesNotMatch(lines.join(''), /hidden/);
});

test('the health server tells liveness always, readiness by its checks, and 503 when they throw', async () => {
  let ready: () => Promise<Record<string, boolean>> = async () => ({ postgres: true, redis: true });
  const health = await startHealthServer({ host: '127.0.0.1', port: 0, ready: () => ready() });
  try {
    const rows: ReadonlyArray<[checks: typeof ready, status: number]> = [
      [async () => ({ postgres: true, redis: true }), 200],
      [async () => ({ postgres: true, redis: false }), 503],
      [async () => Promise.reject(new Error('hidden')), 503],
    ];
    for (const [checks, status] of rows) {
      ready = checks;
      const answer = await send(health.url, { path: '/readyz' });
      assert.equal(answer.status, status, answer.text);
      assert.doesNotMatch(answer.text, /hidden/);
      assert.equal((await send(health.url, { path: '/livez' })).status, 200);
    }
    assert.equal((await send(health.url, { path: '/x' })).status, 404);
    assert.equal((await send(health.url, { method: 'POST', path: '/livez' })).status, 405);
  } finally {
    await health.close();
  }
});
