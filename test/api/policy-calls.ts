/** What the tests of policies share: each file that imports it has an API and a database of its own. */
import { type Answer, bearer, liveApi } from './live-api.ts';

export const api = await liveApi();
export const database = api.database.pool({ max: 1 });
export const defaultPath = '/api/v1/admin/policies/default';
export const everybody = bearer({ roles: ['super_admin'] });

export const pathOf = (tenantId: string): string => `/api/v1/admin/tenants/${tenantId}/policy`;
export const get = (path: string, headers: Record<string, string> = everybody): Promise<Answer> =>
  api.send({ path, headers });
export const put = (
  path: string,
  body: object,
  ifMatch: string | undefined,
  headers: Record<string, string> = everybody,
): Promise<Answer> => api.send({ method: 'PUT', path, body, headers: { ...headers, 'if-match': ifMatch } });
/** With the version that stands. */
export async function set(path: string, body: object): Promise<Answer> {
  return put(path, body, String((await get(path)).headers.etag));
}
