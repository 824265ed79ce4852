import Type, { type Static } from 'typebox';
import { PlanId } from './ids.ts';
import { ItemCounts } from './items.ts';
import { PlanEstimate } from './plans.ts';

/** Of a rotation that was started with a plan: what was planned, and what it took. */
export const plannedFields = {
  plan: Type.Optional(
    Type.Object(
      { planId: PlanId, itemsToRotate: ItemCounts, ...PlanEstimate.properties },
      {
        additionalProperties: false,
        description: 'Only of a rotation that was started with a plan, for as long as that is kept.',
      },
    ),
  ),
  actual: Type.Optional(
    Type.Object(
      {
        itemsToRotate: ItemCounts,
        seconds: Type.Number({ minimum: 0, description: 'From the call to the end, or until now.' }),
        walBytes: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
          description:
            'What the database server wrote from the call to the end, for everybody: applications and other rotations too. Null until the end.',
        }),
        kmsCalls: Type.Integer({
          minimum: 0,
          description:
            'Up to a second or two ago, but for those of a worker that was killed before it told of them.',
        }),
      },
      { additionalProperties: false, description: 'What that plan is held against.' },
    ),
  ),
};

const Planned = Type.Object(plannedFields);
export type Planned = Static<typeof Planned>;
