import Type from 'typebox';

export const itemTypes = ['credentials', 'apiKeys', 'secrets'] as const;
export type ItemType = (typeof itemTypes)[number];

const Count = Type.Integer({ minimum: 0 });

export const ItemCounts = Type.Object(
  { credentials: Count, apiKeys: Count, secrets: Count },
  { additionalProperties: false, examples: [{ credentials: 25, apiKeys: 10, secrets: 50 }] },
);
export type ItemCounts = Record<ItemType, number>;
