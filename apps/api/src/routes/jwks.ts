import Type from 'typebox';
import { route } from '../route.ts';

const Time = Type.Union([Type.String(), Type.Null()]);
const Jwks = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal('OKP'),
        crv: Type.Literal('Ed25519'),
        x: Type.String(),
        kid: Type.String({ description: 'The RFC 7638 thumbprint.' }),
        alg: Type.Literal('EdDSA'),
        use: Type.Literal('sig'),
        notBefore: Type.String(),
        retiredAt: Time,
        compromisedAt: Time,
      }),
    ),
  },
  {
    $id: 'Jwks',
    examples: [
      {
        keys: [
          {
            kty: 'OKP',
            crv: 'Ed25519',
            x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
            kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
            alg: 'EdDSA',
            use: 'sig',
            notBefore: '2025-07-10T14:35:00.000Z',
            retiredAt: null,
            compromisedAt: null,
          },
        ],
      },
    ],
  },
);

/** Anybody may ask, and without a limit: the database is asked seldom. */
const keptMs = 5_000;
const maxAgeSeconds = 60;

export const jwks = route({
  operationId: 'jwks',
  method: 'GET',
  path: '/.well-known/jwks.json',
  permission: 'public',
  tag: 'Evidence',
  summary: 'The public keys that sign certificates, and those that did',
  request: {},
  answers: { 200: { description: 'A JWK Set; old keys stay.', schema: Jwks } },
  errors: ['SERVICE_UNAVAILABLE'],
  handler: ({ rotations }) => {
    let kept: { keys: ReturnType<typeof rotations.signingKeys>; at: number } | undefined;
    return async ({ reply }) => {
      const now = performance.now();
      if (kept === undefined || now - kept.at > keptMs) kept = { keys: rotations.signingKeys(), at: now };
      const asked = kept;
      const keys = await asked.keys.catch((error: unknown) => {
        if (kept === asked) kept = undefined;
        throw error;
      });
      reply.header('cache-control', `public, max-age=${maxAgeSeconds}`);
      return {
        keys: keys.map(({ kid, publicKey, notBefore, retiredAt, compromisedAt }) => ({
          kty: 'OKP' as const,
          crv: 'Ed25519' as const,
          x: publicKey.toString('base64url'),
          kid,
          alg: 'EdDSA' as const,
          use: 'sig' as const,
          notBefore: notBefore.toISOString(),
          retiredAt: retiredAt?.toISOString() ?? null,
          compromisedAt: compromisedAt?.toISOString() ?? null,
        })),
      };
    };
  },
});
