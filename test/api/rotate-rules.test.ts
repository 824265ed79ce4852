import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { conforms, type ErrorCode, ErrorResponse } from '@rekey/contract';
import { checkError } from './check-error.ts';
import {
  bearer,
  type Call,
  emptyTenant,
  liveApi,
  rotateCall,
  rotatePath,
  rotationsPath,
} from './live-api.ts';

const api = await liveApi();
const tenantId = await emptyTenant(api.database);

const other = randomUUID();
const noRole = bearer({ roles: ['reader'] });
const expired = bearer({ exp: 1 });

/** What breaks a good rotate call at each check, in the contract's order. */
const breakers: ReadonlyArray<[code: ErrorCode, call: Call]> = [
  ['AUTHENTICATION_FAILED', { headers: expired }],
  ['INSUFFICIENT_PERMISSIONS', { headers: noRole }],
  ['NOT_ACCEPTABLE', { headers: { accept: 'text/html' } }],
  ['UNSUPPORTED_MEDIA_TYPE', { headers: { 'content-type': 'text/plain' } }],
  ['PAYLOAD_TOO_LARGE', { raw: `{"tenantId":"${' '.repeat(20_000)}"}` }],
  ['INVALID_REQUEST', { headers: { 'x-tenantid': 'none' } }],
];

test('checks come in the order of the contract: the earlier of two faults decides', async () => {
  for (const [first, [code, call]] of breakers.entries()) {
    checkError(await api.send(rotateCall(tenantId, call)), code, code);
    for (const [later, laterCall] of breakers.slice(first + 1)) {
      const both = { ...laterCall, ...call, headers: { ...laterCall.headers, ...call.headers } };
      checkError(await api.send(rotateCall(tenantId, both)), code, `${code} before ${later}`);
    }
  }
});

test('400 comes before the tenant is looked at, tenant 403 before tenant 404', async () => {
  const mine = bearer({ roles: ['security_admin'], tenantId });
  checkError(
    await api.send(rotateCall(other, { headers: { ...mine, 'x-tenantid': 'x' } })),
    'INVALID_REQUEST',
  );
  checkError(await api.send(rotateCall(other, { headers: mine })), 'INSUFFICIENT_PERMISSIONS');
  checkError(await api.send(rotateCall(other)), 'TENANT_NOT_FOUND');
});

test('an unknown route is 404 and a wrong method 405 with Allow, whatever else is wrong', async () => {
  for (const path of [
    '/',
    '/api',
    '/api/v1/admin/dek',
    `${rotatePath}/`,
    `${rotatePath}/x`,
    '/API/v1/admin/dek/rotate',
    `${rotationsPath}/x/y`,
    '/..%2f',
  ]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const call = {
        method,
        path,
        ...(method === 'POST' ? { raw: 'x'.repeat(20_000), headers: { 'content-type': 'text/plain' } } : {}),
      };
      checkError(await api.send(call), 'NOT_FOUND', `${method} ${path}`);
    }
  }
  const rotation = `${rotationsPath}/rot-${other}`;
  const key = `/api/v1/admin/keys/dek-${other}`;
  const allowed: ReadonlyArray<[path: string, allow: string]> = [
    [rotatePath, 'POST'],
    [`${rotatePath}/plan`, 'POST'],
    [`/api/v1/admin/dek/plans/plan-${other}`, 'GET, HEAD'],
    [rotationsPath, 'GET, HEAD'],
    [rotation, 'GET, HEAD, PATCH'],
    [`${rotation}/failures?limit=3`, 'GET, HEAD'],
    [`${rotation}/events`, 'GET, HEAD'],
    [`${rotation}/timeline`, 'GET, HEAD'],
    [`${rotation}/ranges?cells=5`, 'GET, HEAD'],
    [`${rotation}/samples`, 'GET, HEAD'],
    ['/api/v1/admin/summary', 'GET, HEAD'],
    [`${rotation}/cancel`, 'POST'],
    [`${rotation}/pause`, 'POST'],
    [`${rotation}/resume`, 'POST'],
    [`${rotation}/retry`, 'POST'],
    [`${rotation}/certificate`, 'GET, HEAD'],
    ['/api/v1/admin/workers', 'GET, HEAD'],
    ['/api/v1/admin/keys', 'GET, HEAD'],
    [`${key}`, 'GET, HEAD'],
    [`${key}/destruction`, 'GET, HEAD'],
    [`${key}/destruction/certificate`, 'GET, HEAD'],
    [`${key}/blast-radius`, 'GET, HEAD'],
    [`${key}/compromise`, 'POST'],
    [`${key}/schedule-destruction`, 'POST'],
    [`${key}/cancel-destruction`, 'POST'],
    [`${key}/approve-destruction`, 'POST'],
    ['/api/v1/admin/keks', 'GET, HEAD'],
    [`/api/v1/admin/tenants/${other}/kek`, 'GET, HEAD, PUT'],
    ['/api/v1/admin/kek/rewrap', 'POST'],
    ['/api/v1/admin/kek/rewrap/plan', 'POST'],
    ['/api/v1/admin/kek/rewraps', 'GET, HEAD'],
    [`/api/v1/admin/kek/rewraps/rewrap-${other}`, 'GET, HEAD'],
    [`/api/v1/admin/kek/rewraps/rewrap-${other}/pause`, 'POST'],
    [`/api/v1/admin/kek/rewraps/rewrap-${other}/resume`, 'POST'],
    [`/api/v1/admin/kek/rewraps/rewrap-${other}/cancel`, 'POST'],
    ['/api/v1/admin/policies/default', 'GET, HEAD, PUT'],
    [`/api/v1/admin/tenants/${other}/policy`, 'GET, HEAD, PUT'],
    ['/api/v1/admin/keks/lost/compromise', 'GET, HEAD, POST'],
    ['/api/v1/admin/campaigns', 'GET, HEAD, POST'],
    [`/api/v1/admin/campaigns/campaign-${other}`, 'GET, HEAD'],
    [`/api/v1/admin/campaigns/campaign-${other}/tenants`, 'GET, HEAD'],
    [`/api/v1/admin/campaigns/campaign-${other}/pause`, 'POST'],
    [`/api/v1/admin/campaigns/campaign-${other}/resume`, 'POST'],
    [`/api/v1/admin/campaigns/campaign-${other}/cancel`, 'POST'],
    ['/api/v1/admin/audit?limit=3', 'GET, HEAD'],
    ['/api/v1/admin/audit/export', 'GET, HEAD'],
    ['/api/v1/admin/audit/checkpoints', 'GET, HEAD'],
    ['/livez', 'GET, HEAD'],
  ];
  for (const [path, allow] of allowed) {
    for (const method of [
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      allow === 'POST' ? 'GET' : 'POST',
    ]) {
      if (allow.split(', ').includes(method)) continue;
      const answer = await api.send({ method, path, headers: expired });
      checkError(answer, 'METHOD_NOT_ALLOWED', `${method} ${path}`);
      assert.equal(answer.headers.allow, allow);
    }
  }
  const head = await api.send({ method: 'HEAD', path: rotatePath });
  assert.deepEqual([head.status, head.text], [405, '']);
});

const path = (answer: { json: { error: { issues?: { path: string }[] } } }): string[] =>
  (answer.json.error.issues ?? []).map((issue) => issue.path).sort();

test('400 lists every fault of headers, query and body together', async () => {
  const uuid = randomUUID();
  const rows: ReadonlyArray<[call: Call, paths: string[]]> = [
    [{ headers: { 'x-tenantid': undefined } }, ['headers.x-tenantid']],
    [{ headers: { 'x-tenantid': '' } }, ['headers.x-tenantid']],
    [{ headers: { 'x-tenantid': 'not-a-uuid' } }, ['headers.x-tenantid']],
    [{ headers: { 'x-tenantid': `{${other}}` } }, ['headers.x-tenantid']],
    [{ headers: { 'x-tenantid': [other, other] } }, ['headers.x-tenantid']],
    [{ headers: { 'x-tenantid': uuid } }, ['headers.x-tenantid']],
    [{ headers: { 'idempotency-key': '' } }, ['headers.idempotency-key']],
    [{ headers: { 'idempotency-key': 'a b' } }, ['headers.idempotency-key']],
    [{ headers: { 'idempotency-key': 'é' } }, ['headers.idempotency-key']],
    [{ headers: { 'idempotency-key': 'x'.repeat(256) } }, ['headers.idempotency-key']],
    [{ headers: { 'idempotency-key': ['a', 'b'] } }, ['headers.idempotency-key']],
    [{ raw: '' }, ['body']],
    [{ raw: '{' }, ['body']],
    [{ raw: Buffer.from([0x22, 0xff, 0x22]) }, ['body']],
    [{ raw: 'null' }, ['body']],
    [{ raw: '[]' }, ['body']],
    [{ raw: '"text"' }, ['body']],
    [{ body: {} }, ['body.tenantId']],
    [{ body: { tenantId: 5 } }, ['body.tenantId']],
    [{ body: { tenantId: null } }, ['body.tenantId']],
    [{ body: { tenantId: [other] } }, ['body.tenantId']],
    [{ body: { tenantId: `${other}\n` } }, ['body.tenantId']],
    [{ body: { tenantId: other.replaceAll('-', '') } }, ['body.tenantId']],
    [{ body: { tenantId: other, force: true } }, ['body.force']],
    [{ body: { TenantId: other } }, ['body.TenantId', 'body.tenantId']],
    [
      { raw: `{"tenantId":"${other}","__proto__":{"x":1},"constructor":{"prototype":{}}}` },
      ['body.__proto__', 'body.constructor'],
    ],
    [{ path: `${rotatePath}?dryRun=1` }, ['query.dryRun']],
    [
      {
        body: { x: 1 },
        headers: { 'x-tenantid': undefined, 'idempotency-key': '' },
        path: `${rotatePath}?q`,
      },
      ['body.tenantId', 'body.x', 'headers.idempotency-key', 'headers.x-tenantid', 'query.q'],
    ],
    [{ raw: '{', headers: { 'x-tenantid': 'x' } }, ['body', 'headers.x-tenantid']],
    [{ body: { tenantId: other, x: 1 }, headers: { 'x-tenantid': uuid } }, ['body.x', 'headers.x-tenantid']],
  ];
  for (const [call, paths] of rows) {
    const answer = await api.send(rotateCall(other, call));
    checkError(answer, 'INVALID_REQUEST', JSON.stringify(call));
    assert.deepEqual(path(answer), paths, JSON.stringify(call));
  }
});

test('the list of issues is bounded, however many faults a body has', async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, 1]));
  const answer = await api.send(
    rotateCall(other, { body: { tenantId: other, ...many, ['long'.repeat(100)]: 1 } }),
  );
  checkError(answer, 'INVALID_REQUEST');
  assert.equal(path(answer).length, 20);
});

test('a UUID is accepted in either case and of any version, nil included', async () => {
  for (const uuid of [
    other.toUpperCase(),
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ]) {
    const call = rotateCall(uuid, { headers: { 'x-tenantid': uuid.toLowerCase() } });
    checkError(await api.send(call), 'TENANT_NOT_FOUND', uuid);
  }
});

test('x-request-id: a harmless one is kept, any other is replaced', async () => {
  const sent = async (id: string | string[]): Promise<unknown> =>
    (await api.send({ headers: { 'x-request-id': id } })).headers['x-request-id'];
  assert.equal(await sent('trace-1.A_b'), 'trace-1.A_b');
  for (const odd of ['', 'a b', 'x'.repeat(65), '{"a":1}', '<script>', ['a', 'b']]) {
    assert.match(String(await sent(odd)), /^[0-9a-f-]{36}$/);
  }
});

test('a broken URL and broken HTTP are answered in the same JSON', async () => {
  checkError(await api.send({ path: '/api/%zz' }), 'INVALID_REQUEST');
  checkError(await api.send({ path: `${rotationsPath}/rot-%zz`, headers: bearer() }), 'INVALID_REQUEST');
  checkError(await api.send({ headers: { 'x-filler': 'x'.repeat(20_000) } }), 'HEADERS_TOO_LARGE');

  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.end('NOT HTTP AT ALL\r\n\r\n');
  const answered = await text(socket);
  assert.match(answered, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(answered, /cache-control: no-store\r\n/);
  const body: unknown = JSON.parse(answered.slice(answered.indexOf('\r\n\r\n')));
  assert.ok(conforms(ErrorResponse, body), answered);
});
