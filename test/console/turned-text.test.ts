import assert from 'node:assert/strict';
import { test } from 'node:test';

const { html } = await import(new URL('../../apps/api/console/html.js', import.meta.url).href);

test('text of others does not turn the sentence that it stands in', () => {
  const name = 'Ada\u202E';
  const { props } = html`<p title=${name}>by ${name}${[' ', '\u2066x', 7]}, <b>${`${name}\u200F`}</b></p>`;
  const [by, who, more, comma, bold] = props.children;
  assert.deepEqual([by, who, more, comma], ['by ', 'Ada', [' ', 'x', 7], ', ']);
  assert.equal(bold.props.children, 'Ada');
});
