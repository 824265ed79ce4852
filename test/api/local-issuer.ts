import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type Owner, thisFile } from '../harness/cleanup.ts';
import { inAnHour } from './live-api.ts';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
}

export async function signingKey(kid: string, alg = 'RS256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey };
}

/** An OpenID Connect issuer of several realms over HTTP: discovery and keys, and a count of what was asked. */
export async function localIssuer(owner: Owner = thisFile) {
  const keys = new Map<string, SigningKey[]>();
  const state = { mode: 'up' as 'up' | 'failing' | 'hanging' | 'lying', fetches: [] as string[] };
  const server = createServer((request, response) => {
    const [, , realm = '', file = ''] = /^\/(realms)\/([^/]+)\/(.+)$/.exec(request.url ?? '') ?? [];
    state.fetches.push(`${realm}/${file}`);
    if (state.mode === 'hanging') return;
    if (state.mode === 'failing') return void response.writeHead(500).end('{}');
    const issuer = state.mode === 'lying' ? 'https://elsewhere.example' : `${base}/realms/${realm}`;
    const document =
      file === 'keys'
        ? { keys: (keys.get(realm) ?? []).map((key) => key.publicJwk) }
        : { issuer, jwks_uri: `${base}/realms/${realm}/keys` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  owner.after(async () => {
    server.closeAllConnections();
    server.close();
  });

  return {
    state,
    keys,
    issuerOf: (realm: string): string => `${base}/realms/${realm}`,
    sign: (
      realm: string,
      key: SigningKey,
      claims: Record<string, unknown> = {},
      header: Record<string, unknown> = {},
    ): Promise<string> =>
      new SignJWT({
        sub: 'ada',
        iss: `${base}/realms/${realm}`,
        exp: inAnHour(),
        roles: ['super_admin'],
        ...claims,
      })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
        .sign(key.privateKey),
  };
}
