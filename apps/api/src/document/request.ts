import Type, { type TObject, type TSchema } from 'typebox';
import type { Route } from '../route.ts';

/** Every guarded route looks at it. Optional: without it JSON is answered. */
const Accept = Type.Object({
  accept: Type.Optional(
    Type.String({
      description: 'application/json. (Wildcards are accepted too; a value that excludes JSON gets 406.)',
      examples: ['application/json'],
    }),
  ),
});

/** The `parameters` of an operation, if it takes any. */
export function parametersOf({ permission, request: { query, params, headers } }: Route): object {
  const parameters = [
    ...parametersIn('query', query),
    ...parametersIn('path', params),
    ...parametersIn('header', headers),
    ...(permission === 'public' ? [] : parametersIn('header', Accept)),
  ];
  return parameters.length === 0 ? {} : { parameters };
}

function parametersIn(where: 'query' | 'path' | 'header', fields: TObject | undefined): object[] {
  const required = new Set<string>(fields?.required);
  return Object.entries<Documented>(fields?.properties ?? {}).map(([name, field]) => {
    const { description, examples, ...schema } = field;
    return {
      schema,
      ...exampleOf(examples),
      in: where,
      name,
      required: required.has(name),
      description: description ?? inWords(field, name),
    };
  });
}

/** The `requestBody` of an operation, if it takes one. */
export function requestBodyOf({ request: { body, bodyOptional = false } }: Route): object {
  if (body === undefined) return {};
  const { examples = [sampleOf(body)], ...schema }: Documented = body;
  const content = { 'application/json': { schema, ...exampleOf(examples) } };
  return { requestBody: { required: !bodyOptional, content } };
}

/** A field that says nothing more than its title. */
function inWords(field: Documented, name: string): string {
  const { title } = field as { readonly title?: string };
  return title === undefined ? `The ${name}.` : `${title.charAt(0).toUpperCase()}${title.slice(1)}.`;
}

/** Of every field that has an example of its own, or a value that it is for sure. */
function sampleOf(body: TObject): object {
  const fields = Object.entries<Documented>(body.properties).map(([name, { examples }]) => [
    name,
    Array.isArray(examples) ? examples[0] : undefined,
  ]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

type Documented = TSchema & { readonly description?: string; readonly examples?: unknown };

function exampleOf(examples: unknown): object {
  return Array.isArray(examples) && examples.length > 0 ? { example: examples[0] } : {};
}
