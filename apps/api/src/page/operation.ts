import { curlOf } from './curl.ts';
import type { Document, Operation, Parameter } from './document.ts';
import { exampleIn, fieldsOf, type Schemas, typeOf } from './fields.ts';
import { type Html, html, nothing, prose } from './html.ts';

/** One operation: who may call it, what it takes, what it answers, and which errors there are. */
export function operationSection(
  method: string,
  path: string,
  operation: Operation,
  { components, 'x-errors': errors }: Document,
): Html {
  const { operationId, summary, description, responses, parameters = [] } = operation;
  return html`<section id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><a href="#${operationId}">${summary}</a></h3>
<p><code>${method.toUpperCase()} ${path}</code></p>
${description === `${summary}.` ? nothing : html`<p>${prose(description)}</p>`}
<p>${whoMay(operation)}</p>
${parameters.length === 0 ? nothing : html`<h4>Parameters</h4><dl>${parameters.map((one) => parameterOf(one, components.schemas))}</dl>`}
${bodyOf(operation, components.schemas)}
<h4>Try it</h4>
<pre>${curlOf(method, path, operation)}</pre>
${Object.entries(responses).map(([status, { description: told, content }]) =>
  codesIn(content).length > 0 ? nothing : answerOf(status, told, content, components.schemas),
)}
<h4>Errors</h4>
<ul>${Object.values(responses)
    .flatMap(({ content }) => codesIn(content))
    .map(
      (code) => html`<li><a href="#${code}"><code>${code}</code></a> ${errors[code]?.status ?? ''}</li>`,
    )}</ul>
</section>
`;
}

function whoMay({ 'x-roles': roles }: Operation): Html {
  if (roles === undefined) return html`Anybody may call it, without a token.`;
  const admitted = Object.entries(roles).map(
    ([role, tenants], index) =>
      html`${index === 0 ? '' : ', '}<code>${role}</code> (${tenants === 'any' ? 'any tenant' : 'its own tenant'})`,
  );
  return html`Roles: ${admitted}.`;
}

function parameterOf(
  { in: where, name, required, description, schema, example }: Parameter,
  schemas: Schemas,
): Html {
  const shown = example === undefined ? nothing : html` Such as <code>${String(example)}</code>.`;
  return html`<dt>${name}</dt><dd>${where}, ${typeOf(schema, schemas)}${required ? '' : ', optional'}. ${prose(description)}${shown}</dd>`;
}

function bodyOf({ requestBody }: Operation, schemas: Schemas): Html {
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (type === undefined || media === undefined) return nothing;
  const optional = requestBody?.required === true ? '' : ', may be left out';
  return html`<h4>Body</h4><p><code>${type}</code>${optional}</p>${fieldsOf(media.schema, schemas)}`;
}

type Content = Operation['responses'][string]['content'];

function answerOf(status: string, description: string, content: Content, schemas: Schemas): Html {
  return html`<h4>${status}</h4><p>${prose(description)}</p>${Object.entries(content).map(
    ([type, { schema, example = exampleIn(schema, schemas) }]) =>
      html`<p><code>${type}</code></p>${fieldsOf(schema, schemas)}<pre>${textOf(example)}</pre>`,
  )}`;
}

function textOf(example: unknown): string {
  return typeof example === 'string' ? example : (JSON.stringify(example, null, 2) ?? '');
}

/** The errors that an answer with this status may be. */
function codesIn(content: Content): string[] {
  return Object.keys(content['application/json']?.examples ?? {});
}
