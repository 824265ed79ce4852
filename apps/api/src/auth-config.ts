import { type EnvRule, isSecureUrl } from '@rekey/runtime';
import Type, { type Static } from 'typebox';
import type { ClaimPath } from './auth/claims.ts';
import { isGuessable } from './auth/guessable-secret.ts';
import type { AuthSettings } from './auth/settings.ts';

const secretBytesMin = 32;
const tokenAgeMaxMax = 366 * 24 * 3_600;
const claim = '[^\\s.,*]+(\\.([^\\s.,*]+|\\*))*';
const realm = '[A-Za-z0-9._-]{1,64}';

const text = (description: string) => Type.Optional(Type.String({ maxLength: 1024, description }));
const claimPaths = {
  pattern: `^${claim}(,${claim})*$`,
  maxLength: 1024,
  description: 'claim paths such as realm_access.roles, separated by commas (* stands for any name)',
};

export const AuthVariables = Type.Object({
  JWT_SECRET: Type.Optional(
    Type.Refine(
      Type.String({
        maxLength: 4096,
        description: `a secret of at least ${secretBytesMin} bytes, and not a PEM`,
      }),
      (secret) => Buffer.byteLength(secret) >= secretBytesMin && !secret.includes('-----BEGIN'),
    ),
  ),
  JWT_ISSUER: text('the issuer (iss) that HS256 tokens must name'),
  JWT_AUDIENCE: text('the audience (aud) that HS256 tokens must name'),
  OIDC_ISSUER: Type.Optional(
    Type.Refine(
      Type.String({
        maxLength: 4096,
        description:
          'an https:// URL of an OpenID Connect issuer, which may hold {realm} (http:// only on this machine)',
      }),
      (issuer) => !/[\s?#@]/.test(issuer) && isSecureUrl(issuer.replaceAll('{realm}', 'realm')),
    ),
  ),
  OIDC_AUDIENCE: text('the audience (aud) that tokens must name'),
  OIDC_AUDIENCE_WAIVED: Type.Boolean({ default: false, description: 'true or false' }),
  TOKEN_AGE_MAX: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: tokenAgeMaxMax,
      description: `a number of seconds from 1 to ${tokenAgeMaxMax}`,
    }),
  ),
  OIDC_CLIENT_ID: text('the client whose resource_access roles count'),
  OIDC_DEFAULT_REALM: Type.Optional(
    Type.String({ pattern: `^${realm}$`, description: 'a realm name (1 to 64 letters, digits, ., _ or -)' }),
  ),
  OIDC_REALMS: Type.Optional(
    Type.String({
      pattern: `^ *${realm} *(, *${realm} *)*$`,
      maxLength: 8192,
      description: 'realm names separated by commas',
    }),
  ),
  TENANT_CLAIM: Type.String({ ...claimPaths, default: 'tenantId,tenant_id' }),
  ROLES_CLAIM: Type.Optional(Type.String(claimPaths)),
});
type AuthVariables = Static<typeof AuthVariables>;

/** What joins these variables: exactly one way to verify tokens, and realms that can be told apart. */
export const authRule: EnvRule<AuthVariables> = {
  over: [
    'JWT_SECRET',
    'OIDC_ISSUER',
    'OIDC_AUDIENCE',
    'OIDC_AUDIENCE_WAIVED',
    'OIDC_DEFAULT_REALM',
    'OIDC_REALMS',
  ],
  problems: problemsOf,
};

function problemsOf(read: AuthVariables): string[] {
  if (read.JWT_SECRET !== undefined && read.OIDC_ISSUER !== undefined) {
    return ['JWT_SECRET and OIDC_ISSUER are both set: only one may be'];
  }
  if (read.JWT_SECRET === undefined && read.OIDC_ISSUER === undefined) {
    return ['JWT_SECRET or OIDC_ISSUER is missing: one of them must be set'];
  }
  if (read.OIDC_ISSUER === undefined) return [];
  return [...audienceProblems(read), ...realmProblems(read, read.OIDC_ISSUER)];
}

/** Without an audience a token that the issuer made for any other service opens this one. */
function audienceProblems({ OIDC_AUDIENCE, OIDC_AUDIENCE_WAIVED }: AuthVariables): string[] {
  if (OIDC_AUDIENCE === undefined && !OIDC_AUDIENCE_WAIVED) {
    return ['OIDC_AUDIENCE is missing: OIDC_ISSUER needs it (or OIDC_AUDIENCE_WAIVED=true)'];
  }
  if (OIDC_AUDIENCE !== undefined && OIDC_AUDIENCE_WAIVED) {
    return ['OIDC_AUDIENCE_WAIVED is true and OIDC_AUDIENCE is set: only one may be'];
  }
  return [];
}

function realmProblems(read: AuthVariables, issuer: string): string[] {
  const perRealm = issuer.includes('{realm}');
  const listed = realmsOf(read);
  if (perRealm && read.OIDC_DEFAULT_REALM === undefined && listed.length !== 1) {
    return [
      'OIDC_DEFAULT_REALM is missing: OIDC_ISSUER holds {realm}, and OIDC_REALMS does not name exactly one',
    ];
  }
  if (!perRealm && listed.some((name) => name !== defaultRealmOf(read))) {
    return ['OIDC_REALMS names realms that OIDC_ISSUER cannot tell apart: it must hold {realm}'];
  }
  return [];
}

/** What lets the process start, and should be known: a secret that can be guessed, tokens of every service. */
export function authWarnings({ JWT_SECRET, OIDC_ISSUER, OIDC_AUDIENCE_WAIVED }: AuthVariables): string[] {
  return [
    ...(JWT_SECRET !== undefined && isGuessable(JWT_SECRET)
      ? ['JWT_SECRET can be guessed: make one with openssl rand -base64 48']
      : []),
    ...(OIDC_ISSUER !== undefined && OIDC_AUDIENCE_WAIVED
      ? ['OIDC_AUDIENCE is waived: tokens that the issuer made for other services are taken too']
      : []),
  ];
}

/** The settings behind variables that passed {@link authRule}. */
export function authSettingsFrom(read: AuthVariables): AuthSettings {
  const defaultRealm = defaultRealmOf(read);
  const shared = {
    defaultRealm,
    claimPaths: { tenant: pathsOf(read.TENANT_CLAIM), roles: rolePathsOf(read) },
    tokenAgeMaxSeconds: read.TOKEN_AGE_MAX,
  };
  const template = read.OIDC_ISSUER;
  if (template === undefined) {
    return {
      ...shared,
      kind: 'hs256',
      secret: read.JWT_SECRET ?? '',
      issuer: read.JWT_ISSUER,
      audience: read.JWT_AUDIENCE ?? read.OIDC_AUDIENCE,
    };
  }
  const realms = new Set([defaultRealm, ...realmsOf(read)]);
  return {
    ...shared,
    kind: 'oidc',
    issuers: new Map([...realms].map((name) => [name, template.replaceAll('{realm}', name)])),
    audience: read.OIDC_AUDIENCE,
  };
}

function realmsOf({ OIDC_REALMS }: AuthVariables): string[] {
  return OIDC_REALMS === undefined ? [] : OIDC_REALMS.split(',').map((name) => name.trim());
}

function defaultRealmOf(read: AuthVariables): string {
  if (read.OIDC_DEFAULT_REALM !== undefined) return read.OIDC_DEFAULT_REALM;
  const [first] = read.OIDC_ISSUER === undefined ? [] : realmsOf(read);
  return first ?? 'default';
}

/** Our own claim, then Keycloak's: of the realm, and of the client that we are (of any, when none is named). */
function rolePathsOf({ ROLES_CLAIM, OIDC_CLIENT_ID }: AuthVariables): ClaimPath[] {
  if (ROLES_CLAIM !== undefined) return pathsOf(ROLES_CLAIM);
  return [['roles'], ['realm_access', 'roles'], ['resource_access', OIDC_CLIENT_ID ?? '*', 'roles']];
}

function pathsOf(list: string): ClaimPath[] {
  return list.split(',').map((path) => path.split('.'));
}
