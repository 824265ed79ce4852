import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SignJWT } from 'jose';
import { inAnHour } from '../api/live-api.ts';
import { signingKey } from '../api/local-issuer.ts';
import { thisFile } from '../harness/cleanup.ts';

export const client = { clientId: 'rekey-console', clientSecret: 'a secret of the client' };

/** An identity provider that lets everybody in at once: authorization code with PKCE, as OpenID Connect has it. */
export async function loginIssuer() {
  const key = await signingKey('login');
  const codes = new Map<string, URLSearchParams>();
  /** What to say instead of the truth. */
  const lies = { access: {}, id: {} } as Record<'access' | 'id', Record<string, unknown>>;
  const asked: URLSearchParams[] = [];
  const now = (): number => Math.floor(Date.now() / 1_000);
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT({ sub: 'ada', iss: base, iat: now(), exp: inAnHour(), ...claims })
      .setProtectedHeader({ alg: key.alg, kid: key.kid })
      .sign(key.privateKey);

  const exchange = async (
    authorization: string | undefined,
    form: URLSearchParams,
  ): Promise<object | null> => {
    const begun = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const { clientId, clientSecret } = client;
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const fits =
      begun !== undefined &&
      credentialsIn(authorization) === `${clientId} ${clientSecret}` &&
      begun.get('code_challenge') === challenge &&
      begun.get('redirect_uri') === form.get('redirect_uri');
    if (!fits) return null;
    const auth = begun.has('max_age') ? { auth_time: now() } : {};
    const id = { aud: clientId, nonce: begun.get('nonce'), ...auth, ...lies.id };
    const access = { aud: 'rekey', roles: ['super_admin'], name: 'Ada Example', ...lies.access };
    return {
      token_type: 'Bearer',
      access_token: await sign(access),
      id_token: await sign(id),
      expires_in: 3_600,
    };
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', base);
    const json = (status: number, body: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname === '/.well-known/openid-configuration')
      return json(200, {
        issuer: base,
        jwks_uri: `${base}/keys`,
        authorization_endpoint: `${base}/authorize`,
        token_endpoint: `${base}/token`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    if (pathname === '/keys') return json(200, { keys: [key.publicJwk] });
    if (pathname === '/authorize') {
      const code = randomUUID();
      asked.push(searchParams);
      codes.set(code, searchParams);
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', searchParams.get('state') ?? '');
      return void response.writeHead(302, { location: back.href }).end();
    }
    const tokens = await exchange(request.headers.authorization, new URLSearchParams(await text(request)));
    return tokens === null ? json(400, { error: 'invalid_grant' }) : json(200, tokens);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  thisFile.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { issuer: base, lies, asked };
}

/** Each part is encoded as in a form (RFC 6749, 2.3.1). */
function credentialsIn(authorization = ''): string {
  const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
  const decoded = pair.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  return decoded.join(' ');
}
