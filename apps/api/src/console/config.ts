import { type EnvRule, isSecureUrl } from '@rekey/runtime';
import Type, { type Static } from 'typebox';
import type { ConsoleSettings } from './settings.ts';

export const ConsoleVariables = Type.Object({
  CONSOLE: Type.Optional(Type.Enum(['on', 'off'], { description: 'on or off' })),
  PUBLIC_URL: Type.Optional(
    Type.Refine(
      Type.String({
        maxLength: 1024,
        description: 'an https:// URL without a path (http:// only on this machine)',
      }),
      (text) => isSecureUrl(text) && /^https?:\/\/[^/?#@\s]+\/?$/i.test(text),
    ),
  ),
  OIDC_CLIENT_SECRET: Type.Optional(
    Type.String({ maxLength: 4096, description: 'the secret of the client' }),
  ),
});

interface Read extends Static<typeof ConsoleVariables> {
  readonly HOST: string;
  readonly OIDC_ISSUER?: string;
  readonly OIDC_CLIENT_ID?: string;
}

/** Browsers are held against the address they know: it must be named, unless only this machine can reach us. */
export const consoleRule: EnvRule<Read> = {
  over: ['CONSOLE', 'PUBLIC_URL', 'HOST', 'OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'],
  problems: ({ CONSOLE, PUBLIC_URL, HOST, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET }) => [
    ...(CONSOLE === 'on' && PUBLIC_URL === undefined && !isOnlyHere(HOST)
      ? ['PUBLIC_URL is missing: CONSOLE=on needs it where HOST is reached from elsewhere']
      : []),
    ...(OIDC_CLIENT_SECRET !== undefined && (OIDC_ISSUER === undefined || OIDC_CLIENT_ID === undefined)
      ? ['OIDC_CLIENT_SECRET is set: it needs OIDC_ISSUER and OIDC_CLIENT_ID']
      : []),
  ],
};

/** Null: it is not served. */
export function consoleSettingsFrom(read: Read): ConsoleSettings | null {
  const { CONSOLE, PUBLIC_URL, HOST, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET } = read;
  if (CONSOLE === 'off' || (PUBLIC_URL === undefined && !isOnlyHere(HOST))) return null;
  const canLogIn = PUBLIC_URL !== undefined && OIDC_ISSUER !== undefined && OIDC_CLIENT_ID !== undefined;
  return {
    publicUrl: PUBLIC_URL === undefined ? null : new URL(PUBLIC_URL).origin,
    login: canLogIn ? { clientId: OIDC_CLIENT_ID, clientSecret: OIDC_CLIENT_SECRET } : null,
  };
}

function isOnlyHere(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host);
}
