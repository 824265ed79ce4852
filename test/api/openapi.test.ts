import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openApiDocument } from '@rekey/api';
import { errorTable } from '@rekey/contract';
import { liveApi } from './live-api.ts';

test('docs/openapi.json is what the routes say (else: run apps/api/src/openapi-main.ts)', async () => {
  const committed = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
  assert.deepEqual(JSON.parse(committed), JSON.parse(await openApiDocument()));
  const served = await (await liveApi()).send({ path: '/openapi.json' });
  assert.equal(served.status, 200);
  assert.deepEqual(served.json, JSON.parse(committed));
});

test('the rotate operation publishes its headers, its body and every error the contract names', async () => {
  const document = JSON.parse(await openApiDocument());
  assert.equal(document.openapi, '3.1.0');
  const { parameters, requestBody, responses } = document.paths['/api/v1/admin/dek/rotate'].post;
  const headers = parameters.map(({ name, required }: { name: string; required: boolean }) => [
    name,
    required,
  ]);
  assert.deepEqual(Object.fromEntries(headers), {
    accept: true,
    'x-tenantid': true,
    realmname: false,
    'idempotency-key': false,
  });
  assert.deepEqual(requestBody.content['application/json'].schema.additionalProperties, false);
  assert.deepEqual(Object.keys(responses), [
    '200',
    '400',
    '401',
    '403',
    '404',
    '406',
    '409',
    '413',
    '415',
    '422',
    '429',
    '500',
    '503',
  ]);
  for (const [status, response] of Object.entries<{
    content: Record<string, { examples?: Record<string, unknown> }>;
  }>(responses)) {
    for (const code of Object.keys(response.content['application/json']?.examples ?? {})) {
      assert.equal(
        String(Object.entries(errorTable).find(([name]) => name === code)?.[1].status),
        status,
        code,
      );
    }
  }
});
