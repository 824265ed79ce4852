import type { Schema } from './document.ts';
import { type Html, html, nothing, prose } from './html.ts';

export type Schemas = Readonly<Record<string, Schema>>;

/** The fields of what such a schema admits, as a list of lists. */
export function fieldsOf(schema: Schema, schemas: Schemas): Html {
  const { properties = {}, required = [] } = objectIn(schema, schemas);
  const fields = Object.entries(properties).map(([name, field]) => {
    const optional = required.includes(name) ? nothing : html` <i>optional</i>`;
    const said = field.description === undefined ? nothing : html`: ${prose(field.description)}`;
    return html`<li><b>${name}</b> <span>${typeOf(field, schemas)}</span>${optional}${said}${fieldsOf(field, schemas)}</li>`;
  });
  return fields.length === 0 ? nothing : html`<ul>${fields}</ul>`;
}

/** What has the fields: itself, or what it lists, or the one that is not null. */
function objectIn(schema: Schema, schemas: Schemas): Schema {
  const named = resolved(schema, schemas);
  if (named.properties !== undefined) return named;
  if (named.items !== undefined) return objectIn(named.items, schemas);
  const objects = (named.anyOf ?? []).filter((one) => objectIn(one, schemas).properties !== undefined);
  return objects.length === 1 && objects[0] !== undefined ? objectIn(objects[0], schemas) : {};
}

/** In words, as short as can be. */
export function typeOf(schema: Schema, schemas: Schemas): string {
  const { type, anyOf, items, additionalProperties, ...named } = resolved(schema, schemas);
  if (named.enum !== undefined) return named.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (anyOf !== undefined) return [...new Set(anyOf.map((one) => typeOf(one, schemas)))].join(' or ');
  if (type === 'array') return `list of ${typeOf(items ?? {}, schemas)}`;
  if (typeof additionalProperties === 'object') return `object of ${typeOf(additionalProperties, schemas)}`;
  return type ?? 'anything';
}

function resolved(schema: Schema, schemas: Schemas): Schema {
  const { $ref } = schema;
  return $ref === undefined ? schema : (schemas[$ref.replace('#/components/schemas/', '')] ?? {});
}

/** What an answer of that schema looks like, where the schema says it. */
export function exampleIn(schema: Schema, schemas: Schemas): unknown {
  const { examples }: Schema & { readonly examples?: readonly unknown[] } = resolved(schema, schemas);
  return examples?.[0];
}
