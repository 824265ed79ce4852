import { type OpenHours, weekdays } from '@rekey/times';

export const daily = (from: string, to: string, timeZone: string): OpenHours => ({
  days: weekdays,
  from,
  to,
  timeZone,
});
export const on = (days: OpenHours['days'], from: string, to: string, timeZone: string): OpenHours => ({
  days,
  from,
  to,
  timeZone,
});

/** When windows are asked, whether they are open then, and when that changes. Worked out by hand. */
export const calendarCases: ReadonlyArray<
  [what: string, windows: OpenHours[], at: string, open: boolean, until: string]
> = [
  ['before it', [daily('02:00', '04:00', 'UTC')], '2026-05-05T01:59:59Z', false, '2026-05-05T02:00:00Z'],
  [
    'at its first moment',
    [daily('02:00', '04:00', 'UTC')],
    '2026-05-05T02:00:00Z',
    true,
    '2026-05-05T04:00:00Z',
  ],
  ['at its end', [daily('02:00', '04:00', 'UTC')], '2026-05-05T04:00:00Z', false, '2026-05-06T02:00:00Z'],
  [
    'over midnight, before',
    [daily('22:00', '04:00', 'UTC')],
    '2026-05-05T23:00:00Z',
    true,
    '2026-05-06T04:00:00Z',
  ],
  [
    'over midnight, behind',
    [daily('22:00', '04:00', 'UTC')],
    '2026-05-06T03:00:00Z',
    true,
    '2026-05-06T04:00:00Z',
  ],
  [
    'over midnight it is of the day on which it begins',
    [on(['sat'], '22:00', '04:00', 'UTC')],
    '2026-05-10T03:00:00Z', // a Sunday
    true,
    '2026-05-10T04:00:00Z',
  ],
  [
    'and of no other',
    [on(['sun'], '22:00', '04:00', 'UTC')],
    '2026-05-10T03:00:00Z',
    false,
    '2026-05-10T22:00:00Z',
  ],
  [
    'to equal to from is a day',
    [on(['mon'], '09:00', '09:00', 'UTC')],
    '2026-05-05T08:59:00Z',
    true,
    '2026-05-05T09:00:00Z',
  ],
  ['to midnight', [daily('22:00', '00:00', 'UTC')], '2026-05-05T23:59:00Z', true, '2026-05-06T00:00:00Z'],
  [
    'in winter',
    [daily('02:00', '04:00', 'Europe/Berlin')],
    '2026-01-10T01:30:00Z',
    true,
    '2026-01-10T03:00:00Z',
  ],
  [
    'in summer',
    [daily('02:00', '04:00', 'Europe/Berlin')],
    '2026-07-10T01:30:00Z',
    true,
    '2026-07-10T02:00:00Z',
  ],
  // Berlin, 29 March 2026: 02:00 to 03:00 is skipped at 01:00 UTC.
  [
    'from in the hour that is skipped',
    [daily('02:30', '05:00', 'Europe/Berlin')],
    '2026-03-29T00:59:00Z',
    false,
    '2026-03-29T01:30:00Z',
  ],
  [
    'to in the hour that is skipped',
    [daily('01:00', '02:30', 'Europe/Berlin')],
    '2026-03-29T00:30:00Z',
    true,
    '2026-03-29T01:30:00Z',
  ],
  [
    'all of it in the hour that is skipped',
    [daily('02:15', '02:45', 'Europe/Berlin')],
    '2026-03-29T01:00:00Z',
    false,
    '2026-03-29T01:15:00Z',
  ],
  [
    'nothing left of it',
    [daily('02:30', '03:15', 'Europe/Berlin')],
    '2026-03-29T01:00:00Z',
    false,
    '2026-03-30T00:30:00Z',
  ],
  [
    'nothing left of a weekly one',
    [on(['sun'], '02:30', '03:15', 'Europe/Berlin')],
    '2026-03-29T00:30:00Z',
    false,
    '2026-04-05T00:30:00Z',
  ],
  [
    'shorter by the hour',
    [daily('01:00', '05:00', 'Europe/Berlin')],
    '2026-03-29T00:00:00Z',
    true,
    '2026-03-29T03:00:00Z',
  ],
  // Berlin, 25 October 2026: 02:00 to 03:00 comes twice, at 00:00 and at 01:00 UTC.
  [
    'from: the first of two',
    [daily('02:30', '05:00', 'Europe/Berlin')],
    '2026-10-25T00:29:00Z',
    false,
    '2026-10-25T00:30:00Z',
  ],
  [
    'to: the second of two',
    [daily('01:00', '02:30', 'Europe/Berlin')],
    '2026-10-25T00:45:00Z',
    true,
    '2026-10-25T01:30:00Z',
  ],
  [
    'both in the hour that comes twice',
    [daily('02:15', '02:45', 'Europe/Berlin')],
    '2026-10-25T00:50:00Z',
    true,
    '2026-10-25T01:45:00Z',
  ],
  [
    'longer by the hour',
    [daily('22:00', '06:00', 'Europe/Berlin')],
    '2026-10-24T20:00:00Z',
    true,
    '2026-10-25T05:00:00Z',
  ],
  // New York, 8 March and 1 November 2026.
  [
    'west, forward',
    [daily('02:30', '04:00', 'America/New_York')],
    '2026-03-08T07:00:00Z',
    false,
    '2026-03-08T07:30:00Z',
  ],
  [
    'west, back',
    [daily('00:30', '01:30', 'America/New_York')],
    '2026-11-01T06:00:00Z',
    true,
    '2026-11-01T06:30:00Z',
  ],
  // Lord Howe Island, 4 October 2026: half an hour is skipped, 02:00 to 02:30, at 15:30 UTC of the day before.
  [
    'half an hour forward',
    [daily('02:15', '04:00', 'Australia/Lord_Howe')],
    '2026-10-03T15:30:00Z',
    false,
    '2026-10-03T15:45:00Z',
  ],
  // Beirut put its clock forward at midnight, 29 March 2026: 00:00 to 01:00 is skipped at 22:00 UTC.
  [
    'midnight that is skipped',
    [daily('00:00', '03:00', 'Asia/Beirut')],
    '2026-03-28T21:30:00Z',
    false,
    '2026-03-28T22:00:00Z',
  ],
  // Samoa skipped all of Friday, 30 December 2011: it ends with 10:00 UTC of that day, when Saturday begins.
  [
    'a day that is skipped',
    [on(['sat'], '00:00', '02:00', 'Pacific/Apia')],
    '2011-12-30T09:59:00Z',
    false,
    '2011-12-30T10:00:00Z',
  ],
  [
    'a quarter of an hour off',
    [daily('00:00', '01:00', 'Asia/Kathmandu')],
    '2026-05-05T18:00:00Z',
    false,
    '2026-05-05T18:15:00Z',
  ],
  [
    'east of the date line',
    [on(['mon'], '00:30', '01:00', 'Pacific/Kiritimati')],
    '2026-05-03T10:45:00Z',
    true,
    '2026-05-03T11:00:00Z',
  ],
  ['leap day', [daily('22:00', '02:00', 'UTC')], '2028-02-29T23:00:00Z', true, '2028-03-01T02:00:00Z'],
  ['into leap day', [daily('22:00', '02:00', 'UTC')], '2028-02-28T23:00:00Z', true, '2028-02-29T02:00:00Z'],
  ['no leap day', [daily('22:00', '02:00', 'UTC')], '2027-02-28T23:00:00Z', true, '2027-03-01T02:00:00Z'],
  ['end of a month', [daily('23:30', '00:30', 'UTC')], '2026-04-30T23:45:00Z', true, '2026-05-01T00:30:00Z'],
  [
    'end of a year',
    [daily('23:30', '00:30', 'Asia/Tokyo')],
    '2026-12-31T15:00:00Z',
    true,
    '2026-12-31T15:30:00Z',
  ],
  [
    'two that touch are one',
    [daily('01:00', '02:00', 'UTC'), daily('02:00', '03:00', 'UTC')],
    '2026-05-05T01:30:00Z',
    true,
    '2026-05-05T03:00:00Z',
  ],
  [
    'two that overlap are one',
    [daily('01:00', '04:00', 'UTC'), daily('02:00', '03:00', 'UTC')],
    '2026-05-05T02:30:00Z',
    true,
    '2026-05-05T04:00:00Z',
  ],
  [
    'of two the next one',
    [daily('20:00', '21:00', 'UTC'), daily('09:00', '10:00', 'UTC')],
    '2026-05-05T08:00:00Z',
    false,
    '2026-05-05T09:00:00Z',
  ],
  [
    'a week later',
    [on(['tue'], '01:00', '02:00', 'UTC')],
    '2026-05-05T02:00:00Z',
    false,
    '2026-05-12T01:00:00Z',
  ],
];
