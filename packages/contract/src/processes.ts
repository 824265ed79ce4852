import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, Timestamp, Uuid } from './ids.ts';

export const processesMessage = 'Workers and vaults';

export const processesLimitMax = 200;
export const processesLimitDefault = 50;

const ProcessKind = Type.Enum(['worker', 'vault'], { title: 'kind (worker or vault)' });
const ProcessState = Type.Enum(['live', 'silent', 'ended'], { title: 'state (live, silent or ended)' });

export const ProcessesQuery = Type.Object(
  {
    tenantId: Type.Optional(AnyCaseUuid),
    kind: Type.Optional(ProcessKind),
    state: Type.Optional(ProcessState),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        maxLength: 36,
        title: 'cursor',
        description: '`nextCursor` of the page before.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: processesLimitMax,
        default: processesLimitDefault,
        title: `limit (an integer from 1 to ${processesLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

const Latency = Type.Object(
  {
    count: Type.Integer({ minimum: 0 }),
    p50: Type.Number({ minimum: 0, description: 'In milliseconds.' }),
    p99: Type.Number({ minimum: 0, description: 'In milliseconds.' }),
  },
  { additionalProperties: false },
);

const Process = Type.Object(
  {
    processId: Uuid,
    kind: ProcessKind,
    state: ProcessState,
    databaseRole: Type.String({ description: 'Under which it is connected to Postgres.' }),
    host: Type.String(),
    version: Type.String(),
    beganAt: Timestamp,
    heartbeatAt: Timestamp,
    toldAt: Type.Union([Timestamp, Type.Null()], {
      description: 'When it had last told of everything that it has opened.',
    }),
    endedAt: Type.Union([Timestamp, Type.Null()], { description: 'When it said that it ends.' }),
    keks: Type.Array(
      Type.Object({ kekId: Type.String(), provedAt: Timestamp }, { additionalProperties: false }),
      { description: 'Those that it wrapped and unwrapped with, and when last.' },
    ),
    keys: Type.Integer({ minimum: 0, description: 'DEKs that it has used; of the tenant asked for.' }),
    latencies: Type.Object(
      { open: Type.Optional(Latency), seal: Type.Optional(Latency), reencrypt: Type.Optional(Latency) },
      { additionalProperties: false, description: 'Of one record, between its last two reports.' },
    ),
  },
  { additionalProperties: false },
);

export const ProcessesResponse = answer(
  'Processes',
  Type.Literal(processesMessage),
  Type.Object(
    {
      processes: Type.Array(Process, { maxItems: processesLimitMax }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: processesMessage,
        data: { processes: [], nextCursor: null },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type ProcessesResponse = Static<typeof ProcessesResponse>;
