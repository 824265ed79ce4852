import Type from 'typebox';

/** Why somebody did it, in their words. */
export const Reason = Type.String({
  title: 'reason of at most 500 characters without control characters',
  minLength: 1,
  maxLength: 500,
  // Neither control characters nor halves of a pair, which Postgres would not take.
  pattern: '^[^\\p{Cc}\\p{Cs}]*$',
  examples: ['yearly, as the policy says'],
  description: 'Why; kept with the event. No control characters.',
});
