import { parseArgs } from 'node:util';
import { type AuditReport, auditProblems, verifyAudit } from './audit-verify.ts';
import { readCheckpoints, type SignedCheckpoint } from './checkpoint.ts';
import { parseWitnessKey } from './cosignature.ts';
import { oneLine, piecesOf, readGiven } from './given-files.ts';
import type { TrustedKey } from './public-keys.ts';
import { type CommandIo, keysIn, secondKeysIn } from './verify-main.ts';

const usage =
  'usage: rekey audit verify FILE [--checkpoint CHECKPOINTS]... [--key PUBLIC_KEY.pem | --jwks JWKS.json] [--second-key PUBLIC_KEY.pem] [--witness KEY]...';

/**
 * `rekey audit verify`. The exit code: 0 nothing is wrong with it, as far as it says; 1 something is; 2 not called or not
 * readable as it should; 3 nothing can be said of it.
 */
export async function auditVerify(args: readonly string[], io: CommandIo): Promise<0 | 1 | 2 | 3> {
  let report: AuditReport;
  try {
    const { file, checkpoints, key, jwks, secondKey, witnesses } = read(args);
    const keys: TrustedKey[] | null =
      key === undefined && jwks === undefined ? null : await keysIn({ key, jwks });
    const held = (await Promise.all(checkpoints.map(heldIn))).flat();
    report = await verifyAudit(textIn(file), {
      checkpoints: held,
      keys,
      witnesses: witnesses.map(parseWitnessKey),
      secondKeys: await secondKeysIn({ secondKey, jwks }),
      needsSecond: secondKey !== undefined,
    });
  } catch (error) {
    io.err(oneLine(error));
    io.err(usage);
    return 2;
  }
  const [verdict, code] = verdictOf(report);
  io.out(verdict);
  for (const problem of report.problems)
    io.out(`problem   ${problem.code} at ${problem.at}: ${auditProblems[problem.code]}`);
  if (report.chain !== null) io.out(`chain     ${report.chain}`);
  if (report.cut !== null) for (const line of cutLines(report)) io.out(line);
  io.out(`events    ${report.events}`);
  if (report.heldAgainst.length > 0) {
    io.out(`against   checkpoints of size ${report.heldAgainst.join(', ')}`);
    for (const line of signatureLines(report)) io.out(line);
    io.out(`covered   ${report.covered}`);
    if (report.scope === 'chain') io.out(`placed    ${report.placed}, each by a path of its own in the log`);
    io.out(`newer     ${report.events - report.covered}, covered by nothing`);
  }
  return code;
}

/** Which keys were trusted for the checkpoints, and that there were none. */
function signatureLines({ signatures }: AuditReport): string[] {
  const by = (kids: ReadonlyArray<string | null>): string =>
    [...Map.groupBy(kids, (kid) => kid)]
      .map(([kid, all]) => (kid === null ? `nothing that was given, ${all.length}` : `${kid}, ${all.length}`))
      .join('; ');
  const seconds = signatures.map(({ second }) => second);
  return [
    `signed    by ${by(signatures.map(({ kid }) => kid))}`,
    ...(seconds.every((kid) => kid === null) ? [] : [`second    by ML-DSA-65, ${by(seconds)}`]),
  ];
}

function cutLines({ cut, scope }: AuditReport): string[] {
  if (cut === null) return [];
  const { events, chains, size, years, isCovered, isOfInstallation } = cut;
  const where = scope === 'chain' ? `with event ${events + 1}` : `${events} events of ${chains} chains later`;
  return [
    `begins    ${where}: what came before is gone, cut off at size ${size} of the log after ${years} years`,
    ...(isCovered ? [] : ['cut by    an event that no checkpoint covers']),
    ...(isOfInstallation
      ? []
      : ["cut by    an event of a chain that no checkpoint shows to be the installation's"]),
  ];
}

function verdictOf({ scope, problems, heldAgainst, covered, cut }: AuditReport): [string, 0 | 1 | 3] {
  if (problems.length > 0 || scope === null) return ['refused   this is not what was recorded', 1];
  const isHeld = heldAgainst.length > 0;
  if (scope === 'filtered')
    return isHeld && covered > 0
      ? ['authentic what is covered was recorded so; completeness not claimed', 0]
      : ['unclaimed each event fits its hash, which anybody can compute: nothing is claimed', 3];
  if (!isHeld)
    return ['whole     it fits together; whether it was made anew or cut at its end, nothing tells', 0];
  // Or whoever can have events deleted would only have to invent what allows it.
  if (cut !== null && !(cut.isCovered && cut.isOfInstallation))
    return ['unclaimed what allows the cut is under no checkpoint that was given: take a later one', 3];
  if (scope === 'chain' && covered === 0 && cut === null)
    return ['unclaimed the chain was not under the checkpoint, or that was left out: nothing is claimed', 3];
  return ['verified  all that the checkpoint covers is as it was recorded, and nothing of it is missing', 0];
}

/** Refuses other bytes than UTF-8: what stands for them could be read as what was recorded. */
async function* textIn(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decoded = (piece?: Buffer): string => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new TypeError(`${path} is not in UTF-8`);
    }
  };
  for await (const piece of piecesOf(path)) yield decoded(piece);
  yield decoded();
}

async function heldIn(path: string): Promise<SignedCheckpoint[]> {
  const checkpoints = readCheckpoints((await readGiven(path)).toString('utf8'));
  if (checkpoints.length === 0) throw new Error(`There is no checkpoint in ${path}.`);
  return checkpoints;
}

function read(args: readonly string[]): {
  file: string;
  checkpoints: string[];
  key: string | undefined;
  jwks: string | undefined;
  secondKey: string | undefined;
  witnesses: string[];
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      checkpoint: { type: 'string', multiple: true },
      key: { type: 'string' },
      jwks: { type: 'string' },
      'second-key': { type: 'string' },
      witness: { type: 'string', multiple: true },
    },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new Error('One FILE is needed.');
  const { checkpoint: checkpoints = [], key, jwks, witness: witnesses = [] } = values;
  const { 'second-key': secondKey } = values;
  if (key !== undefined && jwks !== undefined) throw new Error('Either --key or --jwks, not both.');
  return { file, checkpoints, key, jwks, secondKey, witnesses };
}
