import { KeysQuery, KeysResponse, keysLimitDefault, keysMessage, RotationHeaders } from '@rekey/contract';
import { isKeysCursor } from '@rekey/control';
import { keyJson } from '../key-json.ts';
import { cursorIssues, tenantAsked, tenantIssues } from '../list-filters.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Which DEKs there are; of the caller's tenant, where the caller is bound to one. */
export const listKeys = route({
  operationId: 'listKeys',
  method: 'GET',
  path: '/api/v1/admin/keys',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'List keys',
  description:
    'By tenant and key number. Of one tenant (`tenantId`, or who is bound to one) with how many records stand under each, which are counted for it: a second or so for each million. Over all tenants they are not (`records: null`). Give `nextCursor` back as `cursor` for the next page.',
  request: {
    headers: RotationHeaders,
    query: KeysQuery,
    rules: [
      (request) => [
        ...cursorIssues(request, KeysQuery.properties.cursor, isKeysCursor),
        ...tenantIssues(request),
      ],
    ],
  },
  answers: { 200: { description: 'One page of them.', schema: KeysResponse } },
  errors: [],
  handler:
    ({ keys }) =>
    async (call) => {
      const tenantId = tenantAsked(call);
      const { state, kekId, cursor = null, limit = keysLimitDefault } = call.query;
      const filter = {
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(state === undefined ? {} : { state }),
        ...(kekId === undefined ? {} : { kekId }),
      };
      const page = await keys.list(filter, { after: cursor, limit });
      const counted = tenantId === undefined || page.keys.length === 0 ? null : await keys.records(tenantId);
      return success<KeysResponse>(keysMessage, {
        keys: page.keys.map((key) => keyJson(key, counted)),
        nextCursor: page.next,
      });
    },
});
