import { says } from './policy-words.js';

/** A policy while somebody changes it: what each field of it says, as the default, never, or a value of its own. */
const numbers = [
  'rotateEveryDays',
  'rotateBeforeSeals',
  'rewrapEveryDays',
  'retireAfterDays',
  'destroyAfterDays',
];
const names = [...numbers, 'windows', 'kek'];
const ofBounds = [
  'rotateEveryDaysMin',
  'rotateEveryDaysMax',
  'rotateBeforeSealsMax',
  'rewrapEveryDaysMin',
  'rewrapEveryDaysMax',
  'retireAfterDaysMax',
];
const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) => JSON.stringify(a) === JSON.stringify(b);

/** @param {any} policy @param {string} name @param {boolean} isTenants */
function fieldOf(policy, name, isTenants) {
  if (policy[name] !== undefined && policy[name] !== null) return { mode: 'own', value: policy[name] };
  const value = name === 'windows' ? [] : '';
  return { mode: isTenants && policy[name] === undefined ? 'default' : 'never', value };
}

/** @param {any} policy as it is stored @param {boolean} isTenants @returns {any} */
export function fieldsOf(policy, isTenants) {
  const fields = names.map((name) => [name, fieldOf(policy, name, isTenants)]);
  const bounds = ofBounds.map((name) => [name, { value: policy.bounds?.[name] ?? '' }]);
  return Object.fromEntries([
    ...fields,
    ...bounds,
    ['rotationsAtOnce', { value: policy.rotationsAtOnce ?? '' }],
  ]);
}

/** What is to be stored. @param {any} fields @param {any} base what it takes the place of @param {boolean} isTenants */
export function policyOf(fields, base, isTenants) {
  // A default that has never said how long keys are kept goes on saying nothing, which binds nobody later on.
  const isSaid = (/** @type {string} */ name) =>
    fields[name].mode === 'own' || (fields[name].mode === 'never' && (isTenants || name in base));
  const saidBy = (/** @type {string} */ name) => {
    const { mode, value } = fields[name];
    if (mode !== 'own') return null;
    return numbers.includes(name) ? Number(value) : value;
  };
  const bounds = ofBounds.filter((name) => fields[name].value !== '');
  const atOnce = fields.rotationsAtOnce.value;
  return {
    ...Object.fromEntries(names.filter(isSaid).map((name) => [name, saidBy(name)])),
    ...(bounds.length === 0
      ? {}
      : { bounds: Object.fromEntries(bounds.map((name) => [name, Number(fields[name].value)])) }),
    ...(atOnce === '' ? {} : { rotationsAtOnce: Number(atOnce) }),
  };
}

/** What I have changed, on top of what stands now. @param {any} mine @param {any} base @param {any} now @param {boolean} isTenants */
export function rebased(mine, base, now, isTenants) {
  const [was, theirs] = [fieldsOf(base, isTenants), fieldsOf(now, isTenants)];
  const merged = Object.keys(mine).map((name) => [
    name,
    same(mine[name], was[name]) ? theirs[name] : mine[name],
  ]);
  return Object.fromEntries(merged);
}

/** What two versions say differently, each in words. @param {any} before @param {any} after @param {boolean} isTenants */
export function changesBetween(before, after, isTenants) {
  const told = (/** @type {any} */ policy, /** @type {string} */ name) =>
    policy[name] === undefined && isTenants ? 'as the default says' : says(name, policy[name] ?? null);
  return [...names, 'bounds', 'rotationsAtOnce']
    .filter((name) => !same(before[name], after[name]))
    .map((name) => ({ name, was: told(before, name), now: told(after, name) }));
}
