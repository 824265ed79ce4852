import { createHash } from 'node:crypto';
import type { Document, Operation } from './document.ts';
import { type Html, html, prose } from './html.ts';
import { operationSection } from './operation.ts';
import { style } from './style.ts';

/** The OpenAPI document as a page to read: without a script, and with nothing from anywhere else. */
export function page(document: Document): string {
  const { info } = document;
  const groups = document.tags.map((tag) => ({
    ...tag,
    id: idOf(tag.name),
    list: operationsOf(document, tag.name),
  }));
  const link = ({ operation: { operationId, summary } }: Placed): Html =>
    html`<li><a href="#${operationId}">${summary}</a></li>`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>${info.title} HTTP API</title>
<style>${{ markup: style }}</style>
</head>
<body>
<nav aria-label="Operations">
<a class="skip" href="#content">To the content</a>
${groups.map(({ name, id, list }) => html`<p><a href="#${id}">${name}</a></p><ul>${list.map(link)}</ul>`)}
<p><a href="#errors">Errors</a></p>
</nav>
<main id="content">
<h1>${info.title} HTTP API</h1>
<p>${prose(info.description)} For programs: <a href="/openapi.json">/openapi.json</a>, version ${info.version}.</p>
<p>What can be pasted here needs <code>URL</code>, where this page comes from without its path, and <code>TOKEN</code>, a bearer token.</p>
${groups.map(
  ({ name, id, description, list }) => html`<section aria-labelledby="${id}">
<h2 id="${id}">${name}</h2>
<p>${prose(description)}</p>
${list.map(({ method, path, operation }) => operationSection(method, path, operation, document))}
</section>
`,
)}
<section aria-labelledby="errors">
<h2 id="errors">Errors</h2>
<p>Every error has this form: its code says which it is.</p>
<dl>${Object.entries(document['x-errors']).map(
    ([code, { status, message, detail, remedy }]) =>
      html`<dt id="${code}"><a href="#${code}"><code>${code}</code></a> ${status} ${message}</dt><dd>${prose(detail)}</dd><dd>${prose(remedy)}</dd>`,
  )}</dl>
</section>
</main>
</body>
</html>
`.markup;
}

interface Placed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

function operationsOf({ paths }: Document, tag: string): Placed[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ method, path, operation })),
  );
}

function idOf(name: string): string {
  return `group-${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
}

const styleHash = createHash('sha256').update(style).digest('base64');

/** Nothing may be loaded, run, framed or sent; the one style is known by its hash. */
export const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;
