import { createHmac } from 'node:crypto';
import { type Command, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { durationMs } from '../watch.ts';

const roles = ['super_admin', 'security_admin', 'security_operator', 'security_auditor'] as const;
/** As the API asks of `JWT_SECRET`. */
const secretBytesMin = 32;
/** A token that outlives the trial is one that somebody finds. */
const expiresMaxMs = 24 * 3_600_000;

const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** For an API that has `JWT_SECRET` and no identity provider. */
export const token: Command = {
  name: 'token',
  about: 'make an access token from JWT_SECRET, for trials',
  remote: false,
  options: {
    role: { value: 'ROLE', about: 'what it may do', oneOf: roles },
    tenant: { value: 'ID', about: 'whose: of all roles but super_admin; * for the installation' },
    sub: { value: 'SUBJECT', about: 'who is said to act, `trial` unless said' },
    expires: { value: 'TIME', about: 'until when it counts, 1h unless said, 24h at most' },
  },
  async run(call) {
    const secret = call.env.JWT_SECRET ?? '';
    if (Buffer.byteLength(secret) < secretBytesMin)
      throw new UsageError(`JWT_SECRET must be set as the API has it, to at least ${secretBytesMin} bytes.`);
    const role = call.option('role');
    const tenantId = call.option('tenant');
    if (role === undefined) throw new UsageError('Which role? --role is needed.');
    if (role !== 'super_admin' && tenantId === undefined)
      throw new UsageError(`Whose? A ${role} is bound to its --tenant.`);
    const expiresMs = durationMs(call.option('expires') ?? '1h', 'expires');
    if (expiresMs < 1_000 || expiresMs > expiresMaxMs) throw new UsageError('--expires is from 1s to 24h.');
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      sub: call.option('sub') ?? 'trial',
      roles: [role],
      ...(tenantId === undefined ? {} : { tenantId }),
      iat: now,
      exp: now + Math.floor(expiresMs / 1_000),
    };
    const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
    const made = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    const warning = 'For trials: whoever has JWT_SECRET is everybody. In production use OIDC_ISSUER.';
    call.tell({ token: made, expiresAt: new Date(claims.exp * 1_000).toISOString(), warning }, () => {
      call.err.line(warning);
      call.out.line(made);
    });
    return exitCodes.completed;
  },
};
