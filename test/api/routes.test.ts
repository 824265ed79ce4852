import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type Route, roles, routes } from '@rekey/api';
import { checkError } from './check-error.ts';
import { bearer, type Call, emptyTenant, liveApi } from './live-api.ts';

const api = await liveApi();
const tenantId = await emptyTenant(api.database);
/** Of whoever acts on the installation. */
const atInstallation = new Set(['getDefaultPolicy', 'putDefaultPolicy']);
/** Of no security_admin, at '*' neither: their own tests refuse them. */
const superAdminOnly = new Set(['compromiseKek']);
/** And of all tenants together: whose token names one may not, whatever its role. */
const claimed = ({ operationId, path }: Route): string =>
  atInstallation.has(operationId) || path.startsWith('/api/v1/admin/campaigns') ? '*' : tenantId;
const guarded = routes.filter(({ permission }) => permission === 'by_role');

test('the list is sound: one operation per id and per method and path, bodies only where one is sent', () => {
  assert.ok(guarded.length >= 4);
  const once = (names: string[]): void => assert.deepEqual(names, [...new Set(names)]);
  once(routes.map(({ operationId }) => operationId));
  once(routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`));
  for (const { operationId, method, path, request } of routes) {
    assert.match(operationId, /^[a-z][A-Za-z0-9]*$/);
    assert.match(path, /^(\/([a-z0-9._-]+|\{\w+\}))+$/i, operationId);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(Object.keys(request.params?.properties ?? {}), inPath, operationId);
    assert.equal(request.body === undefined, method === 'GET', operationId);
  }
});

test('a role that nobody knows is not let in', async () => {
  const refused = ['SUPER_ADMIN', 'toString', '__proto__'];
  for (const route of guarded) {
    for (const given of [...refused.map((role) => [role]), refused, []]) {
      const headers = bearer({ roles: given, tenantId });
      checkError(await api.send(callOf(route, headers)), 'INSUFFICIENT_PERMISSIONS', route.operationId);
    }
    for (const role of ['security_admin', 'super_admin']) {
      if (role === 'security_admin' && superAdminOnly.has(route.operationId)) continue;
      const headers = bearer({ roles: [...refused, role], tenantId: claimed(route) });
      assert.notEqual((await api.send(callOf(route, headers))).status, 403, `${role} ${route.operationId}`);
    }
  }
});

test('what stands in a path and is no id finds nothing, of every operation', async () => {
  const headers = bearer({ roles: ['super_admin'], tenantId: '*' });
  for (const route of guarded.filter(({ path }) => path.includes('{')))
    for (const odd of [
      '%3Cscript%3E',
      '%00',
      '..%2f..',
      'null',
      `${tenantId}0`,
      `campaign-${'0'.repeat(36)}`,
    ]) {
      const { 'x-tenantid': _, ...rest } = callOf(route, headers).headers ?? {};
      const call = { ...callOf(route, headers), headers: rest };
      const { status } = await api.send({ ...call, path: route.path.replaceAll(/\{\w+\}/g, odd) });
      assert.ok(status >= 400 && status < 500, `${route.operationId} ${odd}: ${status}`);
    }
});

test('an auditor reads and does nothing else; an operator does what is written down, and nothing by accident', async () => {
  const operators = new Set([
    'planRotation',
    'getPlan',
    'pauseRotation',
    'resumeRotation',
    'retryRotation',
    'updateRotation',
    'pauseCampaign',
    'resumeCampaign',
  ]);
  for (const route of guarded) {
    const mayAs = {
      security_auditor: route.method === 'GET',
      security_operator: operators.has(route.operationId),
    };
    for (const [role, may] of Object.entries(mayAs)) {
      const answer = await api.send(callOf(route, bearer({ roles: [role], tenantId: claimed(route) })));
      if (may) assert.notEqual(answer.status, 403, `${role} ${route.operationId}`);
      else checkError(answer, 'INSUFFICIENT_PERMISSIONS', `${role} ${route.operationId}`);
    }
    assert.equal(roles.security_auditor.may(route), route.method === 'GET', route.operationId);
    assert.equal(
      roles.security_operator.may(route),
      operators.has(route.operationId),
      `operator: ${route.operationId}`,
    );
  }
  assert.deepEqual(
    Object.entries(roles).map(([role, { tenants }]) => [role, tenants]),
    [
      ['super_admin', 'any'],
      ['security_admin', 'own'],
      ['security_operator', 'own'],
      ['security_auditor', 'own'],
    ],
  );
});

test('every guarded route asks for a token, every one refuses what it does not know, every public one asks nothing', async () => {
  for (const route of routes) {
    const without = await api.send(callOf(route, {}));
    if (route.permission === 'public') assert.equal(without.status, 200, route.operationId);
    else {
      checkError(without, 'AUTHENTICATION_FAILED', route.operationId);
      const odd = callOf(route, bearer());
      checkError(await api.send({ ...odd, path: `${odd.path}?nobody-knows-this=1` }), 'INVALID_REQUEST');
    }
  }
});

function callOf({ method, path, request }: Route, headers: Record<string, string>): Call {
  return {
    method,
    path: path.replace('{tenantId}', tenantId).replaceAll(/\{\w+\}/g, `rot-${randomUUID()}`),
    headers: { ...headers, 'x-tenantid': tenantId },
    ...(request.body === undefined || request.bodyOptional === true ? {} : { body: { tenantId } }),
  };
}
