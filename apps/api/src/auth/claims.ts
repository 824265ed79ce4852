import { parseUuid } from '@rekey/contract';
import { type Caller, installation } from './caller.ts';
import { rolesAmong } from './roles.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** The names from the outermost claim inwards; `*` stands for any name. */
export type ClaimPath = readonly string[];

/** Where tokens keep what we need; earlier paths win for the tenant, all paths add up for the roles. */
export interface ClaimPaths {
  readonly tenant: readonly ClaimPath[];
  readonly roles: readonly ClaimPath[];
}

const rolesMax = 1_000;
/** What ends later (an `exp` in milliseconds, or 1e400) ends then: neither a date of ours nor one of Postgres holds it. */
const latestMs = Date.UTC(9999, 11, 31);

/** The caller behind verified claims, or null when they name nobody (`sub`). Absurd optional claims count as absent. */
export function callerFrom(claims: Claims, realm: string, paths: ClaimPaths): Caller | null {
  const id = textClaim(claims.sub, 255);
  if (id === null) return null;
  const roles = new Set(paths.roles.flatMap((path) => valuesAt(claims, path)).flatMap(namesIn));
  const tenants = paths.tenant.flatMap((path) => valuesAt(claims, path));
  return {
    realm,
    id,
    name: textClaim(claims.name, 255),
    email: textClaim(claims.email, 320),
    roles: rolesAmong(roles),
    tenantId: tenants.map(tenantIn).find(isText) ?? null,
    expiresAtMs: typeof claims.exp === 'number' ? Math.min(claims.exp * 1_000, latestMs) : null,
  };
}

function tenantIn(claim: unknown): string | null {
  if (typeof claim !== 'string') return null;
  return claim === installation ? installation : parseUuid(claim);
}

/** A claim whose name itself holds dots (`https://example.com/roles`) is found as well. */
function valuesAt(claims: unknown, path: ClaimPath): unknown[] {
  const [name, ...rest] = path;
  if (name === undefined) return [claims];
  if (!isRecord(claims)) return [];
  const whole = path.join('.');
  if (rest.length > 0 && Object.hasOwn(claims, whole)) return [claims[whole]];
  if (name === '*') return Object.values(claims).flatMap((value) => valuesAt(value, rest));
  return Object.hasOwn(claims, name) ? valuesAt(claims[name], rest) : [];
}

function namesIn(roles: unknown): string[] {
  if (typeof roles === 'string') return [roles];
  return Array.isArray(roles) ? roles.slice(0, rolesMax).filter(isText) : [];
}

/** Text that can be stored and shown: no control characters (Postgres refuses NUL), no half surrogates. */
function textClaim(value: unknown, lengthMax: number): string | null {
  if (typeof value !== 'string' || value === '' || value.length > lengthMax) return null;
  return value.isWellFormed() && !/\p{Cc}/u.test(value) ? value : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
