import { createHmac } from 'node:crypto';

const lifetimeSeconds = 12 * 60 * 60;

/** A bearer token (JWT, HS256) of a security admin of the tenant, good for twelve hours. */
export function signToken(secret: string, tenantId: string, nowMs: number = Date.now()): string {
  const issuedAt = Math.floor(nowMs / 1_000);
  const signed = [
    { alg: 'HS256', typ: 'JWT' },
    {
      sub: 'demo-security-admin',
      name: 'Demo Security Admin',
      email: 'security-admin@example.com',
      roles: ['security_admin'],
      tenantId,
      iat: issuedAt,
      exp: issuedAt + lifetimeSeconds,
    },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
