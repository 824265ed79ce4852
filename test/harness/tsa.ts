import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Owner } from './cleanup.ts';
import { MISSING_TOOL } from './missing-tools.ts';

const run = promisify(execFile);

/** The machine's openssl, which is a time stamp authority and verifies what one signed: for the options of a test. */
export const openssl = {
  skip:
    spawnSync('openssl', ['version']).status === 0
      ? false
      : (`${MISSING_TOOL}openssl: it is not installed` as const),
};

/** A certificate and its key, in files. */
export interface Signer {
  readonly certificate: string;
  readonly key: string;
}

interface Authority {
  readonly folder: string;
  /** Who vouches for all of them, and through whom. */
  readonly root: Signer;
  readonly middle: Signer;
  /** Certified for these uses (`extendedKeyUsage` in openssl's words; null: for none that is named), and until when. */
  signer(options?: {
    use?: string | null;
    algorithm?: 'ec' | 'rsa';
    days?: number;
    by?: Signer;
  }): Promise<Signer>;
  /** Another authority below one. */
  between(by: Signer): Promise<Signer>;
  /** What `openssl ts` answers. */
  answer(query: Buffer, signer: Signer): Promise<Buffer>;
  /** A token of any content, by whoever. */
  sign(info: Buffer, signer: Signer, options?: readonly string[]): Promise<Buffer>;
  /** What `openssl ts -verify` says of an answer. */
  accepts(answer: Buffer, bytes: Buffer): Promise<boolean>;
}

const algorithms = {
  ec: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

export async function createAuthority(owner: Owner): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-tsa-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  let files = 0;
  const file = (name: string): string => {
    files += 1;
    return join(folder, `${files}-${name}`);
  };

  async function certify(
    name: string,
    extensions: readonly string[],
    by: Signer | null,
    { algorithm = 'ec', days = 30 }: { algorithm?: 'ec' | 'rsa'; days?: number } = {},
  ): Promise<Signer> {
    const [certificate, key, request, extra] = [file('pem'), file('key'), file('csr'), file('ext')];
    await writeFile(extra, ['[e]', ...extensions].join('\n'));
    await run('openssl', ['genpkey', ...algorithms[algorithm], '-out', key]);
    await run('openssl', ['req', '-new', '-key', key, '-subj', `/O=Test/CN=${name}`, '-out', request]);
    const from =
      by === null ? ['-signkey', key] : ['-CA', by.certificate, '-CAkey', by.key, '-CAcreateserial'];
    const of = ['-in', request, '-days', String(days), '-sha256', '-extfile', extra, '-extensions', 'e'];
    await run('openssl', ['x509', '-req', ...of, ...from, '-out', certificate]);
    return { certificate, key };
  }

  const authority = (most: string): string[] => [
    `basicConstraints=critical,CA:TRUE${most}`,
    'keyUsage=critical,keyCertSign',
    'subjectKeyIdentifier=hash',
  ];
  const root = await certify('Root', authority(''), null);
  const middle = await certify('Middle', [...authority(',pathlen:0'), 'extendedKeyUsage=timeStamping'], root);

  return {
    folder,
    root,
    middle,
    signer: ({ use = 'critical,timeStamping', by = middle, ...options } = {}) =>
      certify(
        'Stamps',
        ['basicConstraints=CA:FALSE', ...(use === null ? [] : [`extendedKeyUsage=${use}`])],
        by,
        options,
      ),
    between: (by) => certify('Between', authority(''), by),
    async answer(query, { certificate, key }) {
      const [asked, told, config, serial] = [file('tsq'), file('tsr'), file('cnf'), file('serial')];
      await writeFile(asked, query);
      await writeFile(serial, '0A');
      await writeFile(
        config,
        `[tsa]\ndefault_tsa=t\n[t]\nserial=${serial}\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1,millisecs:500\n` +
          'ordering=no\ntsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg=sha256\nsigner_digest=sha256\n',
      );
      const by = ['-signer', certificate, '-inkey', key, '-chain', middle.certificate];
      await run('openssl', ['ts', '-reply', '-config', config, '-queryfile', asked, ...by, '-out', told]);
      return readFile(told);
    },
    async sign(info, { certificate, key }, options = ['-cades']) {
      const [content, token] = [file('info'), file('token')];
      await writeFile(content, info);
      const kind = ['-binary', '-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.4', '-md', 'sha256'];
      const by = ['-signer', certificate, '-inkey', key, '-certfile', middle.certificate];
      const out = ['-in', content, '-outform', 'DER', '-out', token];
      await run('openssl', ['cms', '-sign', ...kind, ...by, ...out, ...options]);
      return readFile(token);
    },
    async accepts(answer, bytes) {
      const [told, data] = [file('tsr'), file('data')];
      await writeFile(told, answer);
      await writeFile(data, bytes);
      const args = ['ts', '-verify', '-in', told, '-data', data, '-CAfile', root.certificate];
      return run('openssl', args).then(
        ({ stdout, stderr }) => /^Verification: OK$/m.test(stdout + stderr),
        () => false,
      );
    },
  };
}

interface Tsa {
  readonly url: string;
  /** How many were asked for. */
  asked(): number;
  /** Answers in its place, until it is null again. */
  instead: ((response: ServerResponse, query: Buffer) => void | Promise<void>) | null;
}

/** An authority that is asked over HTTP. */
export async function startTsa(owner: Owner, authority: Authority, signer: Signer): Promise<Tsa> {
  let asked = 0;
  const server = createServer(async (request, response) => {
    const query = await buffer(request);
    asked += 1;
    if (instance.instead !== null) return instance.instead(response, query);
    const isAsked =
      request.method === 'POST' && request.headers['content-type'] === 'application/timestamp-query';
    if (!isAsked) return response.writeHead(400).end();
    response
      .writeHead(200, { 'content-type': 'application/timestamp-reply' })
      .end(await authority.answer(query, signer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  owner.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const instance: Tsa = { url: `http://127.0.0.1:${port}/tsr`, asked: () => asked, instead: null };
  return instance;
}
