import { KeyParams, KeyResponse, keyMessage, RotationHeaders } from '@rekey/contract';
import { findVisibleKey } from '../find-visible-key.ts';
import { keyJson } from '../key-json.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

export const getKey = route({
  operationId: 'getKey',
  method: 'GET',
  path: '/api/v1/admin/keys/{keyId}',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Say how a key stands',
  description:
    'With how many records stand under it, counted now: a second or so for each million of the tenant.',
  request: { params: KeyParams, headers: RotationHeaders },
  answers: { 200: { description: 'The key.', schema: KeyResponse } },
  errors: ['KEY_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async (call) => {
      const key = await findVisibleKey(keys, call);
      return success<KeyResponse>(keyMessage, keyJson(key, await keys.records(key.tenantId)));
    },
});
