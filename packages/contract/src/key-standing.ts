import Type from 'typebox';
import { Timestamp } from './ids.ts';

const closed = { additionalProperties: false } as const;

/** How an active DEK stands by what holds for its tenant. */
export const KeyStanding = Type.Object(
  {
    level: Type.Enum(['fresh', 'due', 'overdue', 'orphaned'], {
      description:
        '`orphaned`: tries keep ending without a switch, or records were left behind; a person must act.',
    }),
    dueAt: Type.Union([Timestamp, Type.Null()], { description: 'Null: no age makes it due.' }),
    overdueAt: Type.Union([Timestamp, Type.Null()]),
    tries: Type.Integer({ minimum: 0, description: 'In a row that ended without a switch.' }),
    triedAt: Type.Union([Timestamp, Type.Null()], { description: 'When the last of these ended.' }),
  },
  closed,
);

/** How old the wrapping of DEKs is by what holds for their tenant. */
export const Wrapping = Type.Object(
  {
    level: Type.Enum(['fresh', 'due', 'overdue', 'orphaned'], {
      description: '`orphaned`: tries to make it anew keep ending otherwise than well; a person must act.',
    }),
    wrappedAt: Timestamp,
    dueAt: Timestamp,
    overdueAt: Timestamp,
    tries: Type.Integer({ minimum: 0, description: 'By policies, since then, that did not end well.' }),
    triedAt: Type.Union([Timestamp, Type.Null()], { description: 'When the last of these ended.' }),
  },
  closed,
);

export const wrappingExample = {
  level: 'fresh',
  wrappedAt: '2025-04-09T08:59:58.000Z',
  dueAt: '2026-03-14T20:11:09.000Z',
  overdueAt: '2026-04-09T08:59:58.000Z',
  tries: 0,
  triedAt: null,
} as const;
