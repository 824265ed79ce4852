import assert from 'node:assert/strict';
import type { Program } from './program.ts';

/** Where the stack says that it is to be found. */
export function urlOf(stack: Program): string {
  const [, url, ...more] = stack.logs().match(/^ready (\S+)$/m) ?? [];
  assert.equal(stack.logs().match(/^ready /gm)?.length, 1, 'exactly one ready line');
  assert.ok(url !== undefined && more.length === 0);
  return url;
}

/** The lines below a heading, up to the next empty one. */
export function pasted(stack: Program, heading: string): string {
  const lines = stack.logs().split('\n');
  const from = lines.indexOf(`  ${heading}`) + 2;
  return lines.slice(from, lines.indexOf('', from)).join('\n');
}
