import { createLogger } from '@rekey/runtime';
import { type ApiSettings, buildApi } from './app.ts';
import type { ApiDependencies } from './dependencies.ts';

/** The text of the OpenAPI document. Needs no Postgres and no Redis. */
export async function openApiDocument(): Promise<string> {
  const app = await buildApi(settings, nothing);
  try {
    return `${JSON.stringify(app.swagger(), null, 2)}\n`;
  } finally {
    await app.close();
  }
}

/** No realm: describing the routes verifies no token. */
const settings: ApiSettings = {
  auth: {
    kind: 'oidc',
    defaultRealm: 'default',
    claimPaths: { tenant: [], roles: [] },
    issuers: new Map(),
    audience: undefined,
  },
  limits: { readsPerMinute: 0, writesPerMinute: 0 },
  trustProxy: false,
};

const unused = async (): Promise<never> => {
  throw new Error('the document is made without calling anything');
};

const nothing: ApiDependencies = {
  rotations: {
    find: unused,
    failures: unused,
    checkSchema: unused,
    checkWork: unused,
  },
  commands: { startRotation: unused, cancelRotation: unused },
  status: { of: unused, told: () => {} },
  redis: { check: unused },
  logger: createLogger({ name: 'openapi', level: 'silent' }),
};
