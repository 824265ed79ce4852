import { count, counted } from './format.js';

const dayNames = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' };
export const days = Object.entries(dayNames);

/** @param {any} window */
function windowText({ days: on, from, to, timeZone }) {
  const when =
    on.length === 7
      ? 'every day'
      : on.map((/** @type {keyof typeof dayNames} */ day) => dayNames[day]).join(', ');
  return `${when} ${from} to ${to}${to <= from ? ' of the next day' : ''}, ${timeZone}`;
}

/** @type {Record<string, (n: number) => string>} */
const boundWords = {
  rotateEveryDaysMin: (n) => `rotate at most every ${counted(n, 'day')}`,
  rotateEveryDaysMax: (n) => `rotate at least every ${counted(n, 'day')}`,
  rotateBeforeSealsMax: (n) => `rotate before ${counted(n, 'seal')}`,
  rewrapEveryDaysMin: (n) => `rewrap at most every ${counted(n, 'day')}`,
  rewrapEveryDaysMax: (n) => `rewrap at least every ${counted(n, 'day')}`,
  retireAfterDaysMax: (n) => `what is left swept after ${counted(n, 'day')}`,
};

/** What a policy can say: its name, and what a value of it means. @type {Record<string, [string, (value: any) => string]>} */
export const policyWords = {
  rotateEveryDays: [
    'Rotate by age',
    (value) => (value === null ? 'never' : `every ${counted(value, 'day')}`),
  ],
  rotateBeforeSeals: [
    'Rotate by use',
    (value) => (value === null ? 'never' : `before ${count(value)} seals`),
  ],
  rewrapEveryDays: [
    'Rewrap by age',
    (value) => (value === null ? 'never by itself' : `every ${counted(value, 'day')}`),
  ],
  retireAfterDays: [
    'Sweep what is left',
    (value) =>
      value === null ? 'with the next rotation' : `${counted(value, 'day')} after a key went out of use`,
  ],
  destroyAfterDays: [
    'Ask for destruction',
    (value) => (value === null ? 'never by itself' : `${counted(value, 'day')} after a key went out of use`),
  ],
  windows: ['Hours', (value) => (value === null ? 'at any time' : value.map(windowText).join('; '))],
  kek: ['KEK of new keys', (value) => value ?? 'the one that wraps the tenant’s'],
  bounds: [
    'Bounds for tenants',
    (value) =>
      Object.entries(boundWords)
        .filter(([name]) => value?.[name] !== undefined)
        .map(([name, told]) => told(value[name]))
        .join('; ') || 'none',
  ],
  rotationsAtOnce: ['Rotations by policies at once', (value) => count(value ?? 4)],
};

/** The fields that a tenant's can say, too. */
export const policyFields = [
  'rotateEveryDays',
  'rotateBeforeSeals',
  'rewrapEveryDays',
  'retireAfterDays',
  'destroyAfterDays',
  'windows',
  'kek',
];
/** @param {string} name */
export const nameOf = (name) => policyWords[name]?.[0] ?? name;
/** @param {string} name @param {any} value */
export const says = (name, value) => policyWords[name]?.[1](value) ?? String(value);
