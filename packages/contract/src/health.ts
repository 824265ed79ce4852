import Type, { type Static } from 'typebox';

export const Liveness = Type.Object(
  { status: Type.Literal('ok') },
  { $id: 'Liveness', additionalProperties: false, examples: [{ status: 'ok' }] },
);
export type Liveness = Static<typeof Liveness>;

export const Readiness = Type.Object(
  {
    status: Type.Union([Type.Literal('ready'), Type.Literal('unready')]),
    checks: Type.Record(Type.String(), Type.Boolean()),
    /** To Postgres: how many this process may have, and has. */
    connections: Type.Optional(
      Type.Object({ max: Type.Integer(), open: Type.Integer() }, { additionalProperties: false }),
    ),
  },
  {
    $id: 'Readiness',
    additionalProperties: false,
    examples: [
      {
        status: 'ready',
        checks: { postgres: true, schema: true, redis: true },
        connections: { max: 10, open: 3 },
      },
    ],
  },
);
export type Readiness = Static<typeof Readiness>;
