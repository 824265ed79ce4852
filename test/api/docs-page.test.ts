import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { openApi, roles, routes } from '@rekey/api';
import { errorRemedies, errorTable } from '@rekey/contract';
import { html, prose } from '../../apps/api/src/page/html.ts';
import { page } from '../../apps/api/src/page/page.ts';
import { liveApi } from './live-api.ts';

const api = await liveApi();
const answer = await api.send({ path: '/docs' });
const text = answer.text.replaceAll(
  /&#39;|&quot;|&lt;|&gt;|&amp;/g,
  (entity) =>
    ({
      '&#39;': "'",
      '&quot;': '"',
      '&lt;': '<',
      '&gt;': '>',
      '&amp;': '&',
    })[entity] ?? '',
);

/** The elements of a page in which each is closed, in the order in which it was opened. */
function elementsIn(markup: string): ReadonlyArray<{ name: string; attributes: Map<string, string> }> {
  const open: string[] = [];
  const elements: Array<{ name: string; attributes: Map<string, string> }> = [];
  let read = 0;
  for (const found of markup.matchAll(
    /[^<]*<(?:(!DOCTYPE html)|\/([a-z0-9]+)|([a-z0-9]+)((?: [a-z-]+="[^"<>]*")*) ?(\/?))>/g,
  )) {
    assert.equal(found.index, read, `no markup: ${markup.slice(read, read + 80)}`);
    read += found[0].length;
    const [, , closed, name, attributes = '', isVoid] = found;
    if (closed !== undefined) assert.equal(open.pop(), closed, `at ${found.index}`);
    if (name === undefined) continue;
    const pairs = [...attributes.matchAll(/([a-z-]+)="([^"]*)"/g)].map(
      ([, key = '', value = '']) => [key, value] as const,
    );
    elements.push({ name, attributes: new Map(pairs) });
    if (isVoid === '') open.push(name);
  }
  assert.deepEqual([open, markup.slice(read).trim()], [[], '']);
  return elements;
}

const elements = elementsIn(answer.text);
const valuesOf = (attribute: string): string[] =>
  elements.flatMap(({ attributes }) => attributes.get(attribute) ?? []);

test('the page is served to anybody, under a policy by which nothing is loaded, run, framed or sent', async () => {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
  const policy = Object.fromEntries(
    String(answer.headers['content-security-policy'])
      .split('; ')
      .map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1).join(' ')]),
  );
  const [, style = ''] = /<style>([^<]*)<\/style>/.exec(answer.text) ?? [];
  assert.deepEqual(policy, {
    'default-src': "'none'",
    'style-src': `'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    'require-trusted-types-for': "'script'",
    'trusted-types': "'none'",
  });
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['referrer-policy'], 'no-referrer');
  for (const path of ['/docs', '/openapi.json']) {
    const { headers } = await api.send({ method: 'HEAD', path });
    assert.equal(headers['cache-control'], 'public, max-age=300', path);
  }
});

test('the page is well formed, has one of each id, and every link leads somewhere in it', () => {
  const names = new Set(elements.map(({ name }) => name));
  for (const name of ['script', 'img', 'link', 'iframe', 'form', 'object']) assert.ok(!names.has(name), name);
  assert.deepEqual([...valuesOf('style'), ...valuesOf('src')], []);
  const ids = valuesOf('id');
  assert.deepEqual(ids, [...new Set(ids)]);
  const anchors = new Set(ids.map((id) => `#${id}`));
  assert.deepEqual(
    valuesOf('href').filter((link) => !anchors.has(link)),
    ['/openapi.json'],
  );
  assert.deepEqual(
    valuesOf('aria-labelledby').filter((id) => !anchors.has(`#${id}`)),
    [],
  );
  for (const word of ['prefers-color-scheme: dark', '@media print', 'overflow-wrap: anywhere'])
    assert.ok(answer.text.includes(word), word);
  assert.equal(elements.find(({ name }) => name === 'html')?.attributes.get('lang'), 'en');
});

test('every operation stands there with path, roles and a command, and every error with what to do', () => {
  for (const { operationId, method, path, permission, summary, tag } of routes) {
    const [, section = ''] =
      new RegExp(`<section id="${operationId}"([\\s\\S]*?)</section>`).exec(text) ?? [];
    assert.ok(section.includes(`<code>${method} ${path}</code>`), operationId);
    assert.ok(
      section.includes(summary) && text.includes(`<h2 id="group-${tag.toLowerCase().replaceAll(' ', '-')}">`),
    );
    assert.match(section, /<pre>curl -s [\s\S]*?<\/pre>/, operationId);
    assert.doesNotMatch(section, /<pre><\/pre>/, operationId);
    for (const [role, { may, tenants }] of Object.entries(roles)) {
      const told = section.includes(
        `<code>${role}</code> (${tenants === 'any' ? 'any tenant' : 'its own tenant'})`,
      );
      assert.equal(told, permission === 'by_role' && may({ operationId, method }), `${role} ${operationId}`);
    }
  }
  const plain = text.replaceAll(/<\/?code>/g, '');
  for (const [code, { status, message, detail }] of Object.entries(errorTable)) {
    const remedy = errorRemedies[code as keyof typeof errorTable].replaceAll('`', '');
    assert.ok(plain.includes(`${status} ${message}</dt><dd>${detail}</dd><dd>${remedy}</dd>`), code);
  }
});

test('whatever a document says is text on the page', () => {
  const hostile = `<script>alert("x")</script>' onload='x' <!-- \${x}`;
  assert.equal(
    html`<b title="${hostile}">${[prose(`a \`${hostile}\` b`)]}</b>`.markup.includes('<script'),
    false,
  );
  const document = JSON.parse(openApi(routes), (key, value) =>
    ['description', 'summary', 'example', 'detail', 'remedy', 'message', 'title'].includes(key) &&
    typeof value === 'string'
      ? `${value}${hostile}`
      : value,
  );
  const names = new Set(elementsIn(page(document)).map(({ name }) => name));
  assert.ok(!names.has('script'));
});
