// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** The public keys that sign certificates, and those that did. */
export const jwks = { method: 'GET', path: '/.well-known/jwks.json' } as const;

export type JwksInput = Readonly<Record<string, never>>;

export type JwksAnswer = {
  readonly keys: Array<{
    readonly kty: 'OKP';
    readonly crv: 'Ed25519';
    readonly x: string;
    readonly alg: 'EdDSA';
    /** The RFC 7638 thumbprint. */
    readonly kid: string;
    readonly use: 'sig';
    readonly notBefore: string;
    readonly retiredAt: string | null;
    readonly compromisedAt: string | null;
  } | {
    readonly kty: 'AKP';
    readonly alg: 'ML-DSA-65';
    readonly pub: string;
    /** The RFC 7638 thumbprint. */
    readonly kid: string;
    readonly use: 'sig';
    readonly notBefore: string;
    readonly retiredAt: string | null;
    readonly compromisedAt: string | null;
  }>;
};
