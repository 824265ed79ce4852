import { comments, quoted, type Schema, type Schemas, typeText } from './type-text.ts';

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: ReadonlyArray<{
    readonly in: 'path' | 'query' | 'header';
    readonly name: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }>;
  readonly requestBody?: Content & { readonly required: boolean };
  readonly responses: Readonly<Record<string, Content>>;
}

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Schemas };
  readonly 'x-errors': Readonly<Record<string, { readonly message: string; readonly detail: string }>>;
}

const head =
  '// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.\n\n';
const json = 'application/json';

/** The client's operations, a file each and the list of them: text by name. */
export function operationFiles({
  paths,
  components: { schemas },
  'x-errors': errors,
}: OpenApiDocument): Map<string, string> {
  const files = new Map([['errors.ts', `${head}${errorsText(errors)}`]]);
  const ids: string[] = [];
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      // The client reads JSON: what has other forms is a file to keep, and fetched as one.
      if (answerOf(operation)?.content?.[json] === undefined) continue;
      ids.push(operation.operationId);
      files.set(
        fileOf(operation.operationId),
        head + operationText(operation, method.toUpperCase(), path, schemas),
      );
    }
  }
  return files.set('index.ts', head + indexText(ids.sort()));
}

/** Of what was done, or was begun. */
function answerOf({ responses }: Operation): Operation['responses'][string] | undefined {
  return responses['200'] ?? responses['202'];
}

function operationText(operation: Operation, method: string, path: string, schemas: Schemas): string {
  const { operationId, summary, parameters = [], requestBody } = operation;
  const partOf = (where: 'path' | 'query' | 'header'): Schema => {
    // What the client itself says about answers is no input.
    const fields = parameters.filter((one) => one.in === where && one.name !== 'accept');
    return {
      type: 'object',
      properties: Object.fromEntries(
        fields.map(({ name, description, schema }) => [
          name,
          { ...schema, ...(description === undefined ? {} : { description }) },
        ]),
      ),
      required: fields.filter(({ required }) => required).map(({ name }) => name),
    };
  };
  const body = requestBody?.content?.[json]?.schema;
  const parts: Array<[name: string, schema: Schema, required: boolean]> = [
    ...(['path', 'query', 'header'] as const).map((where): [string, Schema, boolean] => {
      const schema = partOf(where);
      return [where === 'header' ? 'headers' : where, schema, (schema.required ?? []).length > 0];
    }),
    ...(body === undefined
      ? []
      : ([['body', body, requestBody?.required === true]] satisfies [string, Schema, boolean][])),
  ];
  const given = parts.filter(
    ([name, schema]) => name === 'body' || Object.keys(schema.properties ?? {}).length > 0,
  );
  const input: Schema = {
    type: 'object',
    properties: Object.fromEntries(given.map(([name, schema]) => [name, schema])),
    required: given.filter(([, , required]) => required).map(([name]) => name),
    additionalProperties: false,
  };
  const answer = answerOf(operation)?.content?.[json]?.schema;
  if (answer === undefined) throw new Error(`${operationId} has no answer with the status 200 or 202`);
  const type = typeName(operationId);
  return [
    `/** ${comments(summary)}. */`,
    `export const ${operationId} = { method: ${quoted(method)}, path: ${quoted(path)} } as const;\n`,
    `export type ${type}Input = ${typeText(input, schemas)};\n`,
    `export type ${type}Answer = ${typeText(answer, schemas)};\n`,
  ].join('\n');
}

function errorsText(errors: OpenApiDocument['x-errors']): string {
  const rows = Object.entries(errors).map(
    ([code, { message, detail }]) => `  ${code}: { message: ${quoted(message)}, detail: ${quoted(detail)} },`,
  );
  return [
    '/** What each error says. */',
    'export const errorTexts = {',
    ...rows,
    '} as const;',
    '',
    'export type ErrorCode = keyof typeof errorTexts;',
    '',
  ].join('\n');
}

function indexText(ids: readonly string[]): string {
  return [
    ...ids.map(
      (id) =>
        `import { ${id}, type ${typeName(id)}Answer, type ${typeName(id)}Input } from './${fileOf(id)}';`,
    ),
    '',
    `export const operations = { ${ids.join(', ')} } as const;`,
    '',
    '/** What each takes and answers. */',
    'export interface Operations {',
    ...ids.map(
      (id) =>
        `  readonly ${id}: { readonly input: ${typeName(id)}Input; readonly answer: ${typeName(id)}Answer };`,
    ),
    '}',
    '',
  ].join('\n');
}

function fileOf(operationId: string): string {
  return `${operationId.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;
}

function typeName(operationId: string): string {
  return operationId.charAt(0).toUpperCase() + operationId.slice(1);
}
