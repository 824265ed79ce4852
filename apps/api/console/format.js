const whole = new Intl.NumberFormat('en-GB');

/** @param {number} value */
export const count = (value) => whole.format(value);

/** @param {number} value @param {string} one @param {string} [many] */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** 20 s, and nothing for none. @param {number} n @param {string} unit */
const rest = (n, unit) => (n === 0 ? '' : ` ${n} ${unit}`);

/** 1.2 s, 3 min 20 s, 5 h 12 min, 12 days. @param {number} ms */
export function duration(ms) {
  const s = Math.max(0, ms) / 1_000;
  if (s < 1) return `${Math.round(s * 1_000)} ms`;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min${rest(Math.floor(s % 60), 's')}`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h${rest(Math.floor((s % 3_600) / 60), 'min')}`;
  return `${count(Math.floor(s / 86_400))} days`;
}

/** @param {string | null} iso */
export const time = (iso) => (iso === null ? '–' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`);

/** @param {string} iso */
export function ago(iso) {
  const ms = Date.now() - Date.parse(iso);
  return ms < 1_000 ? 'just now' : `${duration(ms)} ago`;
}

/** As a sentence begins. @param {string} text */
export const upper = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** The first part of an id is enough to tell neighbours apart; the whole of it is its title. @param {string} id */
export const short = (id) => id.replace(/^((?:rot|dek|rewrap|campaign|plan)-)?([0-9a-f]{8})-.*$/, '$1$2');

/** @param {{credentials: number, apiKeys: number, secrets: number}} items */
export const total = ({ credentials, apiKeys, secrets }) => credentials + apiKeys + secrets;

/**
 * How long it has to go; of what stands still nobody knows until when.
 * @param {{estimatedCompletion: string | null, estimatedRange: {earliest: string, latest: string | null} | null}} rotation
 */
export function estimate({ estimatedCompletion, estimatedRange }) {
  if (estimatedCompletion === null) return 'no estimate';
  const left = (/** @type {string} */ iso) => Date.parse(iso) - Date.now();
  if (estimatedRange === null) {
    const ms = left(estimatedCompletion);
    return ms < 2_000 ? 'a moment' : `about ${duration(ms)}`;
  }
  const { earliest, latest } = estimatedRange;
  if (latest === null) return `at least ${duration(left(earliest))} once it goes on`;
  return left(latest) < 2_000 ? 'a moment' : `${duration(left(earliest))} to ${duration(left(latest))}`;
}

/** What the API calls it, as people write it. @param {string} name */
export const words = (name) =>
  name
    .toLowerCase()
    .replaceAll('_', ' ')
    .replaceAll(/\b(?:api|dek|kek|kms)\b/g, (short) => short.toUpperCase());

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
/** 512 bytes, 8.5 MB, 120 GB. @param {number} n */
export function bytes(n) {
  const step = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const value = n / 1_000 ** step;
  return `${step === 0 || value >= 100 ? count(Math.round(value)) : value.toFixed(1)} ${units[step]}`;
}
