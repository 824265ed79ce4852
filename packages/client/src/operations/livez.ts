// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Whether the process turns. */
export const livez = { method: 'GET', path: '/livez' } as const;

export type LivezInput = Readonly<Record<string, never>>;

export type LivezAnswer = {
  readonly status: 'ok';
};
