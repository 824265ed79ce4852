import fastifyJwt from '@fastify/jwt';
import type { FastifyInstance } from 'fastify';
import type { Claims } from './claims.ts';
import { clockToleranceSeconds, type TokenVerifier } from './verifier.ts';

export interface Hs256Settings {
  readonly secret: string;
  /** Required of every token when set. */
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** Tokens signed with one shared secret, without an identity provider. This process can verify them, not sign. */
export async function hs256Verifier(app: FastifyInstance, settings: Hs256Settings): Promise<TokenVerifier> {
  const { secret, issuer, audience } = settings;
  await app.register(fastifyJwt, {
    secret: { public: secret },
    verify: {
      algorithms: ['HS256'],
      // @fastify/jwt checks a claim only if it is there: what must be there stands in requiredClaims.
      requiredClaims: [
        'sub',
        'exp',
        ...(issuer === undefined ? [] : ['iss']),
        ...(audience === undefined ? [] : ['aud']),
      ],
      ...(issuer === undefined ? {} : { allowedIss: issuer }),
      ...(audience === undefined ? {} : { allowedAud: audience }),
      clockTolerance: clockToleranceSeconds * 1_000,
    },
  });
  // The secret is the process' for its life.
  return { verify: async (token) => app.jwt.verify<Claims>(token), keysInForce: () => 0 };
}
