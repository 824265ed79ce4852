import { openApi, routes } from '@rekey/api';
import { type ErrorCode, errorTable } from '@rekey/contract';
import { Compile } from 'typebox/schema';

interface Media {
  readonly schema: { readonly $ref?: string };
  readonly examples?: Readonly<Record<string, unknown>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>;
}

/** The published document, parsed. */
export const document: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
} = JSON.parse(openApi(routes));

export interface Answered {
  readonly method: string;
  /** As it was sent: with its query, or a whole URL. */
  readonly target: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>;
  readonly text: string;
}

const validators = new Map<object, ReturnType<typeof Compile>>();
const patterns = Object.entries(document.paths).map(([path, operations]) => ({
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  operations,
}));

/** What of an answer is not as the document says it may be; null: nothing. */
export function undocumented({ method, target, status, headers, text }: Answered): string | null {
  const path = target.replace(/^https?:\/\/[^/]*/i, '').split('?', 1)[0] ?? '';
  const operations = patterns.find(({ pattern }) => pattern.test(path))?.operations;
  const operation = operations?.[(method === 'HEAD' ? 'get' : method).toLowerCase()];
  const what = `${method} ${path.slice(0, 100)} ${status} ${text.slice(0, 500)}`;
  if (headers['x-request-id'] === undefined) return `no x-request-id: ${what}`;
  if (operation === undefined) return method === 'HEAD' ? null : problemOfError(text, status, null, what);
  const content = operation.responses[status]?.content;
  if (content === undefined) return `no such status: ${what}`;
  const type = String(headers['content-type'] ?? '').split(';', 1)[0] ?? '';
  const media = content[type];
  if (media === undefined) return `no such type, ${type}: ${what}`;
  if (method === 'HEAD') return null;
  if (media.examples !== undefined) return problemOfError(text, status, Object.keys(media.examples), what);
  return /json$/.test(type) ? problemOf(media.schema, text, what) : null;
}

/** Of an error that no operation answered, any code will do that has the status. */
function problemOfError(
  text: string,
  status: number,
  codes: readonly string[] | null,
  what: string,
): string | null {
  const problem = problemOf({ $ref: '#/components/schemas/Error' }, text, what);
  if (problem !== null) return problem;
  const { code }: { code: ErrorCode } = JSON.parse(text).error;
  if (errorTable[code].status !== status || codes?.includes(code) === false) return `no such code: ${what}`;
  return null;
}

function problemOf(reference: Media['schema'], text: string, what: string): string | null {
  const { $ref } = reference;
  const schema = $ref === undefined ? reference : document.components.schemas[$ref.split('/').at(-1) ?? ''];
  if (schema === undefined) return `no schema ${$ref}`;
  const validator = validators.get(schema) ?? Compile(schema);
  validators.set(schema, validator);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return `no JSON: ${what}`;
  }
  if (validator.Check(body)) return null;
  const [, errors] = validator.Errors(body);
  const told = errors.map(({ instancePath, message }) => `${instancePath} ${message}`).join(', ');
  return `${told}: ${what}`;
}
