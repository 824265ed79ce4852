import type { FastifyRequest } from 'fastify';

/**
 * The names of the console's cookies. `__Host-`: a browser takes them only with `Secure`, for the whole host and from the
 * host itself, so that no neighbour under the same domain can plant one.
 */
export const sessionCookie = '__Host-rekey-session';
export const loginCookie = '__Host-rekey-login';

/** `Lax` only for what has to come along when the identity provider sends the browser back. */
export function cookie(
  name: string,
  value: string,
  { sameSite, maxAgeSeconds }: { readonly sameSite: 'Strict' | 'Lax'; readonly maxAgeSeconds?: number },
): string {
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`;
  return `${name}=${value}; Path=/; HttpOnly; Secure; SameSite=${sameSite}${age}`;
}

export function withoutCookie(name: string): string {
  return cookie(name, '', { sameSite: 'Strict', maxAgeSeconds: 0 });
}

/** The value of that cookie; null where there is none, or several: then nobody knows whose they are. */
export function cookieOf({ raw }: FastifyRequest, name: string): string | null {
  const sent = (raw.headersDistinct.cookie ?? []).flatMap((line) => line.split(';'));
  const values = sent.flatMap((pair) => {
    const at = pair.indexOf('=');
    return pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
  });
  return values.length === 1 ? (values[0] ?? null) : null;
}
