import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { isConsistent } from '@rekey/evidence';
import type { Owner } from './cleanup.ts';

// The other side of C2SP's tlog-witness, from its text and with no line of ours but the check of a consistency proof.

interface Seen {
  readonly size: number;
  readonly root: Buffer;
}

export interface Witness {
  readonly url: string;
  /** The verifier key, as a log is configured with it. */
  readonly key: string;
  /** What it signed last, by origin. */
  readonly seen: Map<string, Seen>;
  /** The status of each answer. */
  readonly answered: number[];
  /** Answers in its place, until it is null again. */
  instead: ((response: ServerResponse) => void) | null;
  /** Seconds since 1970. */
  clock: () => number;
}

const raw = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
const idOf = (name: string, algorithm: number, key: KeyObject): Buffer =>
  createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([algorithm]))
    .update(raw(key))
    .digest()
    .subarray(0, 4);

export async function startWitness(
  owner: Owner,
  {
    logKey,
    name,
    keys,
  }: {
    readonly logKey: KeyObject;
    readonly name: string;
    readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  },
): Promise<Witness> {
  const id = idOf(name, 4, keys.publicKey);
  const seen = new Map<string, Seen>();
  const answered: number[] = [];

  function cosign(body: string): { status: number; type?: string; text: string } {
    const [head = '', ...rest] = body.split('\n\n');
    const [old = '', ...path] = head.split('\n');
    const note = rest.join('\n\n');
    const [origin = '', sizeText = '', rootText = ''] = note.split('\n');
    const oldSize = Number(/^old (0|[1-9][0-9]*)$/.exec(old)?.[1] ?? Number.NaN);
    if (Number.isNaN(oldSize) || !note.endsWith('\n')) return { status: 400, text: '' };
    if (!origin.startsWith('rekey.dev/log/')) return { status: 404, text: '' };
    const signed = `${origin}\n${sizeText}\n${rootText}\n`;
    const isSigned = note.split('\n').some((line) => {
      const bytes = Buffer.from(line.split(' ')[2] ?? '', 'base64');
      return (
        line.startsWith(`— ${origin} `) &&
        bytes.subarray(0, 4).equals(idOf(origin, 1, logKey)) &&
        verify(null, Buffer.from(signed), logKey, bytes.subarray(4))
      );
    });
    if (!isSigned) return { status: 403, text: '' };
    const next = { size: Number(sizeText), root: Buffer.from(rootText, 'base64') };
    if (oldSize > next.size) return { status: 400, text: '' };
    const last = seen.get(origin);
    if (oldSize !== (last?.size ?? 0))
      return { status: 409, type: 'text/x.tlog.size', text: `${last?.size ?? 0}\n` };
    const proof = path.map((line) => Buffer.from(line, 'base64'));
    if (last === undefined ? proof.length > 0 : !isConsistent(last, next, proof))
      return { status: last?.size === next.size ? 409 : 422, text: '' };
    seen.set(origin, next);
    const seconds = Math.floor(instance.clock());
    const stamp = Buffer.alloc(8);
    stamp.writeBigUInt64BE(BigInt(seconds));
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${signed}`), keys.privateKey);
    const line = Buffer.concat([id, stamp, signature]).toString('base64');
    return { status: 200, text: `— ${name} ${line}\n` };
  }

  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (instance.instead !== null) return instance.instead(response);
    const isAsked = request.method === 'POST' && request.url === '/prefix/add-checkpoint';
    const answer = isAsked ? cosign(body) : { status: 404, text: '' };
    answered.push(answer.status);
    response.writeHead(answer.status, { 'content-type': answer.type ?? 'text/plain' }).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  owner.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const bytes = Buffer.concat([Buffer.from([4]), raw(keys.publicKey)]).toString('base64');
  const instance: Witness = {
    url: `http://127.0.0.1:${port}/prefix`,
    key: `${name}+${id.toString('hex')}+${bytes}`,
    seen,
    answered,
    instead: null,
    clock: () => Date.now() / 1_000,
  };
  return instance;
}
