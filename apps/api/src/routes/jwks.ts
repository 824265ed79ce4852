import Type from 'typebox';
import { route } from '../route.ts';

const Time = Type.Union([Type.String(), Type.Null()]);
const common = {
  kid: Type.String({ description: 'The RFC 7638 thumbprint.' }),
  use: Type.Literal('sig'),
  notBefore: Type.String(),
  retiredAt: Time,
  compromisedAt: Time,
};
const Ed25519 = Type.Object({
  kty: Type.Literal('OKP'),
  crv: Type.Literal('Ed25519'),
  x: Type.String(),
  alg: Type.Literal('EdDSA'),
  ...common,
});
const MlDsa = Type.Object(
  { kty: Type.Literal('AKP'), alg: Type.Literal('ML-DSA-65'), pub: Type.String(), ...common },
  { description: 'Of second signatures (RFC 9964).' },
);
const Jwks = Type.Object(
  { keys: Type.Array(Type.Union([Ed25519, MlDsa])) },
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
        keys: keys.map(({ algorithm, kid, publicKey, notBefore, retiredAt, compromisedAt }) => ({
          ...(algorithm === 'Ed25519'
            ? {
                kty: 'OKP' as const,
                crv: 'Ed25519' as const,
                x: publicKey.toString('base64url'),
                alg: 'EdDSA' as const,
              }
            : { kty: 'AKP' as const, alg: algorithm, pub: publicKey.toString('base64url') }),
          kid,
          use: 'sig' as const,
          notBefore: notBefore.toISOString(),
          retiredAt: retiredAt?.toISOString() ?? null,
          compromisedAt: compromisedAt?.toISOString() ?? null,
        })),
      };
    };
  },
});
