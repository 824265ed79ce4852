// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Whether rotate calls can succeed. */
export const readyz = { method: 'GET', path: '/readyz' } as const;

export type ReadyzInput = Readonly<Record<string, never>>;

export type ReadyzAnswer = {
  readonly status: 'ready' | 'unready';
  readonly checks: Readonly<Record<string, boolean>>;
  readonly connections?: {
    readonly max: number;
    readonly open: number;
  };
};
