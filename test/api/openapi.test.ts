import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openApi, remedyTable, routes, routeTable } from '@rekey/api';
import { errorTable } from '@rekey/contract';
import { liveApi } from './live-api.ts';

test('docs/openapi.json is what the routes say (else: npm run openapi)', async () => {
  const committed = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
  assert.deepEqual(JSON.parse(committed), JSON.parse(openApi(routes)));
  const served = await (await liveApi()).send({ path: '/openapi.json' });
  assert.equal(served.status, 200);
  assert.deepEqual(served.json, JSON.parse(committed));
});

test('docs/http.md has every route, and what to do about every error (else: npm run openapi)', async () => {
  const page = await readFile(new URL('../../docs/http.md', import.meta.url), 'utf8');
  for (const table of [routeTable(routes), remedyTable()]) assert.ok(page.includes(`\n\n${table}\n\n`));
});

test('the rotate operation publishes its headers, its body and every error the contract names', async () => {
  const document = JSON.parse(openApi(routes));
  assert.equal(document.openapi, '3.1.0');
  const { parameters, requestBody, responses } = document.paths['/api/v1/admin/dek/rotate'].post;
  const headers = parameters.map(({ name, required }: { name: string; required: boolean }) => [
    name,
    required,
  ]);
  assert.deepEqual(Object.fromEntries(headers), {
    accept: false,
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
    '405',
    '406',
    '408',
    '409',
    '413',
    '415',
    '422',
    '429',
    '431',
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

interface Operation {
  readonly security?: readonly unknown[];
  readonly responses: Record<
    string,
    { headers?: object; content: Record<string, { examples?: Record<string, unknown> }> }
  >;
}

test('every route is in the document, and every operation has every status it can answer', async () => {
  const document = JSON.parse(openApi(routes));
  const paths = Object.entries<Record<string, Operation>>(document.paths);
  const operationsOf = (list: ReadonlyArray<readonly [path: string, method: string]>): string[] =>
    list.map(([path, method]) => `${method.toLowerCase()} ${path}`).sort();
  const inDocument = operationsOf(
    paths.flatMap(([path, operations]) => Object.keys(operations).map((method) => [path, method] as const)),
  );
  assert.deepEqual(inDocument, operationsOf(routes.map(({ path, method }) => [path, method])));
  const published = operationsOf([
    ['/api/v1/admin/dek/rotate', 'post'],
    ['/api/v1/admin/dek/rotations/{rotationId}', 'get'],
    ['/api/v1/admin/dek/rotations/{rotationId}/cancel', 'post'],
    ['/api/v1/admin/dek/rotations/{rotationId}/failures', 'get'],
    ['/livez', 'get'],
    ['/openapi.json', 'get'],
    ['/readyz', 'get'],
  ]);
  assert.deepEqual(
    published.filter((operation) => !inDocument.includes(operation)),
    [],
    'what was once published stays',
  );
  const told = new Set<string>(['NOT_FOUND']);
  for (const [path, operations] of paths) {
    for (const [method, { responses, security }] of Object.entries(operations)) {
      const what = `${method} ${path}`;
      // What a worker makes is only begun by its call.
      const isBegun = path.endsWith('/dek/rotate/plan') || (method === 'put' && path.endsWith('/kek'));
      const done = isBegun ? '202' : '200';
      const wanted = new Set([done, '400', '405', '408', '413', '431', '500']);
      if (security === undefined)
        for (const status of ['401', '403', '406', '429', '503']) wanted.add(status);
      // What names nothing finds whatever there is.
      const names = path.includes('{') || (method === 'post' && !path.endsWith('/tenants'));
      if (security === undefined && names) wanted.add('404');
      if (method === 'post') wanted.add('415');
      // The plan of a rewrap begins nothing that could be in the way of another thing.
      if (method === 'post' && !path.endsWith('/rewrap/plan')) wanted.add('409');
      assert.deepEqual(
        [...wanted].filter((status) => responses[status] === undefined),
        [],
        what,
      );
      for (const [status, response] of Object.entries(responses)) {
        const codes = Object.keys(response.content?.['application/json']?.examples ?? {});
        if (Number(status) >= 400 && !(path === '/readyz' && status === '503'))
          assert.ok(codes.length > 0, what);
        for (const code of codes) told.add(code);
        const headers = Object.keys(response.headers ?? {});
        if (['429'].includes(status)) assert.ok(headers.includes('retry-after'), what);
        if (status === '405') assert.ok(headers.includes('allow'), what);
      }
    }
  }
  assert.deepEqual(
    Object.keys(errorTable).filter((code) => !told.has(code)),
    // Only behind the cookie of the console, whose paths are no part of the document.
    ['CROSS_SITE_REQUEST', 'LOGIN_TOO_OLD'],
    'every other code is somewhere',
  );
});
