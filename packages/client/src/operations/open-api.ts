// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** The OpenAPI document. */
export const openApi = { method: 'GET', path: '/openapi.json' } as const;

export type OpenApiInput = Readonly<Record<string, never>>;

export type OpenApiAnswer = Readonly<Record<string, unknown>>;
