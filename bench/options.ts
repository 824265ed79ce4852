import { parseArgs } from 'node:util';
import { full, type Parameters, quick } from './parameters.ts';

export interface Options {
  readonly parameters: Parameters;
  readonly quick: boolean;
  /** The series to run, by name; null: all of them. */
  readonly only: readonly string[] | null;
  /** What the result files are called. */
  readonly name: string;
}

const numbers = Object.keys(full).sort();

export const usage = `npm run bench -- [--quick] [--only <series>[,<series>]] [--name <name>] [--<parameter> <value>]
Parameters (bench/parameters.ts; lists are separated by commas): ${numbers.join(', ')}`;

/** @throws TypeError with what is wrong, for a person */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      name: { type: 'string' },
      ...Object.fromEntries(numbers.map((name) => [name, { type: 'string' } as const])),
    },
  });
  const given: Record<string, unknown> = values;
  const base: Parameters = values.quick === true ? quick : full;
  const changed = Object.entries(base).map(([name, value]) => {
    const text = given[name];
    return [name, typeof text === 'string' ? parse(name, text, Array.isArray(value)) : value];
  });
  const parameters: Parameters = Object.fromEntries(changed);
  const isQuick = values.quick === true;
  return {
    parameters,
    quick: isQuick,
    only: typeof values.only === 'string' ? values.only.split(',') : null,
    name: typeof values.name === 'string' ? nameOf(values.name) : isQuick ? 'local-quick' : 'local',
  };
}

function parse(name: string, text: string, list: boolean): number | number[] {
  const parsed = text.split(',').map(Number);
  const [first, ...more] = parsed;
  if (first === undefined || parsed.some((value) => !Number.isFinite(value) || value < 0))
    throw new TypeError(`--${name} takes ${list ? 'numbers separated by commas' : 'a number'}`);
  if (!list && more.length > 0) throw new TypeError(`--${name} takes one number`);
  return list ? parsed : first;
}

function nameOf(text: string): string {
  if (!/^[\w.-]{1,80}$/.test(text)) throw new TypeError('--name takes letters, digits, dots and hyphens');
  return text;
}
