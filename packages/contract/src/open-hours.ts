import Type from 'typebox';

const windowsMax = 20;

const Time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', examples: ['22:00'] });

export const OpenHours = Type.Object(
  {
    days: Type.Array(Type.Enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']), {
      minItems: 1,
      maxItems: 7,
      uniqueItems: true,
      description: 'On which it begins.',
    }),
    from: Time,
    to: Type.String({
      ...Time,
      description: 'At or before `from` it is of the next day.',
      examples: ['04:00'],
    }),
    timeZone: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'By its name in the IANA database.',
      examples: ['Europe/Berlin'],
    }),
  },
  { additionalProperties: false },
);

export const OpenHoursList = Type.Union([Type.Array(OpenHours, { maxItems: windowsMax }), Type.Null()], {
  title: `list of at most ${windowsMax} windows {days, from, to, timeZone}, or null`,
  description: 'Outside of these nothing is begun and the sweep stands still. Null: at any time.',
});
