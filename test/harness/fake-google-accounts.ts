import { createVerify, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from './cleanup.ts';

/** Who may call, and how they prove it: service accounts, workload identity federation, the metadata server. */
export interface FakeGoogleAccounts {
  /** The paths that tokens were asked for at, in order. */
  readonly calls: string[];
  /** A file for `GOOGLE_APPLICATION_CREDENTIALS` of a new service account, which is the only one from then on. */
  serviceAccountFile(at?: string): Promise<string>;
  /** The same for a workload that exchanges a token from a file. */
  federatedFile(subjectToken: string): Promise<string>;
  /** What is exchanged for a token. */
  subjectToken: string;
  /** Whether who is known may use the key. */
  mayUse: boolean;
  /** Answers whoever asks for a token instead. */
  answer: ((response: ServerResponse, request: IncomingMessage) => void) | null;
  /** Tokens that were given out; what is not among them is refused. */
  readonly tokens: Set<string>;
  serve(path: string, request: IncomingMessage, body: string, response: ServerResponse): Promise<boolean>;
  /** Who a request is from; null: nobody who is known. */
  holderOf(authorization: string | undefined): string | null;
}

const audience = 'https://cloudkms.googleapis.com/';
const scopes = ['https://www.googleapis.com/auth/cloud-platform', 'https://www.googleapis.com/auth/cloudkms'];
const covers = (scope: unknown): boolean =>
  String(scope)
    .split(' ')
    .some((one) => scopes.includes(one));
const email = 'worker@a-project.iam.gserviceaccount.com';

export async function fakeGoogleAccounts(endpoint: string, owner: Owner): Promise<FakeGoogleAccounts> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-google-'));
  owner.after(() => rm(folder, { recursive: true }));
  let publicKey: KeyObject | null = null;

  const file = async (content: string, at = join(folder, randomUUID())): Promise<string> => {
    await writeFile(at, content, { mode: 0o600 });
    return at;
  };

  const newToken = (): object => {
    const token = `ya29.${randomUUID()}`;
    fake.tokens.add(token);
    return { access_token: token, expires_in: 3_600, token_type: 'Bearer' };
  };

  const fake: FakeGoogleAccounts = {
    calls: [],
    subjectToken: 'a-token-of-the-platform',
    mayUse: true,
    answer: null,
    tokens: new Set(),
    async serviceAccountFile(at) {
      const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      publicKey = pair.publicKey;
      const account = {
        type: 'service_account',
        project_id: 'a-project',
        private_key_id: 'a-key-id',
        private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
        client_email: email,
        client_id: '1',
        token_uri: `${endpoint}/token`,
      };
      return file(JSON.stringify(account), at);
    },
    async federatedFile(subjectToken) {
      const account = {
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${endpoint}/v1/token`,
        credential_source: { file: await file(subjectToken) },
      };
      return file(JSON.stringify(account));
    },
    async serve(path, request, body, response) {
      const isMetadata = path.startsWith('/computeMetadata/v1/instance');
      if (!isMetadata && path !== '/v1/token') return false;
      fake.calls.push(path.replace(/\?.*/, ''));
      const headers = { 'content-type': 'application/json', 'metadata-flavor': 'Google' };
      if (fake.answer !== null) {
        fake.answer(response, request);
      } else if (isMetadata && request.headers['metadata-flavor'] !== 'Google') {
        response.writeHead(403).end();
      } else if (!isMetadata && new URLSearchParams(body).get('subject_token') !== fake.subjectToken) {
        response.writeHead(400, headers).end('{"error":"invalid_grant","error_description":"hunter2"}');
      } else {
        response.writeHead(200, headers).end(JSON.stringify(newToken()));
      }
      return true;
    },
    holderOf(authorization = '') {
      const token = authorization.replace(/^Bearer /, '');
      if (fake.tokens.has(token)) return 'a token that was given out';
      const [head, claims = '', signature = ''] = token.split('.');
      if (publicKey === null || signature === '') return null;
      const isSigned = createVerify('RSA-SHA256')
        .update(`${head}.${claims}`)
        .verify(publicKey, signature, 'base64url');
      if (!isSigned) return null;
      const { aud, scope, iss, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      // A service account signs for a service, or for scopes, of which one has to cover it; never for both.
      const isFor = scope === undefined ? aud === audience : aud === undefined && covers(scope);
      return isFor && iss === email && exp * 1_000 > Date.now() ? iss : null;
    },
  };
  return fake;
}
