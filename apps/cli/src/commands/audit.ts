import type { AuditEvent, AuditQuery } from '@rekey/client';
import { auditVerify } from '@rekey/evidence';
import { type Call, type Command, CommandError, type Option, UsageError } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { type Cell, openTable } from '../table.ts';
import { idCell, momentCell } from '../times.ts';
import { rowsIn } from './list.ts';

const pageMax = 100;
const forms = ['jsonl', 'csv'] as const;

const filters: Readonly<Record<string, Option>> = {
  tenant: { value: 'ID', about: 'of this tenant only' },
  kind: { value: 'KIND', about: 'only, as in rotation.requested' },
  actor: { value: 'ID', about: 'what this `sub`, worker or database user did' },
  rotation: { value: 'ROTATION', about: 'of this rotation only' },
  after: { value: 'TIME', about: 'recorded then or later: ISO 8601' },
  before: { value: 'TIME', about: 'recorded before: ISO 8601' },
};

function queryOf(call: Call): AuditQuery {
  const query = {
    tenantId: call.option('tenant'),
    kind: call.option('kind'),
    actor: call.option('actor'),
    rotationId: call.option('rotation'),
    recordedAfter: call.option('after'),
    recordedBefore: call.option('before'),
  };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

export const auditList: Command = {
  name: 'audit list',
  about: 'list what was recorded, the latest first: who did what',
  remote: true,
  options: {
    ...filters,
    limit: { value: 'N', about: 'how many, 20 unless said' },
    all: { about: 'however many there are' },
  },
  async run(call) {
    const rows = call.on('all') ? Number.POSITIVE_INFINITY : rowsIn(call.option('limit'));
    const gathered: AuditEvent[] = [];
    const table = openTable(call.out, columns);
    let cursor: string | null = null;
    let told = 0;
    do {
      const limit = Math.min(pageMax, rows - told);
      const query = { ...queryOf(call), limit, ...(cursor === null ? {} : { cursor }) };
      const page: { events: AuditEvent[]; nextCursor: string | null } = (
        await call.client().listAudit({ query })
      ).data;
      told += page.events.length;
      cursor = page.nextCursor;
      if (call.on('json')) gathered.push(...page.events);
      else table.add(page.events.map(({ event }) => row(event)));
    } while (cursor !== null && told < rows);
    call.tell({ events: gathered, more: cursor !== null }, () => {
      if (told === 0) call.err.line('There is none.');
      else if (cursor !== null) call.err.line('There are more: --all shows them.');
    });
    return exitCodes.completed;
  },
};

const columns = [
  { heading: 'RECORDED (UTC)' },
  { heading: 'EVENT' },
  { heading: 'BY', least: 12 },
  { heading: 'OF' },
  { heading: 'ROTATION' },
];

function row({ at, kind, actor, chain, rotationId }: AuditEvent['event']): (Cell | string)[] {
  const by = actor.id.startsWith(`${actor.kind}-`) ? actor.id : `${actor.kind} ${actor.id}`;
  const rotation = rotationId === null ? '' : `rot-${rotationId}`;
  return [momentCell(at), kind, by, idCell(chain), idCell(rotation)];
}

export const auditExport: Command = {
  name: 'audit export',
  about: 'print what was recorded, with its proofs, for a file',
  remote: true,
  options: {
    ...filters,
    checkpoint: { value: 'SIZE', about: 'prove it by the checkpoint of this size, not by the latest' },
    form: { value: 'FORM', about: 'jsonl unless said', oneOf: forms },
  },
  async run(call) {
    // It has a form of its own, which a program reads.
    if (call.on('json')) throw new UsageError('An export is JSON Lines already: leave --json out.');
    const form = forms.find((one) => one === call.option('form')) ?? 'jsonl';
    const size = call.option('checkpoint');
    if (size !== undefined && !/^[0-9]{1,15}$/.test(size)) throw new UsageError('--checkpoint is a number.');
    const query = { ...queryOf(call), ...(size === undefined ? {} : { checkpoint: Number(size) }) };
    let [end, kept] = ['', ''];
    for await (const came of call.client().exportAudit(query, { form })) {
      // The network may cut between the two characters that end a line of CSV.
      const text = kept + came;
      const part = text.replace(/\r$/, '');
      kept = text.slice(part.length);
      // Every control character in it is escaped, or it is no export: the terminal would obey.
      if (!/^[^\p{Cc}]*$/u.test(part.replaceAll(/\r?\n/g, ''))) throw new Error('What came is no export.');
      await call.out.pour(part);
      end = (end + part).slice(-200);
    }
    // The last line says so: one that lacks it was cut off on its way, and is no evidence of anything missing.
    if (kept !== '' || !/"+end"+:true,"+events"+:[0-9]+\}"?[\r\n]*$/.test(end))
      throw new CommandError(
        'EXPORT_CUT',
        'The export was cut off on its way: fetch it again.',
        exitCodes.unreachable,
      );
    return exitCodes.completed;
  },
};

export const auditVerification: Command = {
  name: 'audit verify',
  operands: ['file'],
  about: 'hold an export against itself and against checkpoints you kept, without any network',
  remote: false,
  options: {
    checkpoint: { value: 'FILE', about: 'checkpoints that were kept elsewhere' },
    key: { value: 'PEM', about: 'a public key that you pinned' },
    jwks: { value: 'FILE', about: 'or a JWK Set that you trust' },
    'second-key': { value: 'PEM', about: 'and an ML-DSA-65 key that must have signed too' },
    witness: { value: 'KEY', about: 'and a witness who must have signed too: name+id+base64' },
  },
  async run(call) {
    const given = ['checkpoint', 'key', 'jwks', 'second-key', 'witness'].flatMap((name) => {
      const value = call.option(name);
      return value === undefined ? [] : [`--${name}=${value}`];
    });
    const [lines, wrong]: [string[], string[]] = [[], []];
    const found = await auditVerify([...given, '--', ...call.operands], {
      out: (line) => void lines.push(line),
      err: (line) => void wrong.push(line),
    });
    const code = ([exitCodes.completed, exitCodes.failed, exitCodes.usage, exitCodes.conflict] as const)[
      found
    ];
    if (code === exitCodes.usage) throw new UsageError(wrong[0] ?? 'It was not called rightly.');
    tellVerdict(call, code, lines);
    return code;
  },
};

function tellVerdict(call: Call, exitCode: ExitCode, lines: readonly string[]): void {
  call.tell({ exitCode, lines }, () => {
    for (const line of lines) call.out.line(line);
  });
}
