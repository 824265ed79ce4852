import { parseArgs } from 'node:util';
import { jsonIn, oneLine, publicKeyIn, readGiven } from './given-files.ts';
import { keysOfJwks, pinnedKey, type TrustedKey } from './public-keys.ts';
import { pinnedSecondKey, type SecondKey, secondKeysOfJwks } from './second-keys.ts';
import { certificatesIn, type StampVerdict } from './stamp.ts';
import { type Trust, type Verdict, verifyCertificate } from './verify.ts';

/** Where a command writes. */
export interface CommandIo {
  out(line: string): void;
  err(line: string): void;
}

const usage =
  'usage: rekey certificate verify FILE --key PUBLIC_KEY.pem | --jwks JWKS.json [--second-key PUBLIC_KEY.pem] [--tsa-ca CAS.pem] [--json]';

/** `rekey certificate verify`. The exit code: 0 verified, 1 refused, 2 not called or not readable as it should. */
export async function certificateVerify(args: readonly string[], io: CommandIo): Promise<0 | 1 | 2> {
  let certificate: Buffer;
  let keys: TrustedKey[];
  let source: string;
  let json: boolean;
  let trust: Omit<Trust, 'keys' | 'jwks'>;
  try {
    const asked = read(args);
    const { file, key, jwks, tsaCa, secondKey } = asked;
    json = asked.json;
    const tsaCas = tsaCa === undefined ? [] : certificatesIn((await readGiven(tsaCa)).toString('latin1'));
    const secondKeys = await secondKeysIn({ secondKey, jwks });
    trust = { tsaCas, secondKeys, needsSecond: secondKey !== undefined };
    source = key ?? jwks;
    certificate = await readGiven(file);
    keys = await keysIn({ key, jwks });
  } catch (error) {
    io.err(oneLine(error));
    io.err(usage);
    return 2;
  }
  const verdict = verifyCertificate(certificate, { keys, ...trust });
  if (json) {
    io.out(JSON.stringify({ ...verdict, source }));
    return verdict.verified ? 0 : 1;
  }
  if (!verdict.verified) {
    io.out(`refused   ${verdict.refusal}`);
    io.out(`because   ${verdict.reason}`);
    if (verdict.kid !== null) io.out(`names key ${JSON.stringify(verdict.kid)}`);
    if (verdict.stamp !== null) io.out(`stamped   ${stampedBy(verdict.stamp)}`);
    return 1;
  }
  const { predicate, subject } = verdict.statement;
  io.out('verified  the certificate is whole, and signed by a key that you gave');
  io.out(`trusted   ${verdict.kid}, from ${source}`);
  io.out(`${labels[verdict.kind]} ${subject.map(({ name }) => name).join()}`);
  io.out(`tenant    ${predicate.tenantId ?? 'all'}`);
  io.out(`signed    ${predicate.signedAt}`);
  io.out(`second    ${secondBy(verdict.second)}`);
  io.out(`covered   ${coveredBy(verdict.covered)}`);
  io.out(`stamped   ${verdict.stamp === null ? 'no: no time stamp came with it' : stampedBy(verdict.stamp)}`);
  if (verdict.compromisedAt !== null)
    io.out(`its key   is compromised since ${verdict.compromisedAt.toISOString()}, and signed this before`);
  return 0;
}

function secondBy(second: Extract<Verdict, { verified: true }>['second']): string {
  if (second === null) return 'no: it has no second signature';
  const { kid, isVerified } = second;
  return isVerified
    ? `${kid}, by ML-DSA-65, verified`
    : `${JSON.stringify(kid)}, not verified: its key was not given, or was not in use`;
}

function stampedBy(stamp: StampVerdict): string {
  if (!stamp.trusted)
    return `${stamp.problem}: a time stamp came with it and counts for nothing: ${stamp.reason}`;
  return `by ${stamp.latest.toISOString()} at the latest, says ${JSON.stringify(stamp.by)}`;
}

function coveredBy(covered: Extract<Verdict, { verified: true }>['covered']): string {
  if (covered === null) return 'no: it has no checkpoint over its events';
  const { origin, size, index } = covered;
  return `its last event is at place ${index} of ${origin}, of size ${size}`;
}

const labels = { rotation: 'rotation ', rewrap: 'rewrap   ', destruction: 'destroyed' } as const;

function read(
  args: readonly string[],
): { file: string; json: boolean; tsaCa: string | undefined; secondKey: string | undefined } & (
  | { key: string; jwks?: never }
  | { key?: never; jwks: string }
) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      jwks: { type: 'string' },
      'tsa-ca': { type: 'string' },
      'second-key': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new Error('One FILE is needed.');
  const { key, jwks, json, 'tsa-ca': tsaCa, 'second-key': secondKey } = values;
  if (key !== undefined && jwks === undefined) return { file, json, tsaCa, secondKey, key };
  if (jwks !== undefined && key === undefined) return { file, json, tsaCa, secondKey, jwks };
  throw new Error('Either --key or --jwks is needed: nothing is trusted by itself.');
}

/** That of the one file, else those of the other. */
export async function secondKeysIn(from: {
  readonly secondKey?: string | undefined;
  readonly jwks?: string | undefined;
}): Promise<SecondKey[]> {
  const { secondKey, jwks } = from;
  if (secondKey !== undefined) return [pinnedSecondKey(await publicKeyIn(secondKey))];
  return jwks === undefined ? [] : jsonIn(jwks, secondKeysOfJwks);
}

/** The keys of either file. */
export async function keysIn(from: {
  readonly key?: string | undefined;
  readonly jwks?: string | undefined;
}): Promise<TrustedKey[]> {
  if (from.key !== undefined) return [pinnedKey(await publicKeyIn(from.key))];
  return jsonIn(from.jwks ?? '', keysOfJwks);
}
