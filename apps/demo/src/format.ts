import type { ItemCounts } from '@rekey/contract';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `1,234,567` */
export function count(value: number): string {
  return grouped.format(value);
}

const rounded = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 0 });

/** `294K`: for where there is no room for all of it. */
export function roughly(value: number): string {
  return rounded.format(value);
}

/** `1 worker`, `2 workers` */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `25 credentials, 10 API keys, 50 secrets` */
export function describeCounts(counts: ItemCounts, show: (value: number) => string = count): string {
  const { credentials, apiKeys, secrets } = counts;
  const of = (value: number, one: string): string => `${show(value)} ${value === 1 ? one : `${one}s`}`;
  return [of(credentials, 'credential'), of(apiKeys, 'API key'), of(secrets, 'secret')].join(', ');
}

/** How long something took: `3.2 ms`, `140 ms`, `12.3 s`, `2 min 05 s`. */
export function took(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** How long something will still take: `0:07`, `12:30`. */
export function left(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** `62.1 %`, and 100 only for all of it. */
export function percent(fraction: number): string {
  const shown = fraction >= 1 ? '100' : (Math.floor(Math.max(0, fraction) * 1_000) / 10).toFixed(1);
  return `${shown} %`;
}
